//! The `twin`: ages, qualities, and when a record is emitted.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::{Bench, Sent};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// When each record came, in seconds, and what it says of field `a`.
fn of_a(sent: &[Sent]) -> Vec<(u64, Value)> {
    sent.iter().map(|sent| (sent.after.as_secs(), sent.body["a"].clone())).collect()
}

#[test]
fn a_value_grows_stale_by_itself_and_is_good_again_with_the_next_reading() {
    let mut bench = Bench::new("twin", "max_age: 3s");
    bench.give(json!({ "a": 1 }));
    bench.until(seconds(10));
    bench.give(json!({ "a": 1 }));
    let expected = [
        (0, json!({ "value": 1, "age_s": 0.0, "quality": "good" })),
        (3, json!({ "value": 1, "age_s": 3.0, "quality": "stale" })),
        (10, json!({ "value": 1, "age_s": 0.0, "quality": "good" })),
    ];
    assert_eq!(of_a(&bench.finish()), expected);
}

#[test]
fn a_record_is_emitted_at_the_interval_while_nothing_comes_too() {
    let mut bench = Bench::new("twin", "every: 2s\nfields: [a, b]");
    bench.until(seconds(3));
    bench.give(json!({ "a": 1 }));
    bench.until(seconds(8));
    let sent = bench.finish();
    let ages: Vec<(u64, Value)> =
        of_a(&sent).into_iter().map(|(at, field)| (at, field["age_s"].clone())).collect();
    assert_eq!(ages, [(5, json!(2.0)), (7, json!(4.0))]);
    assert_eq!(sent[0].body["b"], json!({ "value": null, "age_s": null, "quality": "missing" }));
}

#[test]
fn what_came_after_the_last_record_is_emitted_at_the_end() {
    let mut bench = Bench::new("twin", "every: 10s");
    bench.give(json!({ "a": 1 }));
    bench.give(json!({ "b": { "c": 2 }, "status": "success" }));
    let sent = bench.finish();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].body["b"]["value"], json!({ "c": 2 }));
    assert_eq!(sent[0].body.get("status"), None);
    assert_eq!((bench.settled().len(), bench.balance().in_flight()), (2, 0));
}

#[test]
fn a_field_inside_a_map_keeps_its_place() {
    let mut bench = Bench::new("twin", "fields: [fan.speed]");
    bench.give(json!({ "fan": { "speed": 3, "on": true } }));
    let sent = bench.finish();
    assert_eq!(sent[0].body, json!({ "fan": { "speed": { "value": 3, "age_s": 0.0, "quality": "good" } } }));
}

#[test]
fn more_fields_than_allowed_go_to_the_dead_letter_and_change_nothing() {
    let mut bench = Bench::new("twin", "max_fields: 2");
    bench.give(json!({ "a": 1, "b": 1 }));
    bench.give(json!({ "a": 2, "c": 1 }));
    bench.give(json!([1]));
    bench.give(json!({ "b": 2 }));
    assert_eq!(bench.failed, ["too_many_fields", "not_a_map"]);
    let sent = bench.finish();
    assert_eq!((sent.len(), &sent[1].body["a"]["value"]), (2, &json!(1)));
}

#[test]
fn an_event_that_changes_nothing_is_taken_out() {
    let mut bench = Bench::new("twin", "{}");
    for _ in 0..3 {
        bench.give(json!({ "a": 1 }));
    }
    assert_eq!((bench.finish().len(), bench.filtered("unchanged")), (1, 2));
}
