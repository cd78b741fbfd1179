//! Sinks that have work of their own: done between two writes, by the driver, and without a task of theirs.

use std::time::Duration;

use fieldline_core::Period;
use fieldline_core::policy::{Retry, SinkPolicy};
use fieldline_runtime::NodeState;

use crate::bench_plan::{Draw, Part, Witness, assert_balanced, finished, runtime};

const GAP: Duration = Duration::from_millis(100);

/// Sends five numbers with gaps to a sink, and gives what the sink did and its state at the end.
async fn run(part: Part, policy: SinkPolicy) -> (Witness, NodeState) {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let numbers = Part::Numbers { pause: GAP, limit: 5 };
    let plan = Draw::new(&witness).node("air", numbers, &[]).node_with("out", part, &["air"], policy).plan();
    let mut runtime = runtime(folder.path());
    runtime.apply(plan).await.expect("it can be built");
    finished(&runtime).await;
    let status = runtime.view().status();
    let out = status.nodes.iter().find(|node| node.id.node() == "out").expect("it is there");
    let state = out.state.clone();
    runtime.stop(Duration::from_secs(600)).await;
    assert_balanced(&runtime.view().status());
    (witness, state)
}

#[tokio::test(start_paused = true)]
async fn a_sink_does_its_own_work_between_two_writes() {
    let (witness, _) = run(Part::Idles { fails: 0, conflicts: 0 }, SinkPolicy::default()).await;
    assert_eq!(witness.written("out"), [0, 1, 2, 3, 4]);
    // Nine or ten times in each of the gaps: what a write interrupts begins anew.
    assert!(witness.written("out.work").len() >= 45, "{:?}", witness.written("out.work"));
    assert_eq!(witness.written("out.connects").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_fails_at_its_own_work_is_connected_again_and_loses_nothing() {
    let wait = Period(GAP / 10);
    let policy = SinkPolicy { retry: Retry { initial: wait, ..Retry::default() }, ..SinkPolicy::default() };
    let (witness, state) = run(Part::Idles { fails: 3, conflicts: 0 }, policy).await;
    assert_eq!(witness.written("out.connects").len(), 2);
    assert_eq!(witness.written("out"), [0, 1, 2, 3, 4]);
    assert_eq!(state, NodeState::Running);
}

#[tokio::test(start_paused = true)]
async fn a_sink_does_its_own_work_while_it_waits_to_try_again() {
    let wait = Period(Duration::from_secs(10));
    let policy = SinkPolicy { retry: Retry { initial: wait, ..Retry::default() }, ..SinkPolicy::default() };
    let (witness, _) = run(Part::Idles { fails: 0, conflicts: 1 }, policy).await;
    // The wait is 5 s at least: jitter takes up to half of it.
    assert!(witness.written("out.work").len() > 450, "{}", witness.written("out.work").len());
    assert_eq!(witness.written("out"), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_sink_that_has_failed_with_nothing_to_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let numbers = Part::Numbers { pause: GAP, limit: i64::MAX };
    let wait = Period(Duration::from_secs(3_600));
    let policy =
        SinkPolicy { retry: Retry { initial: wait, max: wait, ..Retry::default() }, ..SinkPolicy::default() };
    let part = Part::Idles { fails: 3, conflicts: 0 };
    let plan = Draw::new(&witness).node("air", numbers, &[]).node_with("out", part, &["air"], policy).plan();
    let mut runtime = runtime(folder.path());
    runtime.apply(plan).await.expect("it can be built");
    tokio::time::sleep(GAP / 2).await;
    let before = tokio::time::Instant::now();
    let applied = runtime.stop(Duration::from_secs(600)).await;
    assert_eq!(applied.cut_off, []);
    assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
}
