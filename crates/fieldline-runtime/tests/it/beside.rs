//! Values beside events, and the events that wait for one, over changes and stops.

use std::time::Duration;

use fieldline_compiler::{Beside, Freshness, Input, Missing, NodeId, Plan};

use crate::bench_plan::{Draw, Part, Witness, assert_balanced, balance, finished, runtime};

const MS: Duration = Duration::from_millis(1);

/// The plan of `draw`, where the latest value of `setting` lies beside the events of `beside`.
fn with_setting(draw: &Draw, missing: Missing) -> Plan {
    let mut plan = draw.plan();
    let beside = plan.nodes.iter_mut().find(|node| node.id.node() == "beside").expect("it was drawn");
    beside.with = vec![Beside {
        name: "setting".into(),
        input: Input { from: NodeId::new("p", "setting"), port: 0 },
        freshness: Freshness { max_age: None, missing },
    }];
    plan
}

/// Twenty events that need a value which never comes; `part` is the node that has it beside them.
fn without_value(witness: &Witness, part: Part, missing: Missing) -> Plan {
    let draw = Draw::new(witness)
        .node("setting", Part::Numbers { pause: MS, limit: 0 }, &[])
        .node("air", Part::Numbers { pause: MS, limit: 20 }, &[])
        .node("beside", part, &["air"])
        .node("out", Part::Writes, &["beside"]);
    with_setting(&draw, missing)
}

#[tokio::test(start_paused = true)]
async fn the_latest_value_of_another_node_is_still_known_after_an_edit() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    let plan = |part: Part| {
        let draw = Draw::new(&witness)
            .node("setting", Part::Numbers { pause: MS, limit: 1 }, &[])
            .node("air", Part::Numbers { pause: MS, limit: 1000 }, &[])
            .node("beside", Part::Beside("setting"), &["air"])
            .node("edited", part, &["beside"])
            .node("out", Part::Writes, &["edited"]);
        with_setting(&draw, Missing::Null)
    };
    runtime.apply(plan(Part::Pass)).await.expect("it can be built");
    tokio::time::sleep(300 * MS).await;
    runtime.apply(plan(Part::Fails(1_000_000))).await.expect("it can be built");
    finished(&runtime).await;
    runtime.stop(Duration::from_secs(60)).await;
    let known = witness.written("out");
    assert!(known.iter().skip(10).all(|known| *known == 1), "the setting was forgotten: {known:?}");
}

#[tokio::test(start_paused = true)]
async fn the_value_of_a_node_that_is_no_longer_beside_the_events_is_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    // Each source tells its own witness of its batches.
    let source = |name: &str, limit: i64| {
        Draw::new(&Witness::default()).node(name, Part::Numbers { pause: MS, limit }, &[]).plan().nodes
    };
    let plan = |from: &str| {
        let draw = Draw::new(&witness)
            .node("air", Part::Numbers { pause: MS, limit: 200 }, &[])
            .node("beside", Part::Beside("setting"), &["air"])
            .node("out", Part::Writes, &["beside"]);
        let mut plan = with_setting(&draw, Missing::Null);
        plan.nodes.splice(0..0, [source("setting", 1), source("other", 0)].concat());
        let beside = plan.nodes.iter_mut().find(|node| node.id.node() == "beside").expect("it was drawn");
        beside.with[0].input.from = NodeId::new("p", from);
        plan
    };
    runtime.apply(plan("setting")).await.expect("it can be built");
    tokio::time::sleep(100 * MS).await;
    let applied = runtime.apply(plan("other")).await.expect("it can be built");
    assert_eq!(applied.moved, [NodeId::new("p", "beside")]);
    finished(&runtime).await;
    runtime.stop(Duration::from_secs(60)).await;
    let written = witness.written("out");
    let forgotten = written.iter().rposition(|known| *known == 1).expect("the setting was known") + 1;
    assert!((95..=105).contains(&forgotten), "the edit came after 100 ms: {written:?}");
    assert!(written[10..forgotten].iter().all(|known| *known == 1), "{written:?}");
}

#[tokio::test(start_paused = true)]
async fn events_that_wait_for_a_value_still_wait_after_an_edit() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    let hour = Missing::Wait(Duration::from_secs(3600));
    runtime.apply(without_value(&witness, Part::Count, hour)).await.expect("it can be built");
    finished(&runtime).await;
    let waiting = balance(&runtime.view().status(), "beside");
    assert_eq!((waiting.received, waiting.in_flight()), (20, 20));
    runtime.apply(without_value(&witness, Part::Pass, hour)).await.expect("it can be built");
    tokio::time::sleep(MS).await;
    assert_eq!(balance(&runtime.view().status(), "beside").in_flight(), 20, "the node was edited");
    runtime.apply(without_value(&witness, Part::Pass, Missing::Null)).await.expect("it can be built");
    runtime.stop(Duration::from_secs(60)).await;
    assert_eq!(witness.written("out"), (0..20).collect::<Vec<_>>(), "the rule was edited");
    assert_balanced(&runtime.view().status());
}

#[tokio::test(start_paused = true)]
async fn events_that_wait_for_a_value_go_to_the_dead_letter_when_the_program_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    let hour = Missing::Wait(Duration::from_secs(3600));
    runtime.apply(without_value(&witness, Part::Pass, hour)).await.expect("it can be built");
    finished(&runtime).await;
    runtime.stop(Duration::from_secs(60)).await;
    let status = runtime.view().status();
    assert_eq!(balance(&status, "beside").reasons[&("dead_lettered", "no_value")], 20);
    assert_balanced(&status);
}
