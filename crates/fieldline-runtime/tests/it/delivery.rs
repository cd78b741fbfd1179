//! What becomes of events in a program that is not changed: each ends by one door, and its source hears it.

use std::time::Duration;

use fieldline_core::Outcome;
use fieldline_core::policy::{Buffer, Retry, SinkPolicy, WhenFull};
use fieldline_runtime::NodeState;

use crate::bench_plan::{Draw, Part, Witness, assert_balanced, balance, finished, runtime};

const MS: Duration = Duration::from_millis(1);

/// Runs numbers 0..limit through `draw` to the end and checks that the books are closed.
async fn run(
    limit: i64,
    draw: impl FnOnce(Draw) -> Draw,
) -> (Witness, fieldline_runtime::Status, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let plan = draw(Draw::new(&witness).node("air", Part::Numbers { pause: MS, limit }, &[])).plan();
    let mut runtime = runtime(folder.path());
    runtime.apply(plan).await.expect("it can be built");
    finished(&runtime).await;
    let applied = runtime.stop(Duration::from_secs(600)).await;
    assert_eq!(applied.cut_off, []);
    let status = runtime.view().status();
    assert_balanced(&status);
    (witness, status, folder)
}

#[tokio::test(start_paused = true)]
async fn a_chain_delivers_everything_in_order_and_tells_the_source() {
    let (witness, status, _folder) = run(200, |draw| {
        draw.node("even", Part::Even, &["air"]).node("count", Part::Count, &["even"]).node(
            "out",
            Part::Writes,
            &["count"],
        )
    })
    .await;
    assert_eq!(witness.written("out"), (1..=100).collect::<Vec<_>>());
    assert_eq!(witness.outcomes(), vec![Outcome::Delivered; 200]);
    let even = balance(&status, "even");
    assert_eq!((even.received, even.delivered, even.filtered), (200, 100, 100));
    assert_eq!(even.reasons[&("filtered", "odd")], 100);
}

#[tokio::test(start_paused = true)]
async fn fan_out_fan_in_and_copies_settle_once_per_batch() {
    let (witness, status, _folder) = run(50, |draw| {
        draw.node("split", Part::Split, &["air"])
            .node("twice", Part::Twice, &["split.1"])
            .node("both", Part::Writes, &["split", "twice"])
            .node("all", Part::Writes, &["air"])
    })
    .await;
    assert_eq!(witness.written("all").len(), 50);
    assert_eq!(witness.written("both").len(), 75);
    assert_eq!(balance(&status, "twice").created, 25);
    assert_eq!(witness.outcomes(), vec![Outcome::Delivered; 50]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_goes_to_the_dead_letter_and_never_on() {
    let (witness, status, folder) = run(30, |draw| {
        draw.node("check", Part::Fails(3), &["air"]).node("out", Part::Refuses(5), &["check"])
    })
    .await;
    let expected: Vec<i64> = (0..30).filter(|n| n % 3 != 0 && n % 5 != 0).collect();
    assert_eq!(witness.written("out"), expected);
    assert_eq!(balance(&status, "check").dead_lettered, 10);
    assert_eq!(balance(&status, "out").reasons[&("dead_lettered", "refused")], 4);
    assert_eq!(witness.outcomes(), vec![Outcome::Delivered; 30]);
    let letters = tokio::fs::read_to_string(folder.path().join("dead-letter/p.jsonl")).await;
    let letters = letters.expect("the dead letter");
    assert_eq!(letters.lines().count(), 14);
    let first =
        fieldline_core::json::decode(letters.lines().next().expect("a line").as_bytes()).expect("JSON");
    let text = |field: &str| first.as_map().and_then(|map| map.get(field)).and_then(|value| value.as_text());
    assert_eq!((text("node"), text("reason")), (Some("p/check"), Some("told_to")));
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_the_event_in_hand_and_nothing_else() {
    let (witness, status, _folder) =
        run(100, |draw| draw.node("risky", Part::Panics(40), &["air"]).node("out", Part::Writes, &["risky"]))
            .await;
    let expected: Vec<i64> = (0..100).filter(|n| *n == 0 || n % 40 != 0).collect();
    assert_eq!(witness.written("out"), expected);
    assert_eq!(balance(&status, "risky").lost, 2);
    let lost = witness.outcomes().into_iter().filter(|outcome| *outcome == Outcome::Lost).count();
    assert_eq!(lost, 2);
    let risky = status.nodes.iter().find(|node| node.id.node() == "risky").expect("it is there");
    assert_eq!((risky.restarts, risky.state.clone()), (2, NodeState::Running));
}

#[tokio::test(start_paused = true)]
async fn an_event_dropped_without_a_word_is_lost_and_its_source_told_so() {
    let (witness, status, _folder) =
        run(10, |draw| draw.node("leak", Part::Forgets, &["air"]).node("out", Part::Writes, &["leak"])).await;
    assert_eq!(balance(&status, "leak").lost, 10);
    assert_eq!(witness.outcomes(), vec![Outcome::Lost; 10]);
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_fails_for_a_while_loses_nothing() {
    let (witness, _, _folder) = run(500, |draw| draw.node("out", Part::WritesAfter(6), &["air"])).await;
    assert_eq!(witness.written("out"), (0..500).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_tried_too_often_goes_to_the_dead_letter() {
    let policy =
        SinkPolicy { retry: Retry { attempts: Some(3), ..Retry::default() }, ..SinkPolicy::default() };
    let (witness, status, _folder) =
        run(1, |draw| draw.node_with("out", Part::WritesAfter(3), &["air"], policy)).await;
    assert!(witness.written("out").is_empty());
    assert_eq!(balance(&status, "out").dead_lettered, 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_buffer_drops_by_its_policy_and_counts_it() {
    for (when_full, kept) in [(WhenFull::DropOldest, 991..1000), (WhenFull::DropNewest, 0..10)] {
        let buffer = Buffer { max_events: Some(10), when_full, ..Buffer::default() };
        let policy = SinkPolicy { buffer, ..SinkPolicy::default() };
        let (witness, status, _folder) =
            run(1000, |draw| draw.node_with("out", Part::WritesAfter(8), &["air"], policy)).await;
        let written = witness.written("out");
        let kept: Vec<i64> = kept.collect();
        assert!(written.ends_with(&kept) || written.starts_with(&kept), "{when_full:?}: {written:?}");
        let out = balance(&status, "out");
        assert_eq!(out.received, out.delivered + out.dropped);
        assert!(out.dropped > 900, "{out:?}");
        assert_eq!(witness.outcomes(), vec![Outcome::Delivered; 1000]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_hangs_holds_its_source_back_and_is_cut_off_at_the_deadline() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let plan = Draw::new(&witness)
        .node("air", Part::Numbers { pause: MS, limit: i64::MAX }, &[])
        .node("out", Part::Hangs, &["air"])
        .plan();
    let mut runtime = runtime(folder.path());
    runtime.apply(plan).await.expect("it can be built");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(witness.handed_out() < 3000, "back-pressure must reach the source: {}", witness.handed_out());
    let applied = runtime.stop(Duration::from_secs(5)).await;
    assert!(!applied.cut_off.is_empty());
    assert_balanced(&runtime.view().status());
}
