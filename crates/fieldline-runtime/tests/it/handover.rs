//! Repairs during an outage: what a sink that ends could not send goes to its next version, or the change is refused.

use std::time::Duration;

use fieldline_compiler::Plan;
use fieldline_compiler::change::Losses;
use fieldline_core::Outcome;
use fieldline_core::policy::{Buffer, SinkPolicy, WhenFull};
use fieldline_runtime::{Applied, ApplyError, Runtime};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::bench_plan::{Draw, Part, Witness, assert_balanced, balance, finished};
use crate::card::{Card, assert_numbers, on_disk};
use crate::remote::{Answer, World};

const MS: Duration = Duration::from_millis(1);

/// A plant with one source, one transform and one remote sink.
struct Plant {
    card: Card,
    witness: Witness,
    world: World,
    runtime: Runtime,
}

/// One version of it.
#[derive(Clone, Debug)]
struct Version {
    /// The time between two readings.
    pause: u64,
    /// Of the transform; without one the sink reads the source.
    transform: Option<usize>,
    sink: u32,
    host: &'static str,
    policy: SinkPolicy,
}

impl Default for Version {
    fn default() -> Self {
        Version { pause: 1, transform: Some(0), sink: 0, host: "here", policy: SinkPolicy::default() }
    }
}

const READINGS: i64 = 600;

impl Plant {
    async fn start(version: &Version) -> Self {
        let card = Card::new();
        let runtime = card.runtime();
        let mut plant = Plant { card, witness: Witness::default(), world: World::default(), runtime };
        plant.apply(version, Losses::Refuse).await.expect("nothing waits yet");
        plant
    }

    fn plan(&self, version: &Version) -> Plan {
        let Version { pause, transform, sink, host, policy } = version;
        let numbers = Part::Numbers { pause: Duration::from_millis(*pause), limit: READINGS };
        let mut draw = Draw::new(&self.witness).node("air", numbers, &[]);
        let mut last = "air";
        if let Some(bytes) = transform {
            draw = draw.node("pads", Part::Pads(*bytes), &[last]);
            last = "pads";
        }
        let plan = draw.node_with("out", Part::Writes, &[last], policy.clone()).plan();
        self.world.serve(plan, "out", host, *sink)
    }

    async fn apply(&mut self, version: &Version, losses: Losses) -> Result<Applied, ApplyError> {
        let plan = self.plan(version);
        self.runtime.apply_with(plan, losses).await
    }

    /// How many events wait in the sink.
    fn waiting(&self) -> usize {
        let in_flight = balance(&self.runtime.view().status(), "out").in_flight();
        usize::try_from(in_flight).expect("the account is right")
    }

    /// Lets the other end come back, and everything run to its end; every reading has arrived once and in order.
    async fn recovers(mut self) -> World {
        self.world.answer(Answer::Takes);
        finished(&self.runtime).await;
        let begun = Instant::now();
        while self.waiting() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(100), "{} events still wait", self.waiting());
            tokio::time::sleep(100 * MS).await;
        }
        let applied = self.runtime.stop(Duration::from_secs(60)).await;
        assert_eq!(applied.cut_off, []);
        let status = self.runtime.view().status();
        assert_balanced(&status);
        assert!(status.nodes.iter().all(|node| node.balance.lost == 0));
        assert_eq!(self.witness.outcomes(), vec![Outcome::Delivered; READINGS as usize]);
        drop(self.card);
        self.world
    }
}

fn small(when_full: WhenFull) -> SinkPolicy {
    let buffer = Buffer { max_events: Some(20), when_full, ..Buffer::default() };
    SinkPolicy { buffer, ..SinkPolicy::default() }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_edited_while_its_broker_is_away_loses_nothing() {
    for (before, after) in [
        (SinkPolicy::default(), SinkPolicy::default()),
        (SinkPolicy::default(), small(WhenFull::Block)),
        (SinkPolicy::default(), on_disk(WhenFull::Block)),
        (on_disk(WhenFull::Block), on_disk(WhenFull::Block)),
        (on_disk(WhenFull::Block), SinkPolicy::default()),
        (small(WhenFull::Block), small(WhenFull::Block)),
    ] {
        for answer in [Answer::Refuses, Answer::Hangs] {
            let first = Version { policy: before.clone(), ..Version::default() };
            let mut plant = Plant::start(&first).await;
            tokio::time::sleep(100 * MS).await;
            plant.world.answer(answer);
            tokio::time::sleep(100 * MS).await;
            let begun = Instant::now();
            let second = Version { policy: after.clone(), sink: 1, ..first };
            let applied = plant.apply(&second, Losses::Refuse).await.expect("it goes to the same host");
            assert_eq!(applied.cut_off, []);
            assert!(begun.elapsed() <= Duration::from_secs(2), "{:?}", begun.elapsed());
            assert!(applied.held < 20 * MS, "sources are held for {:?}", applied.held);
            let world = plant.recovers().await;
            assert_numbers(&world.received("here"), 0..READINGS);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn edits_one_after_the_other_during_an_outage_hold_no_reading_back() {
    let mut version = Version { pause: 20, ..Version::default() };
    let mut plant = Plant::start(&version).await;
    plant.world.answer(Answer::Refuses);
    for edit in 1..15 {
        tokio::time::sleep(300 * MS).await;
        version = Version { sink: edit, transform: Some(edit as usize), ..version };
        let applied = plant.apply(&version, Losses::Refuse).await.expect("it goes to the same host");
        assert!(applied.held < 20 * MS, "edit {edit} held sources for {:?}", applied.held);
    }
    let made = plant.witness.handed_out();
    assert!((205..=212).contains(&made), "{made} readings in 4.2 s");
    assert_numbers(&plant.recovers().await.received("here"), 0..READINGS);
}

#[tokio::test(start_paused = true)]
async fn a_transform_before_a_full_sink_is_replaced_and_taken_out_without_a_loss() {
    let policy = SinkPolicy { buffer: small(WhenFull::Block).buffer, ..SinkPolicy::default() };
    let first = Version { policy, ..Version::default() };
    let mut plant = Plant::start(&first).await;
    plant.world.answer(Answer::Refuses);
    tokio::time::sleep(500 * MS).await;
    for transform in [Some(1), None, Some(2)] {
        let begun = Instant::now();
        let next = Version { transform, ..first.clone() };
        let applied = plant.apply(&next, Losses::Refuse).await.expect("the sink stays");
        assert_eq!(applied.cut_off, []);
        assert!(begun.elapsed() < 100 * MS, "{:?}", begun.elapsed());
        tokio::time::sleep(50 * MS).await;
    }
    assert_numbers(&plant.recovers().await.received("here"), 0..READINGS);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_edited_while_a_sink_is_away_does_not_wait_for_it() {
    let first = Version::default();
    let mut plant = Plant::start(&first).await;
    plant.world.answer(Answer::Refuses);
    tokio::time::sleep(100 * MS).await;
    let begun = Instant::now();
    plant.apply(&Version { pause: 2, ..first }, Losses::Refuse).await.expect("the sink stays");
    assert!(begun.elapsed() < 20 * MS, "{:?}", begun.elapsed());
    assert_numbers(&plant.recovers().await.received("here"), 0..READINGS);
}

/// A plant with events for `here` that cannot be sent.
async fn stuck(policy: &SinkPolicy) -> (Plant, Version) {
    let version = Version { policy: policy.clone(), ..Version::default() };
    let plant = Plant::start(&version).await;
    plant.world.answer(Answer::Refuses);
    tokio::time::sleep(100 * MS).await;
    (plant, version)
}

#[tokio::test(start_paused = true)]
async fn events_for_one_host_go_to_another_only_if_somebody_says_so() {
    for policy in [SinkPolicy::default(), on_disk(WhenFull::Block)] {
        let (mut plant, first) = stuck(&policy).await;
        let elsewhere = Version { host: "there", ..first.clone() };
        let waiting = plant.waiting();
        assert!(waiting > 50);
        let refused = plant.apply(&elsewhere, Losses::Refuse).await.expect_err("it would misdirect events");
        let expected = format!(
            "{waiting} events for `here` wait in `p/out`, which cannot send now; the change would send them to `there`"
        );
        assert_eq!(refused.to_string(), expected);
        tokio::time::sleep(100 * MS).await;
        assert!(plant.waiting() > waiting, "the version before runs on");
        plant.apply(&elsewhere, Losses::CarryOver).await.expect("somebody says so");
        let world = plant.recovers().await;
        assert_eq!(world.received("here"), [0; 0]);
        assert_numbers(&world.received("there"), 0..READINGS);

        let (mut plant, _) = stuck(&policy).await;
        plant.apply(&elsewhere, Losses::Accept).await.expect("somebody says so");
        let balance = balance(&plant.runtime.view().status(), "out");
        let dropped = balance.reasons[&("dropped", "accepted_loss")];
        assert!(dropped > 50, "{balance:?}");
        let world = plant.recovers().await;
        assert_numbers(&world.received("there"), dropped as i64..READINGS);

        let (mut plant, _) = stuck(&policy).await;
        plant.world.answer(Answer::Takes);
        tokio::time::sleep(Duration::from_secs(2)).await;
        plant.apply(&elsewhere, Losses::Refuse).await.expect("nothing waits any more");
        let world = plant.recovers().await;
        let arrived = [world.received("here"), world.received("there")].concat();
        assert_numbers(&arrived, 0..READINGS);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_with_waiting_events_is_removed_only_if_somebody_says_so() {
    let without = |plant: &Plant| {
        let mut plan = plant.plan(&Version::default());
        plan.nodes.retain(|node| node.id.node() != "out");
        plan
    };
    let (mut plant, _) = stuck(&SinkPolicy::default()).await;
    let (plan, waiting) = (without(&plant), plant.waiting());
    let refused = plant.runtime.apply(plan.clone()).await.expect_err("it would lose events");
    let expected =
        format!("{waiting} events wait in `p/out`, which cannot send now; without it they are lost");
    assert_eq!(refused.to_string(), expected);
    plant.runtime.apply_with(plan, Losses::Accept).await.expect("somebody says so");
    finished(&plant.runtime).await;
    plant.runtime.stop(Duration::from_secs(60)).await;
    assert_eq!(plant.witness.outcomes(), vec![Outcome::Delivered; READINGS as usize]);

    let (mut plant, _) = stuck(&SinkPolicy::default()).await;
    let (plan, waiting) = (without(&plant), plant.waiting());
    plant.runtime.apply_with(plan, Losses::CarryOver).await.expect("somebody says so");
    let letters = tokio::fs::read_to_string(plant.card.folder.path().join("dead-letter/p.jsonl"))
        .await
        .expect("a file");
    assert_eq!(letters.lines().count(), waiting);
    assert!(letters.lines().all(|letter| letter.contains("\"not_sent\"")), "{letters}");
    plant.runtime.stop(Duration::from_secs(60)).await;
}

/// What happens to the plant.
#[derive(Clone, Debug)]
enum Step {
    Answers(Answer),
    Edits(Edit),
}

#[derive(Clone, Debug)]
enum Edit {
    Pause(u64),
    Transform(Option<usize>),
    Sink(u32),
    Policy(SinkPolicy),
    Host(&'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let answer = prop_oneof![Just(Answer::Takes), Just(Answer::Refuses), Just(Answer::Hangs)];
    let policy = prop_oneof![
        Just(SinkPolicy::default()),
        Just(small(WhenFull::Block)),
        Just(on_disk(WhenFull::Block)),
    ];
    let edit = prop_oneof![
        (1u64..4).prop_map(Edit::Pause),
        prop::option::of(0usize..3).prop_map(Edit::Transform),
        (0u32..9).prop_map(Edit::Sink),
        policy.prop_map(Edit::Policy),
        prop_oneof![Just("here"), Just("there")].prop_map(Edit::Host),
    ];
    prop_oneof![2 => answer.prop_map(Step::Answers), 3 => edit.prop_map(Step::Edits)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Random edits at random moments of random outages, then recovery: nothing is missing, nothing is twice, order is
    /// kept, and the last edit runs.
    #[test]
    fn edits_during_outages_lose_nothing_and_end_up_running(
        steps in prop::collection::vec((0u64..400, step()), 1..25),
        losses in prop_oneof![Just(Losses::Refuse), Just(Losses::CarryOver)],
    ) {
        let single = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        single.expect("a tokio runtime").block_on(async {
            let mut wanted = Version::default();
            let mut plant = Plant::start(&wanted).await;
            for (pause, step) in steps {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                match step {
                    Step::Answers(answer) => plant.world.answer(answer),
                    Step::Edits(edit) => {
                        match edit {
                            Edit::Pause(pause) => wanted.pause = pause,
                            Edit::Transform(transform) => wanted.transform = transform,
                            Edit::Sink(version) => wanted.sink = version,
                            Edit::Policy(policy) => wanted.policy = policy,
                            Edit::Host(host) => wanted.host = host,
                        }
                        match plant.apply(&wanted, losses).await {
                            Ok(applied) => assert_eq!(applied.cut_off, []),
                            Err(ApplyError::Refused(_)) => assert_eq!(losses, Losses::Refuse),
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            }
            plant.world.answer(Answer::Takes);
            tokio::time::sleep(Duration::from_secs(120)).await;
            plant.apply(&wanted, Losses::Refuse).await.expect("nothing waits any more");
            let world = plant.recovers().await;
            let mut arrived = Vec::new();
            for host in ["here", "there"] {
                let received = world.received(host);
                assert!(received.is_sorted(), "{host}: {received:?}");
                arrived.extend(received);
            }
            arrived.sort_unstable();
            assert_numbers(&arrived, 0..READINGS);
        });
    }
}
