//! What a broken disk costs: it is named, the rest goes on, and nothing is called safe that is not.

use std::path::PathBuf;

use fieldline_core::Outcome;
use fieldline_core::policy::WhenFull;
use fieldline_runtime::{NodeState, Runtime};
use fieldline_store::Storage;
use fieldline_store::testing::MemoryStorage;

use crate::bench_plan::{Part, Witness, assert_balanced, balance, finished};
use crate::card::{Card, assert_numbers, on_disk};
use crate::disk::{NEVER, SECOND, numbers, run};

/// Breaks a disk, or mends it.
type Fault = fn(&MemoryStorage, bool);

fn state(runtime: &Runtime, name: &str) -> NodeState {
    let status = runtime.view().status();
    status.nodes.into_iter().find(|node| node.id.node() == name).expect("it is there").state
}

#[tokio::test(start_paused = true)]
async fn a_broken_disk_is_named_and_stops_neither_its_sink_nor_others() {
    let faults: [(Fault, &str); 2] = [
        (|storage, broken| storage.set_read_only(broken), "is read-only"),
        (|storage, broken| storage.set_capacity(broken.then_some(70_000)), "no space left"),
    ];
    for (fault, words) in faults {
        let (card, witness) = (Card::new(), Witness::default());
        let mut runtime = card.runtime();
        let plan = numbers(&witness, SECOND / 100, 3_000)
            .node_with("out", Part::Writes, &["air"], on_disk(WhenFull::Block))
            .node("other", Part::Writes, &["air"])
            .plan();
        runtime.apply(plan).await.expect("it can be built");
        tokio::time::sleep(10 * SECOND).await;
        fault(&card.storage, true);
        tokio::time::sleep(60 * SECOND).await;
        let state = state(&runtime, "out");
        let NodeState::Retrying { error, .. } = &state else { panic!("{words}: {state:?}") };
        assert!(error.contains(words), "{error}");
        assert!(witness.written("out").len() > 2_900, "a dead card does not stop a sink that works");
        fault(&card.storage, false);
        finished(&runtime).await;
        tokio::time::sleep(40 * SECOND).await;
        runtime.stop(5 * SECOND).await;
        assert_numbers(&witness.written("out"), 0..3_000);
        assert_numbers(&witness.written("other"), 0..3_000);
        assert_eq!(witness.outcomes(), vec![Outcome::Delivered; 3_000]);
        assert_balanced(&runtime.view().status());
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_called_safe_that_a_broken_disk_did_not_take() {
    let (card, witness) = (Card::new(), Witness::default());
    card.storage.set_read_only(true);
    let mut runtime = run(&card, &witness, NEVER, WhenFull::Block, 5_000).await;
    assert_eq!(witness.outcomes(), []);
    assert!(witness.handed_out() < 2_000, "the source is held back: {}", witness.handed_out());
    let applied = runtime.stop(5 * SECOND).await;
    assert!(!applied.cut_off.is_empty(), "what only memory has is tried until the deadline");
    assert!(witness.outcomes().iter().all(|outcome| *outcome != Outcome::Delivered));
    assert_balanced(&runtime.view().status());
}

/// The segment files of the buffer of `out`, oldest first.
fn segments(card: &Card) -> Vec<PathBuf> {
    let entries = card.storage.list(&card.folder.path().join("buffers/p/out")).expect("the folder");
    let is_segment = |path: &PathBuf| path.extension().is_some();
    entries.into_iter().map(|entry| entry.path).filter(is_segment).collect()
}

#[tokio::test(start_paused = true)]
async fn records_that_the_card_does_not_give_back_are_counted_as_lost_and_passed_over() {
    let (card, witness) = (Card::new(), Witness::default());
    run(&card, &witness, NEVER, WhenFull::Block, 400).await.stop(5 * SECOND).await;
    let mut second = run(&card, &witness, NEVER, WhenFull::Block, 401).await;
    let segments = segments(&card);
    assert!(segments.len() > 2, "{segments:?}");
    card.storage.set_unreadable(Some(segments[1].clone()));
    let plan = numbers(&witness, SECOND / 1_000, 500).node("pad", Part::Pads(1_000), &["air"]);
    let plan = plan.node_with("out", Part::Writes, &["pad"], on_disk(WhenFull::Block)).plan();
    second.apply(plan).await.expect("it can be built");
    tokio::time::sleep(60 * SECOND).await;
    second.stop(5 * SECOND).await;
    let status = second.view().status();
    let (out, written) = (balance(&status, "out"), witness.written("out"));
    assert!(out.lost > 50, "{out:?}");
    assert_eq!(out.lost + written.len() as u64, 500);
    assert!(written.is_sorted() && written.first() == Some(&0) && written.last() == Some(&499));
    assert_balanced(&status);
}

#[tokio::test(start_paused = true)]
async fn a_flipped_bit_costs_the_record_it_is_in() {
    let (card, witness) = (Card::new(), Witness::default());
    run(&card, &witness, NEVER, WhenFull::Block, 400).await.stop(5 * SECOND).await;
    card.storage.flip_bit(&segments(&card)[0], 8 * 5_000);
    let mut second = run(&card, &witness, Part::Writes, WhenFull::Block, 400).await;
    second.stop(5 * SECOND).await;
    let status = second.view().status();
    assert_eq!(witness.written("out").len(), 399);
    assert_eq!((balance(&status, "out").lost, balance(&status, "out").created), (1, 400));
    assert_balanced(&status);
}
