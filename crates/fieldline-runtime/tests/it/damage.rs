//! Disk buffers damaged between a stop, or the death of the process, and a start: each record that was kept is written or booked as lost.

use std::collections::BTreeSet;
use std::path::PathBuf;

use fieldline_core::policy::WhenFull;
use fieldline_store::Storage;
use proptest::prelude::*;

use crate::bench_plan::{Part, Witness, assert_balanced, balance};
use crate::card::Card;
use crate::disk::{NEVER, SECOND, run};

const COUNT: i64 = 150;

#[derive(Clone, Debug)]
enum Damage {
    Cut,
    Flip,
    Delete,
}

/// The files of the buffer. Who was killed has its position in one place only, so that is spared.
fn files(card: &Card, is_killed: bool) -> Vec<PathBuf> {
    let entries = card.storage.list(&card.folder.path().join("buffers/p/out")).expect("the folder");
    let is_spared = |path: &PathBuf| path.ends_with("lock") || is_killed && path.ends_with("cursor");
    entries.into_iter().map(|entry| entry.path).filter(|path| !is_spared(path)).collect()
}

/// Damages one file at `place`, a share of its length.
fn damage(
    card: &Card,
    is_killed: bool,
    file: prop::sample::Index,
    place: prop::sample::Index,
    damage: &Damage,
) {
    let files = files(card, is_killed);
    if files.is_empty() {
        return;
    }
    let path = file.get(&files);
    let mut opened = card.storage.open(path, false).expect("it is there");
    let length = opened.length().expect("it has one");
    let at = place.index(length as usize) as u64;
    match damage {
        Damage::Cut => opened.set_length(at).expect("it can be cut"),
        Damage::Flip => card.storage.flip_bit(path, 8 * at),
        Damage::Delete => card.storage.remove(path).expect("it can be deleted"),
    }
}

/// The life of one process; what it has not done when `work` ends it never does.
fn process(work: impl Future<Output = ()>) {
    let single = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    single.expect("a tokio runtime").block_on(work);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_damaged_buffer_does_not_give_back_is_booked_as_lost(
        damages in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(),
             prop_oneof![4 => Just(Damage::Cut), 4 => Just(Damage::Flip), 1 => Just(Damage::Delete)]),
            1..3,
        ),
        before in prop_oneof![Just(NEVER), Just(Part::Writes)],
        is_killed in any::<bool>(),
    ) {
        let (card, witness) = (Card::new(), Witness::default());
        process(async {
            run(&card, &witness, before, WhenFull::Block, COUNT / 2).await.stop(5 * SECOND).await;
        });
        process(async {
            let mut runtime = run(&card, &witness, NEVER, WhenFull::Block, COUNT).await;
            if !is_killed {
                runtime.stop(5 * SECOND).await;
            }
        });
        for (file, place, kind) in &damages {
            damage(&card, is_killed, *file, *place, kind);
        }
        process(async {
            let mut last = run(&card, &witness, Part::Writes, WhenFull::Block, COUNT).await;
            last.stop(5 * SECOND).await;
            let status = last.view().status();
            let (out, written) = (balance(&status, "out"), witness.written("out"));
            let once: BTreeSet<i64> = written.iter().copied().collect();
            assert_eq!(once.len() as u64 + out.lost, COUNT as u64, "{out:?}");
            let reason = out.reasons.get(&("lost", "damaged")).copied().unwrap_or(0);
            assert_eq!(reason, out.lost);
            assert_balanced(&status);
        });
    }
}
