//! What disk buffers leave of their card, what they cost it, and those that nobody reads.

use std::time::Duration;

use fieldline_compiler::NodeId;
use fieldline_core::policy::{Budget, Priority, SinkPolicy, WhenFull};
use fieldline_runtime::{BufferStatus, Runtime};

use crate::bench_plan::{Part, Witness, balance, finished, runtime};
use crate::card::{Card, assert_numbers, on_disk};
use crate::disk::{NEVER, SECOND, numbers};

fn buffer(runtime: &Runtime, name: &str) -> BufferStatus {
    let status = runtime.view().status();
    let node = status.nodes.into_iter().find(|node| node.id.node() == name).expect("it is there");
    node.buffer.expect("sinks have one")
}

fn with_priority(priority: Priority, when_full: WhenFull) -> SinkPolicy {
    let mut policy = on_disk(when_full);
    policy.buffer.priority = priority;
    policy
}

/// Runs 850 events of a kilobyte into two sinks that are down, on a card that cannot hold them all twice.
async fn fill(card: &Card, witness: &Witness, low: WhenFull) -> Runtime {
    card.storage.set_capacity(Some(1_835_000));
    let mut runtime = card.runtime();
    let plan = numbers(witness, Duration::from_millis(1), 850).node("pad", Part::Pads(1_000), &["air"]);
    let plan = plan.node_with("low", NEVER, &["pad"], with_priority(Priority::Low, low));
    let plan = plan.node_with("high", NEVER, &["pad"], with_priority(Priority::High, WhenFull::Block));
    runtime.apply(plan.plan()).await.expect("it can be built");
    tokio::time::sleep(60 * SECOND).await;
    runtime
}

#[tokio::test(start_paused = true)]
async fn on_a_nearly_full_card_the_low_buffer_drops_so_that_the_high_one_can_grow() {
    for when_full in [WhenFull::DropNewest, WhenFull::DropOldest] {
        let (card, witness) = (Card::new(), Witness::default());
        let mut runtime = fill(&card, &witness, when_full).await;
        let (low, high) = (buffer(&runtime, "low"), buffer(&runtime, "high"));
        let is_short = |buffer: &BufferStatus| buffer.card.expect("it has looked").is_short;
        assert!(!is_short(&high), "{high:?}");
        let makes_room = when_full == WhenFull::DropOldest;
        assert!(is_short(&low) || makes_room, "{low:?}");
        assert!(balance(&runtime.view().status(), "low").dropped > 0, "{low:?}");
        assert_eq!((high.fault, balance(&runtime.view().status(), "high").in_flight()), (None, 850));

        card.storage.set_capacity(Some(20 << 20));
        tokio::time::sleep(3_700 * SECOND).await;
        assert!(!buffer(&runtime, "low").card.expect("it has looked").is_short, "there is room again");
        runtime.stop(5 * SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_low_buffer_that_blocks_keeps_its_events_in_memory_until_there_is_room() {
    let (card, witness) = (Card::new(), Witness::default());
    let mut runtime = fill(&card, &witness, WhenFull::Block).await;
    let low = buffer(&runtime, "low");
    assert!(
        low.overflow > 0 && low.fault.as_ref().is_some_and(|fault| fault.contains("higher priority")),
        "{low:?}"
    );
    card.storage.set_capacity(Some(20 << 20));
    tokio::time::sleep(60 * SECOND).await;
    let low = buffer(&runtime, "low");
    assert_eq!((low.overflow, low.fault, low.records + low.on_the_way), (0, None, 850));
    runtime.stop(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_card_that_wears_out_faster_than_its_budget_is_shown() {
    for (syncs, is_over) in [(1_000, true), (3_000, false)] {
        let (card, witness) = (Card::new(), Witness::default());
        let mut runtime = card.runtime();
        let mut policy = on_disk(WhenFull::DropOldest);
        policy.buffer.budget = Some(Budget { written: None, syncs: Some(syncs) });
        let plan = numbers(&witness, SECOND, i64::MAX).node_with("out", NEVER, &["air"], policy);
        runtime.apply(plan.plan()).await.expect("it can be built");
        tokio::time::sleep(7_200 * SECOND).await;
        let wear = buffer(&runtime, "out").wear.expect("it is on disk");
        assert_eq!(wear.is_over_budget, is_over, "{wear:?}");
        assert!((2_800..2_950).contains(&wear.syncs_today), "{wear:?}");
        runtime.stop(5 * SECOND).await;
    }
}

#[tokio::test]
async fn a_buffer_whose_sink_is_gone_is_shown_until_the_sink_comes_back() {
    let (folder, witness) = (tempfile::tempdir().expect("a folder"), Witness::default());
    for (name, sink) in [("out", NEVER), ("other", Part::Writes), ("out", Part::Writes)] {
        let mut runtime = runtime(folder.path());
        let plan =
            numbers(&witness, Duration::ZERO, 300).node_with(name, sink, &["air"], on_disk(WhenFull::Block));
        runtime.apply(plan.plan()).await.expect("it can be built");
        let unused = runtime.view().status().unused_buffers;
        let shown: Vec<_> = unused.iter().map(|buffer| (buffer.node.clone(), buffer.records)).collect();
        let expected = if name == "other" { vec![(NodeId::new("p", "out"), Some(300))] } else { Vec::new() };
        assert_eq!(shown, expected);
        while !runtime.has_finished() {
            tokio::task::yield_now().await;
        }
        assert_eq!(runtime.stop(60 * SECOND).await.cut_off, []);
    }
    assert_numbers(&witness.written("out"), 0..300);
}

#[tokio::test(start_paused = true)]
async fn what_waited_on_disk_keeps_its_number_and_no_later_event_gets_it() {
    let (card, witness) = (Card::new(), Witness::default());
    for (sink, limit) in [(NEVER, 300), (Part::WritesAfter(3), 500)] {
        let mut runtime = card.runtime();
        let plan = numbers(&witness, Duration::from_millis(1), limit).node("id", Part::Sequence, &["air"]);
        let mut plan = plan.node_with("out", sink, &["id"], on_disk(WhenFull::Block)).plan();
        plan.sources.entry(NodeId::new("p", "air")).or_default().sequence.persist = true;
        runtime.apply(plan).await.expect("it can be built");
        finished(&runtime).await;
        tokio::time::sleep(60 * SECOND).await;
        runtime.stop(60 * SECOND).await;
    }
    assert_numbers(&witness.written("out"), 1..501);
}
