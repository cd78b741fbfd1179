//! Disk buffers over crashes, power cuts and stops at any moment: what a source was told is delivered reaches
//! the sink, in order, and twice only what a crash caught.

use std::collections::BTreeSet;
use std::time::Duration;

use fieldline_core::policy::WhenFull;
use fieldline_core::{Outcome, Period};
use fieldline_store::testing::PowerCut;
use proptest::prelude::*;

use crate::bench_plan::{Draw, Part, Witness};
use crate::card::{Card, on_disk};

const LIMIT: i64 = 500;

/// How one run of the program ends.
#[derive(Clone, Debug)]
enum End {
    Stop,
    Kill,
    PowerCut(PowerCut),
}

fn end() -> impl Strategy<Value = End> {
    let power_cut = (0u64..2_000, any::<u64>()).prop_map(|(kept_bytes, kept_names)| {
        End::PowerCut(PowerCut { kept_bytes, flipped_bit: None, kept_names })
    });
    prop_oneof![Just(End::Stop), Just(End::Kill), power_cut]
}

fn sink() -> impl Strategy<Value = Part> {
    prop_oneof![Just(Part::Writes), (1u32..6).prop_map(Part::WritesAfter), Just(Part::WritesAfter(u32::MAX))]
}

/// One run of the program: until `pause` is over, or until everything is written.
fn live(card: &Card, witness: &Witness, sink: Part, sync: Duration, pause: Duration, end: &End) {
    let single = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    single.expect("a tokio runtime").block_on(async {
        let mut runtime = card.runtime();
        let mut policy = on_disk(WhenFull::Block);
        policy.buffer.sync_interval = Some(Period(sync));
        let plan = Draw::new(witness)
            .node("air", Part::Numbers { pause: Duration::from_millis(1), limit: LIMIT }, &[])
            .node("pass", Part::Pass, &["air"])
            .node_with("out", sink, &["pass"], policy)
            .plan();
        runtime.apply(plan).await.expect("it can be built");
        tokio::time::sleep(pause).await;
        if matches!(end, End::Stop) {
            assert_eq!(runtime.stop(Duration::from_secs(60)).await.cut_off, []);
            let status = runtime.view().status();
            assert!(status.nodes.iter().all(|node| node.balance.lost == 0), "{:?}", status.nodes);
        }
    });
    if let End::PowerCut(power_cut) = end {
        card.storage.cut_power(*power_cut);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_called_delivered_is_written_over_any_crashes(
        lives in prop::collection::vec((sink(), 0u64..150, end()), 1..8),
        sync in prop_oneof![Just(0u64), 1u64..400],
    ) {
        let (card, witness) = (Card::new(), Witness::default());
        let sync = Duration::from_millis(sync);
        let (mut written, mut done) = (BTreeSet::new(), BTreeSet::new());
        for (sink, pause, end) in &lives {
            let before = witness.written("out").len();
            live(&card, &witness, sink.clone(), sync, Duration::from_millis(*pause), end);
            check_life(&witness.written("out")[before..], &done);
            written.extend(witness.written("out"));
            if matches!(end, End::Stop) {
                done.extend(&witness.written("out")[before..]);
            }
        }
        let before = witness.written("out").len();
        live(&card, &witness, Part::Writes, sync, Duration::from_secs(30), &End::Stop);
        check_life(&witness.written("out")[before..], &done);
        written.extend(witness.written("out"));
        for (token, outcome) in witness.settled() {
            if outcome == Outcome::Delivered {
                prop_assert!(written.contains(&(token as i64)), "{token} was called delivered and never written");
            }
        }
    }
}

/// One run writes in order and nothing twice, and nothing of what was written before a clean stop.
fn check_life(written: &[i64], done: &BTreeSet<i64>) {
    assert!(written.is_sorted_by(|left, right| left < right), "out of order: {written:?}");
    let again: Vec<&i64> = written.iter().filter(|number| done.contains(number)).collect();
    assert!(again.is_empty(), "written again after a clean stop: {again:?}");
}

#[test]
fn a_program_that_only_crashes_loses_nothing_that_was_safe() {
    let (card, witness) = (Card::new(), Witness::default());
    for _ in 0..4 {
        let pause = Duration::from_millis(100);
        live(&card, &witness, Part::WritesAfter(u32::MAX), Duration::ZERO, pause, &End::Kill);
    }
    live(&card, &witness, Part::Writes, Duration::ZERO, Duration::from_secs(30), &End::Stop);
    let safe = witness.settled().into_iter().filter(|(_, outcome)| *outcome == Outcome::Delivered);
    let written: BTreeSet<i64> = witness.written("out").into_iter().collect();
    let missing: Vec<u64> =
        safe.map(|(token, _)| token).filter(|t| !written.contains(&(*t as i64))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(written.len() > 300, "{}", written.len());
}
