//! Components that hang in `connect` hold neither a stop nor a change.

use std::time::Duration;

use fieldline_core::Outcome;
use fieldline_core::policy::WhenFull;
use tokio::time::Instant;

use crate::bench_plan::{Draw, Part, Witness, assert_balanced, finished, runtime};
use crate::card::{Card, on_disk};

const MS: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The most time a sink with a disk buffer gets for its last write.
const LAST_WRITE: Duration = Duration::from_secs(2);

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_in_connect_is_stopped_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    let plan = Draw::new(&witness).node("air", Part::SourceHangsInConnect, &[]);
    runtime.apply(plan.node("out", Part::Writes, &["air"]).plan()).await.expect("it can be built");
    tokio::time::sleep(MINUTE).await;
    let before = Instant::now();
    let applied = runtime.stop(MINUTE).await;
    assert_eq!((applied.cut_off, before.elapsed()), (vec![], Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_in_connect_is_replaced_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    let plan =
        |part: Part| Draw::new(&witness).node("air", part, &[]).node("out", Part::Writes, &["air"]).plan();
    runtime.apply(plan(Part::SourceHangsInConnect)).await.expect("it can be built");
    tokio::time::sleep(MINUTE).await;
    let before = Instant::now();
    let mended = plan(Part::Numbers { pause: MS, limit: 50 });
    let applied = runtime.apply(mended).await.expect("it can be built");
    assert_eq!((applied.cut_off, before.elapsed()), (vec![], Duration::ZERO));
    finished(&runtime).await;
    runtime.stop(MINUTE).await;
    assert_eq!(witness.written("out"), (0..50).collect::<Vec<_>>());
    assert_balanced(&runtime.view().status());
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_hangs_in_connect_with_nothing_to_write_is_replaced_and_stopped_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    let plan = |text: &str, part: Part| {
        Draw::new(&witness)
            .node("air", Part::Numbers { pause: 60 * MINUTE, limit: 2 }, &[])
            .node(text, part, &["air"])
            .plan()
    };
    runtime.apply(plan("out", Part::SinkHangsInConnect)).await.expect("it can be built");
    tokio::time::sleep(MINUTE).await;
    let before = Instant::now();
    let applied = runtime.apply(plan("other", Part::SinkHangsInConnect)).await.expect("it can be built");
    assert_eq!((applied.cut_off, before.elapsed()), (vec![], Duration::ZERO));
    tokio::time::sleep(MINUTE).await;
    let before = Instant::now();
    let applied = runtime.stop(MINUTE).await;
    assert_eq!((applied.cut_off, before.elapsed()), (vec![], Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn what_is_on_disk_for_a_sink_that_hangs_in_connect_is_written_by_the_next() {
    let (card, witness) = (Card::new(), Witness::default());
    let mut runtime = card.runtime();
    let plan = |part: Part| {
        Draw::new(&witness)
            .node("air", Part::Numbers { pause: MS, limit: 50 }, &[])
            .node_with("out", part, &["air"], on_disk(WhenFull::Block))
            .plan()
    };
    runtime.apply(plan(Part::SinkHangsInConnect)).await.expect("it can be built");
    tokio::time::sleep(MINUTE).await;
    let before = Instant::now();
    let applied = runtime.apply(plan(Part::Writes)).await.expect("it can be built");
    assert!(before.elapsed() <= LAST_WRITE, "it took {:?}", before.elapsed());
    assert_eq!(applied.cut_off, []);
    finished(&runtime).await;
    runtime.stop(MINUTE).await;
    assert_eq!(witness.written("out"), (0..50).collect::<Vec<_>>());
    assert_eq!(witness.outcomes(), vec![Outcome::Delivered; 50]);
}
