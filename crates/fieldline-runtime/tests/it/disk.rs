//! Sinks with a disk buffer: what is safe when, what a restart finds, and what a broken disk costs.

use std::time::Duration;

use fieldline_core::policy::WhenFull;
use fieldline_core::{Outcome, Period, Size};
use fieldline_runtime::Runtime;
use tokio::time::Instant;

use crate::bench_plan::{Draw, Part, Witness, assert_balanced, balance, finished, runtime};
use crate::card::{Card, assert_numbers, on_disk};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const NEVER: Part = Part::WritesAfter(u32::MAX);

pub(crate) fn numbers(witness: &Witness, pause: Duration, limit: i64) -> Draw {
    Draw::new(witness).node("air", Part::Numbers { pause, limit }, &[])
}

/// Runs numbers 0..`limit` into a sink with a disk buffer, until the source has finished or a minute is over.
pub(crate) async fn run(
    card: &Card,
    witness: &Witness,
    sink: Part,
    when_full: WhenFull,
    limit: i64,
) -> Runtime {
    let mut runtime = card.runtime();
    let plan = numbers(witness, Duration::from_millis(1), limit).node("pad", Part::Pads(1_000), &["air"]);
    let plan = plan.node_with("out", sink, &["pad"], on_disk(when_full)).plan();
    runtime.apply(plan).await.expect("it can be built");
    tokio::time::sleep(60 * SECOND).await;
    runtime
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_sink_did_not_take_is_written_after_a_restart() {
    let (card, witness) = (Card::new(), Witness::default());
    let mut first = run(&card, &witness, NEVER, WhenFull::Block, 800).await;
    let applied = first.stop(5 * SECOND).await;
    assert_eq!(applied.cut_off, [], "a sink that fails does not keep the program from stopping");
    assert_eq!(witness.outcomes(), vec![Outcome::Delivered; 800], "all of them are safe");
    assert_eq!(balance(&first.view().status(), "out").in_flight(), 800);

    let mut second = run(&card, &witness, Part::Writes, WhenFull::Block, 800).await;
    second.stop(5 * SECOND).await;
    assert_numbers(&witness.written("out"), 0..800);
    let out = balance(&second.view().status(), "out");
    assert_eq!((out.created, out.received, out.delivered, out.in_flight()), (800, 0, 800, 0));

    let mut third = run(&card, &witness, Part::Writes, WhenFull::Block, 900).await;
    third.stop(5 * SECOND).await;
    let out = balance(&third.view().status(), "out");
    assert_eq!(
        (out.created, out.received, out.delivered, out.in_flight()),
        (800, 100, 900, 0),
        "the books go on"
    );
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_works_drains_its_disk_at_the_end_and_syncs_almost_nothing() {
    let (card, witness) = (Card::new(), Witness::default());
    let mut runtime = run(&card, &witness, Part::Writes, WhenFull::Block, 5_000).await;
    runtime.stop(60 * SECOND).await;
    assert_numbers(&witness.written("out"), 0..5_000);
    assert_balanced(&runtime.view().status());
    let syncs = card.storage.counters().syncs;
    assert!(syncs < 200, "beyond new files, what is delivered in time needs no sync: {syncs}");
}

#[tokio::test(start_paused = true)]
async fn a_source_hears_of_success_only_when_its_events_are_safe() {
    let (card, witness) = (Card::new(), Witness::default());
    let mut runtime = card.runtime();
    let plan = numbers(&witness, SECOND, 100).node_with("out", NEVER, &["air"], on_disk(WhenFull::Block));
    runtime.apply(plan.plan()).await.expect("it can be built");
    tokio::time::sleep(29 * SECOND).await;
    assert_eq!(witness.outcomes(), [], "the first group commit is due after 30 s");
    let syncs = card.storage.counters().syncs;
    tokio::time::sleep(5 * SECOND).await;
    assert!(witness.outcomes().len() >= 29, "{:?}", witness.outcomes());
    assert_eq!(card.storage.counters().syncs, syncs + 1, "one sync for all of them");
    runtime.stop(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_can_give_no_more_does_not_wait_for_the_interval() {
    let (card, witness) = (Card::new(), Witness::default());
    let mut runtime = card.runtime();
    let plan = numbers(&witness, Duration::from_micros(100), 10_000);
    let plan = plan.node_with("out", NEVER, &["air"], on_disk(WhenFull::Block)).plan();
    runtime.apply(plan).await.expect("it can be built");
    tokio::time::sleep(25 * SECOND).await;
    assert_eq!(witness.handed_out(), 10_000, "1,024 batches may be in flight, all 10,000 came through");
    runtime.stop(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_with_a_small_window_flows_on_while_its_sink_is_down() {
    let (card, witness) = (Card::new(), Witness::default());
    let mut runtime = card.runtime();
    let plan = Draw::new(&witness).node("air", Part::Window(20), &[]);
    let plan = plan.node_with("out", NEVER, &["air"], on_disk(WhenFull::Block)).plan();
    runtime.apply(plan).await.expect("it can be built");
    tokio::time::sleep(10 * SECOND).await;
    let (given, syncs) = (witness.handed_out(), card.storage.counters().syncs);
    assert!(given > 2_000, "20 by 20, each with one sync: {given}");
    assert!(syncs < 250, "and never more than 20 syncs a second: {syncs}");
    runtime.stop(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_was_removed_finds_its_buffer_when_it_comes_back() {
    let (card, witness) = (Card::new(), Witness::default());
    let mut runtime = run(&card, &witness, NEVER, WhenFull::Block, 300).await;
    let without = numbers(&witness, SECOND, 300).node("other", Part::Writes, &["air"]).plan();
    assert_eq!(runtime.apply(without).await.expect("it can be built").cut_off, []);
    let again = numbers(&witness, SECOND, 300);
    let again = again.node_with("out", Part::Writes, &["air"], on_disk(WhenFull::Block)).plan();
    runtime.apply(again).await.expect("it can be built");
    tokio::time::sleep(5 * SECOND).await;
    runtime.stop(5 * SECOND).await;
    assert_numbers(&witness.written("out"), 0..300);
    assert_balanced(&runtime.view().status());
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_buffer_holds_its_source_back_or_drops_by_its_policy() {
    for when_full in [WhenFull::Block, WhenFull::DropOldest, WhenFull::DropNewest] {
        let (card, witness) = (Card::new(), Witness::default());
        let mut first = run(&card, &witness, NEVER, when_full, 2_000).await;
        let out = balance(&first.view().status(), "out");
        match when_full {
            WhenFull::Block => assert!(witness.handed_out() < 1_600, "{}", witness.handed_out()),
            _ => assert!(out.dropped > 500, "{out:?}"),
        }
        assert!(card.storage.peak() <= 1 << 20, "{} bytes are over the cap", card.storage.peak());
        first.stop(5 * SECOND).await;
        let dropped = balance(&first.view().status(), "out").dropped;
        let mut second = run(&card, &witness, Part::Writes, when_full, 2_000).await;
        finished(&second).await;
        second.stop(60 * SECOND).await;
        assert_balanced(&second.view().status());
        let written = witness.written("out");
        assert!(written.is_sorted(), "order is kept");
        match when_full {
            WhenFull::DropOldest => assert_eq!(written.last(), Some(&1_999)),
            _ => assert_eq!(written.first(), Some(&0)),
        }
        if when_full != WhenFull::Block {
            assert_eq!(written.len() as u64 + dropped, 2_000);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_edited_sink_finds_the_buffer_of_the_one_before() {
    let (card, witness) = (Card::new(), Witness::default());
    let mut runtime = run(&card, &witness, NEVER, WhenFull::Block, 500).await;
    let plan = numbers(&witness, Duration::from_millis(1), 500).node("pad", Part::Pads(1_000), &["air"]);
    let plan = plan.node_with("out", Part::Writes, &["pad"], on_disk(WhenFull::Block)).plan();
    let applied = runtime.apply(plan).await.expect("it can be built");
    assert_eq!(applied.cut_off, []);
    tokio::time::sleep(5 * SECOND).await;
    runtime.stop(5 * SECOND).await;
    assert_numbers(&witness.written("out"), 0..500);
    let out = balance(&runtime.view().status(), "out");
    assert_eq!((out.received, out.created, out.delivered), (500, 0, 500), "its account goes on");
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_one_reading_a_second_without_a_broker_keeps_to_the_budget_of_the_card() {
    let (card, witness) = (Card::new(), Witness::default());
    let mut runtime = card.runtime();
    let plan = numbers(&witness, SECOND, i64::MAX).node("pad", Part::Pads(180), &["air"]);
    let mut policy = on_disk(WhenFull::DropOldest);
    policy.buffer.max_size = Some(Size(64 << 20));
    let plan = plan.node_with("out", NEVER, &["pad"], policy).plan();
    runtime.apply(plan).await.expect("it can be built");
    tokio::time::sleep(3_600 * SECOND).await;
    let status = runtime.view().status();
    let node = status.nodes.iter().find(|node| node.id.node() == "out").expect("it is there");
    let buffer = node.buffer.as_ref().expect("sinks have one");
    let wear = buffer.wear.expect("it is on disk");
    let (bytes, syncs) = (wear.bytes_per_day().expect("an hour"), wear.syncs_per_day().expect("an hour"));
    assert!(bytes < 50_000_000 && syncs < 3_000, "{bytes} bytes and {syncs} fsyncs a day");
    let counters = card.storage.counters();
    assert!(
        counters.syncs <= wear.syncs + 10 && counters.pages_written * 4096 * 24 < 50_000_000,
        "{counters:?}"
    );
    let (oldest, outage) = (buffer.oldest.expect("some wait"), buffer.outage.expect("the sink is down"));
    assert!(oldest > 3_590 * SECOND && outage.lasts > 3_590 * SECOND && outage.next_try <= 40 * SECOND);
    assert_eq!(i128::from(buffer.records + buffer.on_the_way), node.balance.in_flight());
    runtime.stop(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_write_that_hangs_is_left_and_is_on_disk_and_not_lost() {
    let (card, witness) = (Card::new(), Witness::default());
    let mut first = run(&card, &witness, Part::Hangs, WhenFull::Block, 100).await;
    let asked = Instant::now();
    let applied = first.stop(60 * SECOND).await;
    assert_eq!(applied.cut_off, [], "it leaves by itself");
    assert!(asked.elapsed() < 3 * SECOND, "it is not waited for: {:?}", asked.elapsed());
    assert_eq!(witness.outcomes(), vec![Outcome::Delivered; 100], "they are safe all the same");
    let out = balance(&first.view().status(), "out");
    assert_eq!((out.lost, out.in_flight()), (0, 100));
    let mut second = run(&card, &witness, Part::Writes, WhenFull::Block, 100).await;
    second.stop(5 * SECOND).await;
    assert_numbers(&witness.written("out"), 0..100);
}

#[tokio::test(start_paused = true)]
async fn what_arrived_of_a_write_that_was_left_is_not_written_again() {
    let (card, witness) = (Card::new(), Witness::default());
    for sink in [Part::Stalls(40), Part::Stalls(usize::MAX), Part::Writes] {
        let mut runtime = run(&card, &witness, sink, WhenFull::Block, 100).await;
        runtime.stop(60 * SECOND).await;
        let out = balance(&runtime.view().status(), "out");
        let written = witness.written("out").len() as u64;
        assert_eq!((out.lost, out.delivered), (0, written), "each is booked once");
    }
    assert_numbers(&witness.written("out"), 0..100);
}

#[tokio::test(start_paused = true)]
async fn what_is_cut_off_at_the_deadline_is_on_disk_and_not_lost() {
    let (card, witness) = (Card::new(), Witness::default());
    let mut first = run(&card, &witness, Part::Hangs, WhenFull::Block, 100).await;
    assert_eq!(first.stop(SECOND).await.cut_off.len(), 1, "the deadline comes before it has had its time");
    let mut second = run(&card, &witness, Part::Writes, WhenFull::Block, 100).await;
    second.stop(5 * SECOND).await;
    assert_numbers(&witness.written("out"), 0..100);
}

#[tokio::test(start_paused = true)]
async fn what_grows_too_old_on_disk_expires() {
    let (card, witness) = (Card::new(), Witness::default());
    let mut runtime = card.runtime();
    let mut policy = on_disk(WhenFull::Block);
    policy.buffer.max_age = Some(Period(10 * SECOND));
    let plan = numbers(&witness, SECOND, 100).node_with("out", Part::WritesAfter(6), &["air"], policy).plan();
    runtime.apply(plan).await.expect("it can be built");
    finished(&runtime).await;
    runtime.stop(5 * SECOND).await;
    let status = runtime.view().status();
    let (out, written) = (balance(&status, "out"), witness.written("out"));
    // Six waits take 31 s at least, and events are kept for 10 s.
    assert!(out.expired >= 20, "{out:?}");
    assert_eq!(out.expired + written.len() as u64, 100);
    assert_eq!(written.last(), Some(&99));
    assert_balanced(&status);
}

#[tokio::test]
async fn a_real_disk_keeps_its_records_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    for sink in [NEVER, Part::Writes] {
        let mut runtime = runtime(folder.path());
        let plan =
            numbers(&witness, Duration::ZERO, 300).node_with("out", sink, &["air"], on_disk(WhenFull::Block));
        runtime.apply(plan.plan()).await.expect("it can be built");
        while !runtime.has_finished() {
            tokio::task::yield_now().await;
        }
        assert_eq!(runtime.stop(60 * SECOND).await.cut_off, []);
    }
    assert_numbers(&witness.written("out"), 0..300);
    assert!(folder.path().join("buffers/p/out").is_dir() && folder.path().join("ledgers/p/out").is_file());
}
