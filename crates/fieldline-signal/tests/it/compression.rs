//! The swinging door keeps its promise: no reading is further from the lines than the error allows.

use fieldline_signal::Sample;
use fieldline_signal::swinging_door::SwingingDoor;
use proptest::collection::vec;
use proptest::prelude::{prop_assert, proptest};

/// The kept samples of a whole series: the first, each that a door closed behind, and the last.
fn compressed(samples: &[Sample], error: f64) -> Vec<Sample> {
    let Some((first, rest)) = samples.split_first() else { return Vec::new() };
    let mut kept = vec![*first];
    let mut door = SwingingDoor::new(error, *first);
    let mut held = None;
    for sample in rest {
        if !door.accepts(*sample) {
            let pivot = held.expect("the first sample behind a pivot is always accepted");
            kept.push(pivot);
            door = SwingingDoor::new(error, pivot);
            assert!(door.accepts(*sample));
        }
        held = Some(*sample);
    }
    kept.extend(held);
    kept
}

/// How far `sample` is from the lines through `kept`.
fn distance(kept: &[Sample], sample: &Sample) -> f64 {
    let lines = kept.windows(2).filter(|pair| pair[0].nanos <= sample.nanos && sample.nanos <= pair[1].nanos);
    let distances = lines.map(|pair| {
        let width = pair[0].seconds_to(&pair[1]);
        let share = if width > 0.0 { pair[0].seconds_to(sample) / width } else { 0.0 };
        (pair[0].value + share * (pair[1].value - pair[0].value) - sample.value).abs()
    });
    let corners = kept.iter().filter(|corner| corner.nanos == sample.nanos);
    let corners = corners.map(|corner| (corner.value - sample.value).abs());
    distances.chain(corners).fold(f64::INFINITY, f64::min)
}

proptest! {
    #[test]
    fn what_is_left_out_is_near_a_line(
        steps in vec((0i64..5, -10.0..10.0f64), 1..60), error in 0.0..20.0f64
    ) {
        let mut nanos = 0;
        let samples: Vec<Sample> = steps.iter().map(|(step, value)| {
            nanos += step * 1_000_000_000;
            Sample { nanos, value: *value }
        }).collect();
        let kept = compressed(&samples, error);
        for sample in &samples {
            prop_assert!(distance(&kept, sample) <= error + 1e-9, "{sample:?} is off {kept:?}");
        }
    }
}

#[test]
fn a_straight_line_needs_its_ends_only() {
    let line: Vec<Sample> =
        (0..50).map(|step| Sample { nanos: step * 1_000_000_000, value: step as f64 / 4.0 }).collect();
    assert_eq!(compressed(&line, 0.01), [line[0], line[49]]);
}

#[test]
fn a_sample_out_of_order_is_kept() {
    let at = |nanos, value| Sample { nanos, value };
    let samples = [at(10, 1.0), at(5, 1.0), at(20, 1.0), at(30, 1.0)];
    assert!(compressed(&samples, 9.0).contains(&samples[1]));
}
