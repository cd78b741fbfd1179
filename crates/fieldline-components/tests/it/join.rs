//! Joins against a version that sees both sides at once, and the events that stay alone.

use std::time::Duration;

use fieldline_core::{Door, Kind, Outcome};
use proptest::collection::vec;
use proptest::prelude::{prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::harness::{definition, problems_reading, read};

const SIDES: &str =
    "sides: { a: { where: { a: { present: true } } }, b: { where: { b: { present: true } } } }";

/// The numbers of the events in each result.
fn pairs(sent: &[crate::bench::Sent]) -> Vec<(Option<u64>, Option<u64>)> {
    sent.iter().map(|sent| (sent.body["a"]["a"].as_u64(), sent.body["b"]["b"].as_u64())).collect()
}

proptest! {
    #[test]
    fn the_first_of_each_side_are_partners_if_they_are_close(
        events in vec((0u64..3_000, proptest::bool::ANY), 0..40)
    ) {
        let mut bench = Bench::new("join", &format!("{SIDES}\nwithin: 2s\nmode: outer"));
        let mut sides: [Vec<(u64, u64)>; 2] = [Vec::new(), Vec::new()];
        let mut after = 0;
        for (number, (gap, left)) in (0u64..).zip(&events) {
            after += gap;
            bench.until(Duration::from_millis(after));
            let name = if *left { "a" } else { "b" };
            bench.give(json!({ name: number }));
            sides[usize::from(!left)].push((after, number));
        }
        let mut found = pairs(&bench.finish());
        let (mut wanted, [mut left, mut right]) = (Vec::new(), sides.map(|side| side.into_iter().peekable()));
        loop {
            match (left.peek(), right.peek()) {
                (Some((time, a)), Some((other, b))) if time.abs_diff(*other) < 2_000 => {
                    wanted.push((Some(*a), Some(*b)));
                    left.next();
                    right.next();
                }
                (Some((time, a)), other) if other.is_none_or(|(other, _)| time < other) => {
                    wanted.push((Some(*a), None));
                    left.next();
                }
                (_, Some((_, b))) => {
                    wanted.push((None, Some(*b)));
                    right.next();
                }
                _ => break,
            }
        }
        found.sort();
        wanted.sort();
        prop_assert_eq!(found, wanted);
        prop_assert_eq!(bench.settled().len(), events.len());
        prop_assert_eq!(bench.balance().in_flight(), 0);
    }
}

#[test]
fn the_mode_says_what_becomes_of_an_event_without_partner() {
    let alone = [(Some(1), None), (None, Some(2))];
    for (mode, wanted, filtered) in
        [("inner", &alone[..0], 2), ("left", &alone[..1], 1), ("outer", &alone[..], 0)]
    {
        let mut bench = Bench::new("join", &format!("{SIDES}\nwithin: 1s\nmode: {mode}"));
        bench.give(json!({ "a": 1 }));
        bench.until(Duration::from_secs(1));
        bench.give(json!({ "b": 2 }));
        bench.until(Duration::from_secs(2));
        assert_eq!(pairs(&bench.sent), wanted, "{mode}");
        assert_eq!(bench.filtered("unmatched"), filtered, "{mode}");
    }
}

#[test]
fn both_events_are_settled_with_their_result() {
    let mut bench = Bench::new("join", &format!("{SIDES}\nwithin: 1s"));
    bench.in_hand = Some(Vec::new());
    bench.give(json!({ "a": 1 }));
    bench.give(json!({ "b": 1 }));
    assert_eq!(bench.settled(), []);
    bench.in_hand.take().into_iter().flatten().for_each(|event| event.finish(Door::Delivered));
    assert_eq!(bench.settled(), [(1, Outcome::Delivered), (2, Outcome::Delivered)]);
}

#[test]
fn keys_are_apart_and_waiting_is_bounded() {
    let config = format!("{SIDES}\nwithin: 1h\nby: k\nmax_keys: 2\nmax_events: 2");
    let mut bench = Bench::new("join", &config);
    for key in [1, 1, 2] {
        bench.give(json!({ "k": key, "a": key }));
    }
    assert_eq!(bench.failed, ["join_full"]);
    bench.give(json!({ "k": 3, "x": 0 }));
    assert_eq!(bench.filtered("no_side"), 1);
    bench.give(json!({ "k": 3, "a": 3 }));
    assert_eq!((bench.filtered("unmatched"), bench.failed.len()), (2, 1));
}

#[test]
fn sides_that_arrive_with_delay_are_joined_by_the_time_they_were_taken() {
    let mut bench = Bench::new("join", &format!("{SIDES}\nwithin: 1s\ntime: event\nwait: 1m"));
    (0..3).for_each(|second| bench.give_taken_at(second * 1000, json!({ "a": second })));
    bench.until(Duration::from_secs(30));
    bench.give_taken_at(1_400, json!({ "b": 1 }));
    assert_eq!(bench.sent.iter().map(|sent| &sent.body["a"]["a"]).collect::<Vec<&Value>>(), [&json!(1)]);
}

#[test]
fn partners_are_less_apart_than_the_span() {
    for (apart, results) in [(999, 1), (1000, 0)] {
        let mut bench = Bench::new("join", &format!("{SIDES}\nwithin: 1s\ntime: event\nwait: 1m"));
        bench.give_taken_at(0, json!({ "a": 1 }));
        bench.give_taken_at(apart, json!({ "b": 1 }));
        assert_eq!(bench.finish().len(), results, "{apart} ms apart");
    }
}

#[test]
fn a_side_names_one_of_several_inputs() {
    let config = "sides: { a: { input: sorted }, b: { input: sorted.rest } }\nwithin: 2s";
    let prepared = read(&definition(Kind::Transform, "join"), config).expect("the types fit");
    let check = |inputs: &[&str], expected: &[(&str, &str)]| {
        let problems = problems_reading(&prepared, inputs);
        let found =
            problems.iter().map(|problem| (problem.code, problem.help.as_deref().unwrap_or_default()));
        assert_eq!(found.collect::<Vec<_>>(), expected, "{inputs:?}");
    };
    check(&["sorted", "sorted.rest"], &[]);
    check(&["sorted", "sorted.rst"], &[("unknown-input", "did you mean `sorted.rst`?")]);
    let branches = "tell the sides by `where`, or read both branches: `inputs: [first, second]`";
    check(&["sorted"], &[("conflicting-fields", branches), ("unknown-input", "its inputs are sorted")]);
}
