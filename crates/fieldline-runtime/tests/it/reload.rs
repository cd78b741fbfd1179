//! Changes while events flow: a bad one changes nothing, a good one disturbs only what it changed.

use std::error::Error;
use std::time::Duration;

use fieldline_core::Outcome;

use crate::bench_plan::{Draw, Part, Witness, assert_balanced, finished, runtime};

const MS: Duration = Duration::from_millis(1);

fn base(witness: &Witness) -> Draw {
    Draw::new(witness).node("air", Part::Numbers { pause: MS, limit: 1000 }, &[])
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_cannot_be_built_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    runtime.apply(base(&witness).node("out", Part::Writes, &["air"]).plan()).await.expect("it can be built");
    tokio::time::sleep(100 * MS).await;
    let bad =
        base(&witness).node("bad", Part::Unbuildable, &["air"]).node("out", Part::Writes, &["bad"]).plan();
    let error = runtime.apply(bad).await.expect_err("it cannot be built");
    assert_eq!(error.to_string(), "`p/bad` cannot be built: it is made so");
    assert!(error.source().is_none(), "the terminal shows sources as well: it would say the reason twice");
    finished(&runtime).await;
    runtime.stop(Duration::from_secs(60)).await;
    assert_eq!(witness.written("out"), (0..1000).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn an_edited_node_is_replaced_and_its_neighbours_keep_their_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    let plan = |part: Part| {
        base(&witness)
            .node("edited", part, &["air"])
            .node("count", Part::Count, &["edited"])
            .node("out", Part::Writes, &["count"])
            .plan()
    };
    runtime.apply(plan(Part::Pass)).await.expect("it can be built");
    tokio::time::sleep(300 * MS).await;
    let applied = runtime.apply(plan(Part::Fails(1_000_000))).await.expect("it can be built");
    assert_eq!(applied.moved.iter().map(|id| id.node()).collect::<Vec<_>>(), ["count"]);
    assert_eq!(applied.kept.len(), 2, "source and sink go on: {:?}", applied.kept);
    finished(&runtime).await;
    runtime.stop(Duration::from_secs(60)).await;
    assert_eq!(witness.written("out"), (1..=1000).collect::<Vec<_>>(), "the count goes on over the change");
    assert_balanced(&runtime.view().status());
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_moves_restarts_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    let plan = |input: &str| {
        base(&witness)
            .node("split", Part::Split, &["air"])
            .node("out", Part::Writes, &["split"])
            .node("other", Part::Writes, &[input])
            .plan()
    };
    runtime.apply(plan("split.1")).await.expect("it can be built");
    tokio::time::sleep(100 * MS).await;
    let applied = runtime.apply(plan("air")).await.expect("it can be built");
    assert_eq!((applied.started.len(), applied.stopped.len(), applied.kept.len()), (0, 0, 4));
    finished(&runtime).await;
    runtime.stop(Duration::from_secs(60)).await;
    assert_eq!(witness.written("out").len(), 500);
    assert!(witness.written("other").len() > 900);
    assert_eq!(witness.outcomes(), vec![Outcome::Delivered; 1000]);
}

#[tokio::test(start_paused = true)]
async fn an_edge_inside_a_segment_moves_its_nodes_and_is_read_from_then_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    let plan = |input: &str| {
        base(&witness)
            .node("split", Part::Split, &["air"])
            .node("pass", Part::Pass, &[input])
            .node("out", Part::Writes, &["pass"])
            .plan()
    };
    runtime.apply(plan("split")).await.expect("it can be built");
    tokio::time::sleep(300 * MS).await;
    let applied = runtime.apply(plan("split.1")).await.expect("it can be built");
    assert_eq!(applied.moved.iter().map(|id| id.node()).collect::<Vec<_>>(), ["split", "pass"]);
    finished(&runtime).await;
    runtime.stop(Duration::from_secs(60)).await;
    let written = witness.written("out");
    let even = written.iter().take_while(|number| *number % 2 == 0).count();
    assert!((140..160).contains(&even), "the change came after {even}");
    assert!(written[even..].iter().all(|number| number % 2 != 0), "{written:?}");
    assert_eq!(witness.outcomes(), vec![Outcome::Delivered; 1000]);
}

#[tokio::test(start_paused = true)]
async fn a_kept_segment_between_two_leaving_ones_does_not_stall_the_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    let plan = |n: i64| {
        base(&witness)
            .node("first", Part::Fails(n), &["air"])
            .node("tap", Part::Writes, &["first"])
            .node("middle", Part::Count, &["first"])
            .node("tap2", Part::Writes, &["middle"])
            .node("last", Part::Fails(n), &["middle"])
            .node("out", Part::Writes, &["last"])
            .plan()
    };
    runtime.apply(plan(5_000)).await.expect("it can be built");
    for n in 1..10 {
        tokio::time::sleep(50 * MS).await;
        let applied = runtime.apply(plan(5_000 + n)).await.expect("it can be built");
        assert_eq!(applied.cut_off, []);
        assert!(applied.moved.iter().any(|id| id.node() == "middle"));
    }
    finished(&runtime).await;
    runtime.stop(Duration::from_secs(60)).await;
    assert_eq!(witness.written("tap2"), (1..1000).collect::<Vec<_>>());
    assert_balanced(&runtime.view().status());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_starts_anew_goes_on_counting() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    let plan = |pause: Duration| {
        Draw::new(&witness)
            .node("air", Part::Numbers { pause, limit: 100 }, &[])
            .node("number", Part::Sequence, &["air"])
            .node("out", Part::Writes, &["number"])
            .plan()
    };
    runtime.apply(plan(MS)).await.expect("it can be built");
    tokio::time::sleep(40 * MS).await;
    let applied = runtime.apply(plan(2 * MS)).await.expect("it can be built");
    assert_eq!(applied.started.len(), 1, "only the source starts anew: {:?}", applied.started);
    finished(&runtime).await;
    runtime.stop(Duration::from_secs(60)).await;
    assert_eq!(witness.written("out"), (1..=100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn an_edited_transform_takes_over_what_the_version_before_remembers() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    let plan =
        |part: Part| base(&witness).node("sum", part, &["air"]).node("out", Part::Writes, &["sum"]).plan();
    runtime.apply(plan(Part::Adds(1))).await.expect("it can be built");
    tokio::time::sleep(300 * MS).await;
    let applied = runtime.apply(plan(Part::Adds(1000))).await.expect("it can be built");
    assert_eq!(applied.inherited.iter().map(|id| id.node()).collect::<Vec<_>>(), ["sum"]);
    assert_eq!(applied.moved, []);
    finished(&runtime).await;
    runtime.stop(Duration::from_secs(60)).await;
    let sums = witness.written("out");
    let before = sums.iter().take_while(|sum| **sum < 1000).count() as i64;
    assert!((250..350).contains(&before), "the change came after {before}");
    let expected = (1..=before).chain((1..=1000 - before).map(|n| before + 1000 * n));
    assert_eq!(sums, expected.collect::<Vec<_>>());
    assert_balanced(&runtime.view().status());
}
