//! Over random graphs, faults, edits and stops: nothing vanishes, nothing is counted twice, order is kept.

use std::time::Duration;

use fieldline_core::Outcome;
use fieldline_core::policy::{SinkPolicy, WhenFull};
use proptest::prelude::*;

use crate::bench_plan::{Draw, Part, Witness, assert_balanced, finished, runtime};
use crate::card::{Card, on_disk};

/// A transform of a random graph.
fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        4 => Just(Part::Pass),
        2 => Just(Part::Count),
        2 => Just(Part::Even),
        1 => Just(Part::Split),
        1 => Just(Part::Twice),
        1 => (2i64..9).prop_map(Part::Fails),
        1 => (3i64..40).prop_map(Part::Panics),
        1 => (1i64..7).prop_map(Part::Gathers),
    ]
}

/// Transforms, each with the places of up to two nodes before it that it reads.
type Shape = Vec<(Part, usize, usize)>;

fn shape() -> impl Strategy<Value = Shape> {
    prop::collection::vec((part(), 0usize..100, 0usize..100), 1..7)
}

/// Sinks, each with whether its buffer is on disk.
type Sinks = [(Part, bool)];

fn draw(witness: &Witness, shape: &Shape, sinks: &Sinks) -> Draw {
    let mut draw =
        Draw::new(witness).node("air", Part::Numbers { pause: Duration::from_millis(1), limit: 400 }, &[]);
    let mut names = vec!["air".to_owned()];
    for (position, (part, first, second)) in shape.iter().enumerate() {
        let mut inputs = vec![names[first % names.len()].clone()];
        let other = names[second % names.len()].clone();
        if second % 3 == 0 && !inputs.contains(&other) {
            inputs.push(other);
        }
        let name = format!("t{position}");
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        draw = draw.node(&name, part.clone(), &inputs);
        names.push(name);
    }
    for (position, (sink, is_on_disk)) in sinks.iter().enumerate() {
        let input = &names[names.len() - 1 - position % names.len()];
        let policy = if *is_on_disk { on_disk(WhenFull::Block) } else { SinkPolicy::default() };
        draw = draw.node_with(&format!("s{position}"), sink.clone(), &[input], policy);
    }
    draw
}

fn sink() -> impl Strategy<Value = Part> {
    prop_oneof![3 => Just(Part::Writes), 1 => (1u32..5).prop_map(Part::WritesAfter), 1 => (2i64..9).prop_map(Part::Refuses)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_event_ends_by_one_door_over_any_edits(
        shapes in prop::collection::vec(shape(), 1..5),
        sinks in prop::collection::vec((sink(), any::<bool>()), 1..3),
        pauses in prop::collection::vec(1u64..120, 5),
    ) {
        let single = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        single.expect("a tokio runtime").block_on(async {
            let (card, witness) = (Card::new(), Witness::default());
            let mut runtime = card.runtime();
            for (shape, pause) in shapes.iter().zip(&pauses) {
                let applied = runtime.apply(draw(&witness, shape, &sinks).plan()).await.expect("it can be built");
                assert_eq!(applied.cut_off, []);
                tokio::time::sleep(Duration::from_millis(*pause)).await;
                assert_eq!(applied.generation, runtime.view().status().generation);
            }
            finished(&runtime).await;
            let applied = runtime.stop(Duration::from_secs(600)).await;
            assert_eq!(applied.cut_off, []);
            let status = runtime.view().status();
            assert_balanced(&status);
            let outcomes = witness.outcomes();
            assert_eq!(outcomes.len(), 400, "every batch is settled");
            let panics = shapes.iter().flatten().any(|(part, ..)| matches!(part, Part::Panics(_)));
            if !panics {
                assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Delivered), "{outcomes:?}");
                assert!(status.nodes.iter().all(|node| node.balance.lost == 0));
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_chain_keeps_the_order_of_its_source_over_any_edits(
        edits in prop::collection::vec(prop::collection::vec(5_000i64..5_004, 1..4), 1..8),
        pause in 1u64..60,
    ) {
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_time().build();
        threads.expect("a tokio runtime").block_on(async {
            let folder = tempfile::tempdir().expect("a folder");
            let witness = Witness::default();
            let mut runtime = runtime(folder.path());
            for edit in &edits {
                let mut draw = Draw::new(&witness).node("air", Part::Numbers { pause: Duration::ZERO, limit: 2000 }, &[]);
                let mut last = "air".to_owned();
                for (position, n) in edit.iter().enumerate() {
                    let name = format!("t{position}");
                    draw = draw.node(&name, Part::Fails(*n), &[&last]);
                    last = name;
                }
                let plan = draw.node("out", Part::Writes, &[&last]).plan();
                assert_eq!(runtime.apply(plan).await.expect("it can be built").cut_off, []);
                for _ in 0..pause {
                    tokio::task::yield_now().await;
                }
            }
            finished(&runtime).await;
            runtime.stop(Duration::from_secs(60)).await;
            assert_eq!(witness.written("out"), (1..2000).collect::<Vec<_>>());
            assert_balanced(&runtime.view().status());
        });
    }
}
