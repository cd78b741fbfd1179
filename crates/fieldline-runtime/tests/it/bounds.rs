//! Memory stays flat whatever a sink does: everything that waits is bounded by weight.

use std::time::Duration;

use fieldline_core::policy::{SinkPolicy, WhenFull};

use crate::bench_plan::{Draw, Part, Witness};
use crate::card::{Card, on_disk};

const MINUTE: Duration = Duration::from_secs(60);

/// The most bytes of an event of these tests, and how many may be under way in queues.
const EVENT: u64 = 2_000;
const IN_QUEUES: i128 = 64;

/// Runs a pipeline with a dead broker for an hour and checks once a minute what it holds in memory; gives back
/// how many events the source has given.
async fn hold_for_an_hour(policy: SinkPolicy) -> usize {
    let (card, witness) = (Card::new(), Witness::default());
    let mut runtime = card.runtime();
    let plan = Draw::new(&witness)
        .node("air", Part::Numbers { pause: Duration::from_millis(500), limit: i64::MAX }, &[])
        .node("pad", Part::Pads(1_500), &["air"])
        .node_with("broker", Part::WritesAfter(u32::MAX), &["pad"], policy.clone())
        .plan();
    runtime.apply(plan).await.expect("it can be built");
    let is_disk = policy.buffer.max_size.is_some();
    for minute in 1..=60 {
        tokio::time::sleep(MINUTE).await;
        for node in runtime.view().status().nodes {
            let Some(buffer) = &node.buffer else {
                assert!(node.balance.in_flight() < IN_QUEUES, "{minute}: {:?}", node.balance);
                continue;
            };
            let in_memory = if is_disk { buffer.overflow } else { buffer.bytes };
            assert!(in_memory <= (4 << 20) + EVENT, "{minute}: {buffer:?}");
            let on_disk = if is_disk { buffer.bytes } else { 0 };
            assert!(on_disk <= 1 << 20, "{minute}: {buffer:?}");
            let waiting = i128::from(buffer.records) + 256 + IN_QUEUES;
            assert!(node.balance.in_flight() <= waiting, "{minute}: {:?} and {buffer:?}", node.balance);
        }
    }
    runtime.stop(Duration::from_secs(5)).await;
    witness.handed_out()
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_with_a_dead_broker_for_an_hour_keeps_its_memory_flat() {
    let in_memory = |when_full| {
        let mut policy = SinkPolicy::default();
        policy.buffer.when_full = when_full;
        policy
    };
    assert!(
        hold_for_an_hour(in_memory(WhenFull::Block)).await < 2_300,
        "1,000 wait, and the source with them"
    );
    assert!(hold_for_an_hour(in_memory(WhenFull::DropOldest)).await > 7_000);
    assert!(hold_for_an_hour(on_disk(WhenFull::Block)).await < 2_000);
    assert!(hold_for_an_hour(on_disk(WhenFull::DropOldest)).await > 7_000);
}
