//! Windows against naive versions that see all readings at once, and what happens at their bounds.

use std::collections::BTreeMap;
use std::time::Duration;

use fieldline_core::{Door, Outcome};
use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::bench::{Bench, Sent};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The start of a result's window in milliseconds after 1970, and its list.
fn start_and_list(sent: &Sent) -> (i64, Vec<i64>) {
    let start = sent.body["window"]["start"].as_str().expect("a time");
    let start: jiff::Timestamp = start.parse().expect("RFC 3339");
    let list = sent.body["list"].as_array().expect("a list");
    (start.as_millisecond(), list.iter().map(|number| number.as_i64().expect("a number")).collect())
}

/// Readings with times in milliseconds, in any order.
fn readings() -> impl Strategy<Value = Vec<i64>> {
    vec(-5_000i64..20_000, 0..40)
}

/// Feeds readings whose value is their number, by the time they were taken; gives results and late ones.
fn by_event_time(config: &str, times: &[i64]) -> (Vec<(i64, Vec<i64>)>, Vec<i64>) {
    let mut bench = Bench::new("window", &format!("{config}\ntime: event\naggregate: {{ list: list(n) }}"));
    for (number, time) in times.iter().enumerate() {
        bench.give_taken_at(*time, json!({ "n": number }));
    }
    let sent = bench.finish();
    assert_eq!((bench.balance().in_flight(), bench.balance().lost), (0, 0));
    let late = sent.iter().filter(|sent| sent.port == "late");
    let late = late.map(|sent| sent.body["n"].as_i64().expect("a number")).collect();
    (sent.iter().filter(|sent| sent.port == "main").map(start_and_list).collect(), late)
}

/// The windows that hold at least one of the readings: start, and numbers in the order of time.
fn naive_windows(times: &[i64], length: i64, every: i64) -> Vec<(i64, Vec<i64>)> {
    let mut windows: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for step in -100..100 {
        // Windows end at multiples of `every`.
        let start = step * every - length;
        let mut inside: Vec<usize> =
            (0..times.len()).filter(|n| (start..start + length).contains(&times[*n])).collect();
        inside.sort_by_key(|number| times[*number]);
        if !inside.is_empty() {
            windows.insert(start, inside.into_iter().map(|number| number as i64).collect());
        }
    }
    windows.into_iter().collect()
}

proptest! {
    #[test]
    fn nothing_is_late_while_readings_are_not_more_out_of_order_than_allowed(
        times in readings(), every in 1i64..4, times_every in 1i64..4
    ) {
        let (every, length) = (every * 1000, every * times_every * 1000 + 500);
        let config = format!("sliding: {{ length: {length}ms, every: {every}ms }}\nlateness: 30s");
        let (results, late) = by_event_time(&config, &times);
        prop_assert_eq!(late, Vec::<i64>::new());
        prop_assert_eq!(results, naive_windows(&times, length, every));
    }

    #[test]
    fn a_reading_is_late_exactly_if_its_window_had_closed(times in readings(), lateness in 0i64..5_000) {
        let (results, late) = by_event_time(&format!("tumbling: 3s\nlateness: {lateness}ms"), &times);
        let mut latest = i64::MIN;
        let mut wanted_late = Vec::new();
        let mut in_time = Vec::new();
        for (number, time) in times.iter().enumerate() {
            let end = (time.div_euclid(3000) + 1) * 3000;
            if latest != i64::MIN && end <= latest - lateness {
                wanted_late.push(number as i64);
            } else {
                in_time.push(number);
            }
            latest = latest.max(*time);
        }
        let windows: Vec<(i64, Vec<i64>)> = naive_windows(
            &in_time.iter().map(|number| times[*number]).collect::<Vec<_>>(), 3000, 3000,
        );
        let renumber = |list: Vec<i64>| list.into_iter().map(|place| in_time[place as usize] as i64).collect();
        let wanted: Vec<(i64, Vec<i64>)> = windows.into_iter().map(|(s, list)| (s, renumber(list))).collect();
        prop_assert_eq!(late, wanted_late);
        prop_assert_eq!(results, wanted);
    }

    #[test]
    fn a_session_is_what_has_no_gap(times in readings()) {
        let (results, late) = by_event_time("session: { gap: 700ms }\nlateness: 30s", &times);
        let mut order: Vec<usize> = (0..times.len()).collect();
        order.sort_by_key(|number| times[*number]);
        let mut wanted: Vec<(i64, Vec<i64>)> = Vec::new();
        for (place, number) in order.iter().enumerate() {
            if place == 0 || times[*number] - times[order[place - 1]] >= 700 {
                wanted.push((times[*number], Vec::new()));
            }
            wanted.last_mut().expect("one was pushed").1.push(*number as i64);
        }
        prop_assert_eq!(late, Vec::<i64>::new());
        prop_assert_eq!(results, wanted);
    }

    #[test]
    fn a_window_by_count_holds_the_last_ones(
        count in 0usize..40, last in 1usize..6, every in 1usize..9, min in 1usize..6
    ) {
        let min = min.min(last);
        let config = format!("last: {last}\nevery: {every}\nmin: {min}\npartial: drop\naggregate: {{ list: list(n) }}");
        let mut bench = Bench::new("window", &config);
        (0..count).for_each(|n| bench.give(json!({ "n": n })));
        let lists: Vec<Vec<i64>> = bench.finish().iter().map(|sent| start_and_list(sent).1).collect();
        let mut wanted = Vec::new();
        let mut since = 0;
        for end in 1..=count {
            since += 1;
            let held = (end.saturating_sub(last)..end).map(|n| n as i64).collect::<Vec<_>>();
            if since >= every && held.len() >= min {
                since = 0;
                wanted.push(held);
            }
        }
        prop_assert_eq!(lists, wanted);
    }

    #[test]
    fn windows_by_arrival_close_by_the_clock(gaps in vec(0u64..4_000, 1..30)) {
        let mut bench = Bench::new("window", "tumbling: 2s\naggregate: { list: list(n) }");
        let mut times = Vec::new();
        let mut after = 0;
        for (number, gap) in gaps.iter().enumerate() {
            after += gap;
            bench.until(Duration::from_millis(after));
            bench.give(json!({ "n": number }));
            times.push(after as i64);
        }
        bench.until(Duration::from_millis(after + 2_000));
        let sent = std::mem::take(&mut bench.sent);
        let windows: Vec<(i64, Vec<i64>)> = sent.iter().map(start_and_list).collect();
        prop_assert_eq!(windows, naive_windows(&times, 2000, 2000));
        for result in &sent {
            prop_assert_eq!(result.after.as_millis() as i64, start_and_list(result).0 + 2000);
        }
        prop_assert_eq!(bench.finish(), []);
    }
}

#[test]
fn a_reading_is_settled_when_it_is_absorbed_or_when_its_result_is_delivered() {
    let mut absorbed = Bench::new("window", "last: 2\naggregate: { n: count }");
    absorbed.give(json!({}));
    assert_eq!(absorbed.settled().len(), 1);

    let mut emitted = Bench::new("window", "last: 2\naggregate: { n: count }\nack: emitted");
    emitted.in_hand = Some(Vec::new());
    (0..3).for_each(|_| emitted.give(json!({})));
    assert_eq!(emitted.settled(), []);
    let results = emitted.in_hand.take().expect("it was put there");
    let numbers = |bench: &Bench| bench.settled().into_iter().map(|(number, _)| number).collect::<Vec<_>>();
    let mut results = results.into_iter();
    results.next().expect("a result").finish(Door::Delivered);
    assert_eq!(numbers(&emitted), [1, 2]);
    results.next().expect("a result").finish(Door::Delivered);
    assert_eq!(numbers(&emitted), [1, 2, 3]);
}

#[test]
fn a_reading_that_is_in_no_result_is_settled_when_it_goes() {
    let mut bench = Bench::new("window", "last: 1\nevery: 3\nack: emitted\naggregate: { n: count }");
    (0..2).for_each(|_| bench.give(json!({})));
    assert_eq!(bench.settled(), [(1, Outcome::Delivered)]);
    bench.finish();
    assert_eq!(bench.settled(), [(1, Outcome::Delivered), (2, Outcome::Delivered)]);
}

#[test]
fn an_open_window_is_emitted_or_dropped_at_the_end() {
    for (partial, count) in [("emit", 1), ("drop", 0)] {
        let mut bench =
            Bench::new("window", &format!("tumbling: 1m\npartial: {partial}\naggregate: {{ n: count }}"));
        bench.give(json!({}));
        assert_eq!(bench.finish().len(), count, "{partial}");
        assert_eq!(bench.filtered("partial_window"), 1 - count as u64, "{partial}");
        assert_eq!(bench.balance().in_flight(), 0);
    }
    let mut unfilled = Bench::new("window", "last: 8\naggregate: { n: count }");
    unfilled.give(json!({}));
    assert_eq!(unfilled.finish(), []);
    assert_eq!(unfilled.filtered("too_few_readings"), 1);
}

#[test]
fn a_key_that_is_silent_or_one_too_many_ends_its_windows() {
    let config = "tumbling: 1h\nby: k\nmax_keys: 2\nidle: 10s\ntime: event\naggregate: { n: count }";
    let mut bench = Bench::new("window", config);
    let keys = |bench: &mut Bench| -> Vec<Value> {
        std::mem::take(&mut bench.sent).iter().map(|sent| sent.body["k"].clone()).collect()
    };
    for key in ["a", "b", "a", "c"] {
        bench.give(json!({ "k": key }));
    }
    assert_eq!(keys(&mut bench), ["b"]);
    bench.until(seconds(6));
    bench.give(json!({ "k": "c" }));
    bench.until(seconds(15));
    assert_eq!(keys(&mut bench), ["a"]);
    bench.until(seconds(16));
    assert_eq!(keys(&mut bench), ["c"]);
}

#[test]
fn one_reading_too_many_goes_to_the_dead_letter() {
    let mut bench = Bench::new("window", "tumbling: 1m\nmax_events: 2\naggregate: { n: count }");
    (0..3).for_each(|_| bench.give(json!({})));
    assert_eq!(bench.failed, ["window_full"]);
    bench.until(seconds(60));
    bench.give(json!({}));
    assert_eq!((bench.failed.len(), bench.finish().len()), (1, 2));
}

#[test]
fn a_clock_that_is_set_ends_the_windows_and_the_next_ones_follow_it() {
    let mut bench = Bench::new("window", "tumbling: 1m\naggregate: { n: count }");
    bench.give(json!({}));
    bench.set_clock_by(SignedDuration::from_hours(24));
    bench.until(seconds(1));
    bench.give(json!({}));
    let starts: Vec<i64> = bench
        .finish()
        .iter()
        .map(|sent| {
            let start: jiff::Timestamp =
                sent.body["window"]["start"].as_str().expect("a time").parse().expect("RFC 3339");
            start.as_second()
        })
        .collect();
    assert_eq!(starts, [0, 24 * 60 * 60]);
}

#[test]
fn a_reading_without_a_time_goes_to_the_dead_letter() {
    let mut bench = Bench::new("window", "tumbling: 1m\ntime: at\naggregate: { n: count }");
    for at in [json!("soon"), json!(null), json!(1e300), json!(i64::MAX)] {
        bench.give(json!({ "at": at }));
    }
    assert_eq!(bench.failed, ["no_time"; 4]);
    bench.give(json!({ "at": "1970-01-01T00:00:30Z" }));
    assert_eq!(bench.finish().len(), 1);
}

#[test]
fn a_window_reads_times_as_sources_do() {
    let at = |time: &str, value: serde_json::Value| {
        let mut bench =
            Bench::new("window", &format!("tumbling: 1m\ntime: {time}\naggregate: {{ n: count }}"));
        bench.give(json!({ "at": value }));
        assert_eq!(bench.failed, Vec::<&str>::new());
        bench.finish()[0].body["window"]["start"].clone()
    };
    let wanted = json!("2020-02-15T16:43:00.000000Z");
    assert_eq!(at("at", json!(1_581_784_996_250_i64)), wanted);
    assert_eq!(at("{ field: at, unit: us }", json!("1581784996250000")), wanted);
    assert_eq!(at("{ field: at, zone: '+01:00' }", json!("2020-02-15 17:43:16")), wanted);
    assert_eq!(at("{ field: at, format: '%Y%m%d%H%M', zone: utc }", json!(202_002_151_643_i64)), wanted);
}

#[test]
fn numbers_texts_and_nulls_are_each_aggregated_as_they_can_be() {
    let config = "tumbling: 1m\naggregate:\n  known: count(v)\n  all: count\n  sum: sum(v)\n  mean: mean(v)\n  \
                  first: first(s)\n  last: last(s)\n  mode: mode(s)\n  range: range(v)\n  list: list(v)";
    let mut bench = Bench::new("window", config);
    for (v, s) in [
        (json!(1), json!("a")),
        (json!(null), json!("b")),
        (json!(2), json!("b")),
        (json!(true), json!(null)),
    ] {
        bench.give(json!({ "v": v, "s": s }));
    }
    let mut body = bench.finish().remove(0).body;
    body.as_object_mut().expect("a map").remove("window");
    let wanted = json!({
        "known": 3, "all": 4, "sum": 4.0, "mean": 4.0 / 3.0, "first": "a", "last": "b", "mode": "b",
        "range": 1.0, "list": [1, null, 2, true],
    });
    assert_eq!(body, wanted);
}

#[test]
fn a_reading_that_is_no_number_fails_where_numbers_are_aggregated() {
    let mut bench = Bench::new("window", "tumbling: 1m\naggregate: { n: count(v), mean: mean(v) }");
    for v in [json!(1.0), json!("21,5"), json!("2"), json!([3]), json!({}), json!(2)] {
        bench.give(json!({ "v": v }));
    }
    assert_eq!(bench.failed, ["not_a_number"; 4]);
    let body = bench.finish().remove(0).body;
    assert_eq!((&body["n"], &body["mean"]), (&json!(2), &json!(1.5)));
    let mut bench = Bench::new("window", "tumbling: 1m\naggregate: { n: count(v), last: last(v) }");
    bench.give(json!({ "v": "on" }));
    assert_eq!(bench.finish()[0].body["n"], 1);
}

#[test]
fn a_result_that_is_too_large_is_never_null_without_a_word() {
    let mut bench = Bench::new("window", "last: 2\naggregate: { mean: mean(v) }");
    (0..2).for_each(|_| bench.give(json!({ "v": 1e308 })));
    assert_eq!(bench.sent[0].body["mean"], 1e308);
    let mut bench = Bench::new("window", "last: 2\naggregate: { sum: sum(v) }");
    (0..2).for_each(|_| bench.give(json!({ "v": 1e308 })));
    assert_eq!((bench.sent.len(), bench.failed.as_slice()), (0, ["too_large"].as_slice()));
}

#[test]
fn an_edited_window_goes_on_with_the_readings_of_the_one_before() {
    let mut bench = Bench::new("window", "tumbling: 10s\naggregate: { list: list(n) }");
    for n in 0..15 {
        bench.until(seconds(n));
        bench.give(json!({ "n": n }));
    }
    bench.edit("window", "tumbling: 6s\naggregate: { list: list(n), most: max(n) }");
    for n in 15..20 {
        bench.until(seconds(n));
        bench.give(json!({ "n": n }));
    }
    let lists: Vec<Vec<i64>> = bench.finish().iter().map(|sent| start_and_list(sent).1).collect();
    let all: Vec<i64> = (0..20).collect();
    assert_eq!(lists, [&all[..10], &all[10..12], &all[12..18], &all[18..]]);
    assert_eq!((bench.balance().in_flight(), bench.balance().lost), (0, 0));
}

#[test]
fn a_window_by_count_is_full_after_an_edit_as_before() {
    let mut bench = Bench::new("window", "last: 5\nevery: 1\naggregate: { list: list(n) }");
    (0..5).for_each(|n| bench.give(json!({ "n": n })));
    bench.edit("window", "last: 3\naggregate: { list: list(n) }");
    bench.give(json!({ "n": 5 }));
    let lists: Vec<Vec<i64>> = bench.sent.iter().map(|sent| start_and_list(sent).1).collect();
    assert_eq!(lists, [vec![0, 1, 2, 3, 4], vec![3, 4, 5]]);
}

#[test]
fn keys_that_an_edit_leaves_no_room_for_end_their_windows() {
    let window =
        |most: usize| format!("tumbling: 10s\nby: key\nmax_keys: {most}\naggregate: {{ list: list(n) }}");
    let mut bench = Bench::new("window", &window(3));
    (0..3).for_each(|n| bench.give(json!({ "n": n, "key": n })));
    bench.edit("window", &window(1));
    assert_eq!(bench.sent.iter().map(|sent| start_and_list(sent).1).collect::<Vec<_>>(), [[0], [1]]);
    assert_eq!(bench.finish().len(), 3);
}

#[test]
fn windows_that_are_dropped_at_the_end_are_counted() {
    let mut bench =
        Bench::new("window", "tumbling: 10s\nby: key\npartial: drop\naggregate: { list: list(n) }");
    (0..3).for_each(|n| bench.give(json!({ "n": n, "key": n % 2 })));
    assert_eq!(bench.finish(), []);
    assert_eq!(bench.filtered("partial_window"), 2);
}
