//! Sequence numbers that survive restarts: no number twice, no gap after a clean stop.

use std::time::Duration;

use fieldline_compiler::NodeId;
use fieldline_core::policy::{Sequence, SourcePolicy};

use crate::bench_plan::{Draw, Part, Witness};
use crate::card::Card;

/// Runs a source for `pause` and lets the program stop, or crash; gives back the numbers it gave.
fn live(card: &Card, persist: bool, pause: Duration, is_clean: bool) -> Vec<i64> {
    let witness = Witness::default();
    let single = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    single.expect("a tokio runtime").block_on(async {
        let mut runtime = card.runtime();
        let mut plan = Draw::new(&witness)
            .node("air", Part::Numbers { pause: Duration::from_millis(1), limit: i64::MAX }, &[])
            .node("number", Part::Sequence, &["air"])
            .node("out", Part::Writes, &["number"])
            .plan();
        let policy = SourcePolicy { sequence: Sequence { persist } };
        plan.sources.insert(NodeId::new("p", "air"), policy);
        runtime.apply(plan).await.expect("it can be built");
        tokio::time::sleep(pause).await;
        if is_clean {
            runtime.stop(Duration::from_secs(5)).await;
        }
    });
    witness.written("out")
}

#[test]
fn numbers_go_on_over_restarts_and_skip_at_most_a_block_after_a_crash() {
    let card = Card::new();
    let mut last = 0;
    let lives = [(true, 1500), (false, 700), (true, 3), (false, 2500), (true, 10), (true, 10)];
    let mut was_clean = true;
    for (is_clean, millis) in lives {
        let numbers = live(&card, true, Duration::from_millis(millis), is_clean);
        let first = *numbers.first().expect("some were given");
        assert!(numbers.is_sorted_by(|left, right| left + 1 == *right), "no gap while it runs");
        match was_clean {
            true => assert_eq!(first, last + 1, "no gap after a clean stop"),
            false => assert!((last + 1..=last + 1100).contains(&first), "{first} after {last}"),
        }
        last = *numbers.last().expect("some were given");
        was_clean = is_clean;
    }
}

#[test]
fn numbers_begin_with_1_where_nobody_asks_for_more() {
    let card = Card::new();
    for _ in 0..2 {
        assert_eq!(live(&card, false, Duration::from_millis(10), true).first(), Some(&1));
    }
    assert_eq!(card.storage.counters().syncs, 0);
}

#[test]
fn a_damaged_number_is_followed_by_one_beyond_everything_counted() {
    let card = Card::new();
    live(&card, true, Duration::from_millis(100), true);
    card.storage.flip_bit(&card.folder.path().join("sequences/p/air"), 140);
    let numbers = live(&card, true, Duration::from_millis(100), true);
    assert!(numbers[0] > 1_700_000_000_000_000, "{}", numbers[0]);
    let again = live(&card, true, Duration::from_millis(100), true);
    assert_eq!(again[0], numbers[numbers.len() - 1] + 1);
}
