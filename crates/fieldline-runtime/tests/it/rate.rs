//! A sink with `max_rate` drains a backlog at its rate, never faster.

use std::time::Duration;

use fieldline_core::policy::SinkPolicy;

use crate::bench_plan::{Draw, Part, Witness};
use crate::card::{Card, on_disk};

const LIMIT: usize = 10;

/// Fills a backlog, then counts what is written in each second of a minute that begins with the outage's end.
async fn drain(mut policy: SinkPolicy) {
    policy.max_rate = Some(LIMIT as u32);
    let (card, witness) = (Card::new(), Witness::default());
    let mut runtime = card.runtime();
    let plan = Draw::new(&witness)
        .node("air", Part::Numbers { pause: Duration::from_millis(1), limit: 600 }, &[])
        .node_with("broker", Part::WritesAfter(3), &["air"], policy)
        .plan();
    runtime.apply(plan).await.expect("it can be built");
    let mut written = vec![0];
    for _ in 0..700 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        written.push(witness.written("broker").len());
    }
    for (second, seen) in written.windows(10).enumerate() {
        assert!(seen[9] - seen[0] <= LIMIT, "{seen:?} at {second}00 ms");
    }
    assert_eq!(written.last(), Some(&600), "at its rate, with the waits of three tries before");
    runtime.stop(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn a_backlog_in_memory_is_drained_at_the_rate_of_its_sink() {
    drain(SinkPolicy::default()).await;
}

#[tokio::test(start_paused = true)]
async fn a_backlog_on_disk_is_drained_at_the_rate_of_its_sink() {
    drain(on_disk(fieldline_core::policy::WhenFull::Block)).await;
}
