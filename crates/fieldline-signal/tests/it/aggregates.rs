//! Every aggregate against its textbook definition.

use fieldline_signal::moments::Spread;
use fieldline_signal::rank;
use fieldline_signal::{Aggregate, AggregateError, Sample, known};
use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};

const SECOND: i64 = 1_000_000_000;

/// Whole tenths of seconds, so that equal times are common, in any order.
fn readings() -> impl Strategy<Value = Vec<(i64, Option<f64>)>> {
    let value = proptest::option::weighted(0.9, -1000.0..1000.0f64);
    vec(((-50i64..50).prop_map(|tenths| tenths * SECOND / 10), value), 0..40)
}

/// What is known, sorted by time as a reader would: insert each before the first later one.
fn sorted(readings: &[(i64, Option<f64>)]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<(f64, f64)> = Vec::new();
    for (nanos, value) in readings {
        let Some(value) = value else { continue };
        let time = *nanos as f64 / 1e9;
        let place = sorted.iter().position(|(other, _)| *other > time).unwrap_or(sorted.len());
        sorted.insert(place, (time, *value));
    }
    sorted
}

/// The aggregate by its definition, without any care for rounding.
fn naive(aggregate: Aggregate, points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len();
    let n = count as f64;
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    let sum: f64 = values.iter().sum();
    let mut ordered = values.clone();
    ordered.sort_by(f64::total_cmp);
    let squares: f64 = values.iter().map(|value| (value - sum / n).powi(2)).sum();
    let span = if count > 0 { points[count - 1].0 - points[0].0 } else { 0.0 };
    let pairs = || points.windows(2).map(|pair| (pair[0], pair[1]));
    let area: f64 = pairs().map(|((t0, v0), (t1, v1))| (t1 - t0) * (v0 + v1) / 2.0).sum();
    let percentile = |percent: f64| {
        let place = percent / 100.0 * (n - 1.0);
        let (lower, upper) = (ordered[place.floor() as usize], ordered[place.ceil() as usize]);
        lower + (upper - lower) * place.fract()
    };
    if aggregate == Aggregate::Count {
        return Some(n);
    }
    if count == 0 {
        return None;
    }
    match aggregate {
        Aggregate::Count => None,
        Aggregate::Sum => Some(sum),
        Aggregate::Min => Some(ordered[0]),
        Aggregate::Max => Some(ordered[count - 1]),
        Aggregate::Range => Some(ordered[count - 1] - ordered[0]),
        Aggregate::Mean => Some(sum / n),
        Aggregate::Median => Some(percentile(50.0)),
        Aggregate::Percentile(percent) => Some(percentile(percent)),
        Aggregate::Variance(Spread::Population) => Some(squares / n),
        Aggregate::Variance(Spread::Sample) => (count > 1).then(|| squares / (n - 1.0)),
        Aggregate::Deviation(spread) => naive(Aggregate::Variance(spread), points).map(f64::sqrt),
        Aggregate::Rate => (span > 0.0).then(|| (values[count - 1] - values[0]) / span),
        Aggregate::Slope => {
            let times: f64 = points.iter().map(|(time, _)| time).sum();
            let products: f64 = points.iter().map(|(time, value)| time * value).sum();
            let squares: f64 = points.iter().map(|(time, _)| time * time).sum();
            (span > 0.0).then(|| (n * products - times * sum) / (n * squares - times * times))
        }
        Aggregate::Integral => Some(area),
        Aggregate::TimeWeightedMean => Some(if span > 0.0 { area / span } else { sum / n }),
        Aggregate::Duty => {
            let on: f64 = pairs().filter(|((_, v), _)| *v != 0.0).map(|((t0, _), (t1, _))| t1 - t0).sum();
            let share = values.iter().filter(|value| **value != 0.0).count() as f64 / n;
            Some(if span > 0.0 { on / span } else { share })
        }
    }
}

fn all(percent: f64) -> Vec<Aggregate> {
    Aggregate::names()
        .map(|name| Aggregate::named(name, (name == "percentile").then_some(percent)).expect("it is listed"))
        .collect()
}

proptest! {
    #[test]
    fn aggregates_are_what_their_definitions_say(readings in readings(), percent in 0.0..100.0f64) {
        let samples = known(readings.iter().copied());
        let points = sorted(&readings);
        for aggregate in all(percent) {
            let (found, wanted) = (aggregate.of(&samples), naive(aggregate, &points));
            let near = match (found, wanted) {
                (Some(found), Some(wanted)) => (found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0),
                (found, wanted) => found == wanted,
            };
            prop_assert!(near, "{aggregate:?}: {found:?} is not {wanted:?} of {points:?}");
        }
    }

    #[test]
    fn a_duty_counts_the_time_and_not_the_samples(states in vec((1i64..100, proptest::bool::ANY), 2..20)) {
        let mut nanos = 0;
        let mut samples = Vec::new();
        let (mut on, mut whole) = (0, 0);
        for (place, (length, state)) in states.iter().enumerate() {
            samples.push(Sample { nanos, value: f64::from(u8::from(*state)) });
            if place + 1 < states.len() {
                nanos += length * SECOND;
                whole += length;
                on += if *state { *length } else { 0 };
            }
        }
        let duty = Aggregate::Duty.of(&samples).expect("there are samples");
        prop_assert!((duty - on as f64 / whole as f64).abs() < 1e-12);
    }

    #[test]
    fn the_mode_is_the_first_of_the_most_frequent(items in vec(0u8..5, 0..30)) {
        let count = |item: &u8| items.iter().filter(|other| *other == item).count();
        let most = items.iter().map(count).max();
        let wanted = items.iter().find(|item| Some(count(item)) == most);
        prop_assert_eq!(rank::mode(items.iter().map(|item| (*item, *item))), wanted.copied());
    }
}

#[test]
fn what_is_no_number_is_left_out() {
    let samples = known([(3, Some(f64::NAN)), (2, Some(1.0)), (1, None), (0, Some(f64::INFINITY))]);
    assert_eq!(samples, [Sample { nanos: 2, value: 1.0 }]);
}

#[test]
fn a_line_of_large_times_and_values_keeps_its_slope() {
    let start = 1_780_000_000 * SECOND;
    let line = (0..100).map(|step| (start + step * SECOND, Some(1e9 + 0.25 * step as f64)));
    assert_eq!(Aggregate::Slope.of(&known(line)), Some(0.25));
}

#[test]
fn only_a_percentile_takes_a_number_and_needs_one() {
    assert_eq!(Aggregate::named("percentile", Some(95.0)), Ok(Aggregate::Percentile(95.0)));
    assert_eq!(Aggregate::named("percentile", None), Err(AggregateError::NoPercent));
    assert_eq!(Aggregate::named("percentile", Some(101.0)), Err(AggregateError::NoPercent));
    assert_eq!(Aggregate::named("mean", Some(1.0)), Err(AggregateError::NoNumberWanted("mean".into())));
    assert_eq!(Aggregate::named("average", None), Err(AggregateError::Unknown("average".into())));
}
