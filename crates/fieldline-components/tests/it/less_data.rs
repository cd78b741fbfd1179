//! What thins out a stream: naive versions, bounds, and that nothing that was held is forgotten.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::bench::{Bench, Sent};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Values with the time that passes before each, in milliseconds.
fn stream() -> impl Strategy<Value = Vec<(u64, i64)>> {
    vec((0u64..2_000, -10i64..10), 0..40)
}

/// Feeds `{ "v": value, "n": number }` and gives the numbers that passed, at any time.
fn passed(name: &str, config: &str, stream: &[(u64, i64)]) -> Vec<usize> {
    let mut bench = Bench::new(name, config);
    let mut after = 0;
    for (number, (gap, value)) in stream.iter().enumerate() {
        after += gap;
        bench.until(millis(after));
        bench.give(json!({ "v": value, "n": number }));
    }
    let sent = bench.finish();
    assert_eq!(sent.len() as u64 + bench.balance().filtered, stream.len() as u64);
    assert_eq!((bench.balance().in_flight(), bench.settled().len()), (0, stream.len()));
    numbers(&sent)
}

fn numbers(sent: &[Sent]) -> Vec<usize> {
    sent.iter().map(|sent| sent.body["n"].as_u64().expect("a number") as usize).collect()
}

/// When each reading comes.
fn times(stream: &[(u64, i64)]) -> Vec<u64> {
    let mut after = 0;
    stream
        .iter()
        .map(|(gap, _)| {
            after += gap;
            after
        })
        .collect()
}

proptest! {
    #[test]
    fn a_deadband_passes_what_is_far_from_the_last_or_comes_long_after(stream in stream(), width in 1i64..8) {
        let times = times(&stream);
        let mut wanted: Vec<usize> = Vec::new();
        for n in 0..stream.len() {
            let news = wanted.last().is_none_or(|last| {
                (stream[n].1 - stream[*last].1).abs() >= width || times[n] - times[*last] >= 5_000
            });
            if news {
                wanted.push(n);
            }
        }
        let config = format!("field: v\nabsolute: {width}\nheartbeat: 5s");
        prop_assert_eq!(passed("deadband", &config, &stream), wanted);
    }

    #[test]
    fn a_swinging_door_passes_both_ends_in_order(stream in stream()) {
        let passed = passed("deadband", "field: v\nswinging_door: 3\nheartbeat: 4s", &stream);
        prop_assert!(passed.windows(2).all(|pair| pair[0] < pair[1]), "{passed:?}");
        prop_assert_eq!(passed.first().copied(), (!stream.is_empty()).then_some(0));
        prop_assert_eq!(passed.last().copied(), stream.len().checked_sub(1));
    }

    #[test]
    fn no_span_of_time_has_more_than_a_throttle_allows(stream in stream(), events in 1usize..4) {
        let times = times(&stream);
        let mut wanted: Vec<usize> = Vec::new();
        for n in 0..times.len() {
            if wanted.iter().filter(|other| times[n] - times[**other] < 3_000).count() < events {
                wanted.push(n);
            }
        }
        prop_assert_eq!(passed("throttle", &format!("events: {events}\nper: 3s"), &stream), wanted);
    }

    #[test]
    fn a_duplicate_is_what_passed_within_the_span(stream in stream()) {
        let times = times(&stream);
        let mut wanted: Vec<usize> = Vec::new();
        for n in 0..stream.len() {
            let before = wanted.iter().rfind(|other| stream[**other].1 == stream[n].1);
            if before.is_none_or(|before| times[n] - times[*before] >= 6_000) {
                wanted.push(n);
            }
        }
        prop_assert_eq!(passed("dedupe", "key: [v]\nwithin: 6s", &stream), wanted);
    }

    #[test]
    fn a_change_is_what_differs_from_the_last_that_passed(stream in stream()) {
        let wanted: Vec<usize> =
            (0..stream.len()).filter(|n| *n == 0 || stream[n - 1].1 != stream[*n].1).collect();
        prop_assert_eq!(passed("on_change", "fields: [v]", &stream), wanted);
    }

    #[test]
    fn a_debounce_passes_what_is_followed_by_silence(stream in stream()) {
        let times = times(&stream);
        let quiet = |n: &usize| times.get(n + 1).is_none_or(|next| next - times[*n] >= 800);
        let wanted: Vec<usize> = (0..stream.len()).filter(quiet).collect();
        prop_assert_eq!(passed("debounce", "quiet: 800ms", &stream), wanted);
    }

    #[test]
    fn one_of_n_is_every_nth(stream in stream(), n in 1usize..6) {
        let wanted: Vec<usize> = (0..stream.len()).step_by(n).collect();
        prop_assert_eq!(passed("sample", &format!("one_of: {n}"), &stream), wanted);
    }

    #[test]
    fn a_sample_by_time_is_the_first_after_each_beat(stream in stream()) {
        let times = times(&stream);
        let beat = |n: usize| (times[n] - times[0]) / 3_000;
        let wanted: Vec<usize> =
            (0..stream.len()).filter(|n| *n == 0 || beat(*n) > beat(n - 1)).collect();
        prop_assert_eq!(passed("sample", "every: 3s", &stream), wanted);
    }

    #[test]
    fn a_reservoir_passes_as_many_as_it_may_in_order(stream in stream(), size in 1usize..4, seed in 0u64..99) {
        let config = format!("reservoir: {{ size: {size}, every: 3s, seed: {seed} }}");
        let passed = passed("sample", &config, &stream);
        let times = times(&stream);
        let mut wanted = 0;
        let mut n = 0;
        while n < times.len() {
            let span = times[n..].iter().take_while(|time| **time < times[n] + 3_000).count();
            wanted += span.min(size);
            n += span;
        }
        prop_assert_eq!(passed.len(), wanted);
        prop_assert!(passed.windows(2).all(|pair| pair[0] < pair[1]), "{passed:?}");
    }
}

#[test]
fn every_transform_counts_what_it_takes_out_under_its_reason() {
    let cases = [
        ("deadband", "field: v\nabsolute: 1", "deadband"),
        ("deadband", "field: v\nswinging_door: 1", "deadband"),
        ("dedupe", "key: [v]\nwithin: 1s", "duplicate"),
        ("throttle", "per: 1s", "throttled"),
        ("sample", "one_of: 3", "sampled"),
        ("sample", "every: 1s", "sampled"),
        ("sample", "reservoir: { size: 1, every: 1s }", "sampled"),
        ("debounce", "quiet: 1s", "superseded"),
        ("on_change", "fields: [v]", "unchanged"),
    ];
    for (name, config, reason) in cases {
        let mut bench = Bench::new(name, config);
        for _ in 0..3 {
            bench.until(millis(100));
            bench.give(json!({ "v": 1 }));
        }
        bench.finish();
        assert!(bench.filtered(reason) > 0, "{name}: {:?}", bench.balance().reasons);
    }
}

#[test]
fn keys_are_apart_and_bounded_and_what_was_held_for_one_passes_when_it_goes() {
    let held = [
        ("debounce", "quiet: 1h\nby: k\nmax_keys: 2"),
        ("sample", "reservoir: { size: 1, every: 1h }\nby: k\nmax_keys: 2"),
    ];
    for (name, config) in held {
        let mut bench = Bench::new(name, config);
        for key in ["a", "b", "c"] {
            bench.give(json!({ "k": key }));
        }
        let keys = |sent: &[Sent]| sent.iter().map(|sent| sent.body["k"].clone()).collect::<Vec<Value>>();
        assert_eq!(keys(&bench.sent), ["a"], "{name}");
        assert_eq!(keys(&bench.finish()), ["a", "b", "c"], "{name}");
    }
}

#[test]
fn a_held_reading_passes_with_the_heartbeat() {
    let mut bench = Bench::new("deadband", "field: v\nswinging_door: 1\nheartbeat: 10s");
    bench.give(json!({ "v": 0 }));
    bench.until(millis(4_000));
    bench.give(json!({ "v": 0 }));
    bench.until(millis(9_999));
    assert_eq!(bench.sent.len(), 1);
    bench.until(millis(10_000));
    assert_eq!(bench.sent.len(), 2);
}

#[test]
fn a_swinging_door_can_run_over_the_time_readings_were_taken() {
    // Arrived at once, after an outage: a line only by the times they were taken.
    let mut bench = Bench::new("deadband", "field: v\nswinging_door: 0.1\ntime: event");
    for step in 0..10 {
        bench.give_taken_at(step * 1000, json!({ "v": step }));
    }
    assert_eq!(bench.finish().len(), 2);
}

#[test]
fn what_has_passed_is_remembered_over_an_edit() {
    let edits = [
        ("on_change", "fields: [v]", "fields: [v]\nheartbeat: 1h"),
        ("dedupe", "key: [v]\nwithin: 1m", "key: [v]\nwithin: 1h"),
        ("deadband", "field: v\nabsolute: 1", "field: v\nabsolute: 2"),
    ];
    for (name, before, after) in edits {
        let mut bench = Bench::new(name, before);
        bench.give(json!({ "v": 7 }));
        bench.edit(name, after);
        bench.give(json!({ "v": 7 }));
        assert_eq!(bench.sent.len(), 1, "{name}");
    }
}
