//! What judges and repairs readings: naive versions, keys apart, and nothing held that is forgotten.

use std::time::Duration;

use fieldline_signal::rank::median;
use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::bench::Bench;

/// Numbers and gaps, one a second.
fn readings() -> impl Strategy<Value = Vec<Option<i64>>> {
    vec(proptest::option::weighted(0.7, -20i64..20), 0..40)
}

/// Feeds `{ "v": reading }`, one a second, and gives what came out: output and body.
fn cleaned(name: &str, config: &str, readings: &[Option<i64>]) -> Vec<(String, Value)> {
    let mut bench = Bench::new(name, config);
    for (second, reading) in (0..).zip(readings) {
        bench.until(Duration::from_secs(second));
        bench.give(json!({ "v": reading }));
    }
    let sent = bench.finish();
    assert_eq!((bench.balance().in_flight(), bench.settled().len()), (0, readings.len()));
    sent.into_iter().map(|sent| (sent.port, sent.body)).collect()
}

fn near(found: &Value, wanted: Option<f64>) -> bool {
    match (found.as_f64(), wanted) {
        (Some(found), Some(wanted)) => (found - wanted).abs() < 1e-9,
        (found, wanted) => found.is_none() && wanted.is_none(),
    }
}

proptest! {
    #[test]
    fn a_gap_is_filled_with_a_line_between_its_ends(readings in readings()) {
        let filled = cleaned("fill", "field: v\nmethod: linear\nquality: q", &readings);
        prop_assert_eq!(filled.len(), readings.len());
        for (place, (_, body)) in filled.iter().enumerate() {
            let before = (0..=place).rev().find(|n| readings[*n].is_some());
            let after = (place..readings.len()).find(|n| readings[*n].is_some());
            let number = |n: usize| readings[n].map(|number| number as f64);
            let (wanted, quality) = match (before, after) {
                _ if readings[place].is_some() => (number(place), "good"),
                (Some(before), Some(after)) => {
                    let share = (place - before) as f64 / (after - before) as f64;
                    let ends = number(before).zip(number(after));
                    (ends.map(|(from, to)| from + share * (to - from)), "interpolated")
                }
                _ => (None, "missing"),
            };
            prop_assert!(near(&body["v"], wanted), "{place}: {body} {wanted:?}");
            prop_assert_eq!(&body["q"], quality);
        }
    }

    #[test]
    fn a_value_is_held_for_as_long_as_it_may(readings in readings(), max_gap in 1usize..6) {
        let filled = cleaned("fill", &format!("field: v\nmethod: hold\nmax_gap: {max_gap}s"), &readings);
        let wanted: Vec<Value> = (0..readings.len()).map(|place| {
            let held = (place.saturating_sub(max_gap)..=place).rev().find_map(|n| readings[n]);
            json!({ "v": held })
        }).collect();
        prop_assert_eq!(filled.into_iter().map(|(_, body)| body).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn smoothing_looks_at_the_last_numbers(readings in readings(), length in 1usize..6) {
        for method in ["mean", "median"] {
            let naive = |numbers: &[f64]| match method {
                "mean" => Some(numbers.iter().sum::<f64>() / numbers.len() as f64),
                _ => median(numbers.iter().copied()),
            };
            let smooth = cleaned("smooth", &format!("field: v\n{method}: {length}\ninto: s"), &readings);
            let mut numbers: Vec<f64> = Vec::new();
            for ((_, body), reading) in smooth.iter().zip(&readings) {
                let wanted = reading.and_then(|reading| {
                    numbers.push(reading as f64);
                    naive(&numbers[numbers.len().saturating_sub(length)..])
                });
                prop_assert!(near(&body["s"], wanted), "{method}: {body} {wanted:?}");
            }
        }
    }

    #[test]
    fn validity_depends_on_the_last_valid_reading(readings in readings(), limit in 1i64..10) {
        let config = format!("range: {{ v: {{ min: -15, max: 15 }} }}\nrate: {{ v: {limit} }}");
        let judged = cleaned("validate", &config, &readings);
        let mut last: Option<(i64, i64)> = None;
        for (second, ((port, _), reading)) in (0i64..).zip(judged.iter().zip(&readings)) {
            let valid = reading.is_none_or(|number| {
                let slow = last.is_none_or(|(then, before)| (number - before).abs() <= limit * (second - then));
                slow && (-15..=15).contains(&number)
            });
            if let (true, Some(number)) = (valid, reading) {
                last = Some((second, *number));
            }
            prop_assert_eq!(port, if valid { "main" } else { "invalid" }, "second {}", second);
        }
    }

    #[test]
    fn a_sensor_is_stuck_while_its_value_has_not_changed_for_long(readings in vec(0i64..2, 0..40), limit in 1usize..5) {
        let readings: Vec<Option<i64>> = readings.into_iter().map(Some).collect();
        let judged = cleaned("validate", &format!("stuck: {{ v: {limit}s }}"), &readings);
        for (place, (port, _)) in judged.iter().enumerate() {
            let stuck = place >= limit && readings[place - limit..=place].iter().all(|v| *v == readings[place]);
            prop_assert_eq!(port, if stuck { "invalid" } else { "main" }, "{}", place);
        }
    }

    #[test]
    fn an_outlier_is_far_from_the_median_of_those_before(readings in readings(), tolerance in 0i64..10) {
        let config = format!("field: v\nwindow: 5\nlimit: 2\ntolerance: {tolerance}");
        let judged = cleaned("outlier", &config, &readings);
        let mut numbers: Vec<f64> = Vec::new();
        for ((port, _), reading) in judged.iter().zip(&readings) {
            let Some(number) = reading.map(|reading| reading as f64) else {
                prop_assert_eq!(port, "main");
                continue;
            };
            let recent = &numbers[numbers.len().saturating_sub(5)..];
            let centre = median(recent.iter().copied());
            let off = |centre: f64| {
                let deviations = median(recent.iter().map(|other| (other - centre).abs())).unwrap_or(0.0);
                let distance = (number - centre).abs();
                distance > 2.0 * 1.482_602_218_505_602 * deviations && distance > tolerance as f64
            };
            let outlier = recent.len() == 5 && centre.is_some_and(off);
            prop_assert_eq!(port, if outlier { "outlier" } else { "main" });
            numbers.push(number);
        }
    }
}

#[test]
fn the_reason_is_in_the_metadata_of_what_is_invalid() {
    let config = "required: [id]\nrange: { v: { min: 0 } }\nrate: { v: 1 }\nstuck: { v: 5s }";
    let mut bench = Bench::new("validate", config);
    bench.in_hand = Some(Vec::new());
    let steps = [(0, json!({ "v": 1 })), (1, json!({ "id": 1, "v": -1 })), (2, json!({ "id": 1, "v": "x" }))];
    let more =
        [(3, json!({ "id": 1, "v": 5 })), (4, json!({ "id": 1, "v": 8 })), (9, json!({ "id": 1, "v": 8 }))];
    for (second, body) in steps.into_iter().chain(more) {
        bench.until(Duration::from_secs(second));
        bench.give(body);
    }
    let events = bench.in_hand.take().expect("it was put there");
    let reasons: Vec<Option<String>> = events
        .into_iter()
        .map(|event| {
            let reason = event.meta().get("invalid").and_then(|reason| reason.as_text().map(str::to_owned));
            event.finish(fieldline_core::Door::Delivered);
            reason
        })
        .collect();
    let wanted = [
        Some("required: `id` is missing"),
        Some("range: `v` is -1, below 0"),
        Some("range: `v` is no number"),
        None,
        Some("rate: `v` changed by 3 per second, above 1"),
        Some("stuck: `v` has been 8 for 5 s"),
    ];
    assert_eq!(reasons.iter().map(Option::as_deref).collect::<Vec<_>>(), wanted);
}

#[test]
fn a_gap_that_is_too_long_passes_without_a_value() {
    let mut bench = Bench::new("fill", "field: v\nmethod: linear\nmax_gap: 3s\nmax_events: 2");
    bench.give(json!({ "v": 1 }));
    bench.until(Duration::from_secs(1));
    bench.give(json!({}));
    bench.until(Duration::from_millis(3_999));
    assert_eq!(bench.sent.len(), 1);
    bench.until(Duration::from_secs(4));
    assert_eq!(bench.sent.last().expect("it passed").body, json!({ "v": null }));
    bench.give(json!({ "v": 2 }));
    (0..3).for_each(|_| bench.give(json!({})));
    assert_eq!(bench.sent.len(), 6);
}

#[test]
fn what_no_value_can_be_put_into_goes_to_the_dead_letter() {
    for (name, config) in
        [("fill", "field: v\nmethod: \"null\""), ("smooth", "field: v\nmedian: 3\ninto: v.x")]
    {
        let mut bench = Bench::new(name, config);
        bench.give(if name == "fill" { json!([1]) } else { json!({ "v": 1 }) });
        assert_eq!(bench.failed, ["not_a_map"], "{name}");
    }
    let mut convert = Bench::new("convert", "fields: { v: { from: C, to: F } }");
    convert.give(json!({ "v": "warm" }));
    assert_eq!(convert.failed, ["not_a_number"]);
}

#[test]
fn each_key_has_a_memory_of_its_own() {
    let cases = [
        ("smooth", "field: v\nmean: 9\nby: k"),
        ("fill", "field: v\nmethod: hold\nby: k"),
        ("validate", "rate: { v: 1 }\nby: k"),
    ];
    for (name, config) in cases {
        let mut bench = Bench::new(name, config);
        bench.give(json!({ "k": "a", "v": 10 }));
        bench.until(Duration::from_secs(1));
        bench.give(json!({ "k": "b", "v": 90 }));
        bench.give(json!({ "k": "a", "v": 10 }));
        let sent = bench.finish();
        let values: Vec<Option<f64>> = sent.iter().map(|sent| sent.body["v"].as_f64()).collect();
        assert_eq!(values, [Some(10.0), Some(90.0), Some(10.0)], "{name}");
        assert!(sent.iter().all(|sent| sent.port == "main"), "{name}");
    }
}
