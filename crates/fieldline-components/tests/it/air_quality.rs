//! A day of air in virtual time: the burn-in, a room full of people, a window that is opened, a sensor that ages.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::Bench;

/// Gives a reading a minute from `first` to before `last`, and what was said of the last one.
fn minutes(bench: &mut Bench, first: u64, last: u64, gas: u64) -> Value {
    for minute in first..last {
        bench.until(Duration::from_secs(60 * minute));
        bench.give(json!({ "gas": gas, "humidity": 40 }));
    }
    bench.sent.last().expect("there was a reading").body["air_quality"].clone()
}

#[test]
fn a_day_has_a_burn_in_then_bad_air_and_then_good_air_again() {
    let mut bench = Bench::new("air_quality", "{}");
    assert_eq!(minutes(&mut bench, 0, 5, 100_000)["quality"], "burn_in");
    assert_eq!(
        minutes(&mut bench, 5, 6, 100_000),
        json!({ "index": 100.0, "baseline": 100_000.0, "quality": "good" })
    );
    let crowded = minutes(&mut bench, 6, 66, 40_000)["index"].as_f64().expect("an index");
    assert!((55.0..57.0).contains(&crowded), "an hour moves a baseline of a day by little: {crowded}");
    assert_eq!(minutes(&mut bench, 66, 126, 100_000)["index"], 100.0);
    bench.finish();
    assert_eq!((bench.balance().in_flight(), bench.settled().len()), (0, 126));
}

#[test]
fn a_sensor_that_ages_is_not_bad_air_forever() {
    let mut bench = Bench::new("air_quality", "scale: pollution");
    minutes(&mut bench, 0, 10, 100_000);
    let at_first = minutes(&mut bench, 10, 11, 50_000)["index"].as_f64().expect("an index");
    let days_later = minutes(&mut bench, 11, 5 * 24 * 60, 50_000)["index"].as_f64().expect("an index");
    assert!(at_first > 180.0 && days_later < 5.0, "{at_first} {days_later}");
}

#[test]
fn sensors_are_judged_apart_and_a_missing_value_changes_nothing() {
    let mut bench = Bench::new("air_quality", "by: room\nburn_in: 1s\ninto: a.q");
    for (room, gas) in
        [(1, json!(10)), (2, json!(90_000)), (1, json!(null)), (1, json!(0)), (1, json!("hot"))]
    {
        bench.give(json!({ "room": room, "gas": gas, "humidity": 40 }));
    }
    bench.until(Duration::from_secs(1));
    bench.give(json!({ "room": 1, "gas": 10, "humidity": 40 }));
    let said: Vec<&Value> = bench.sent.iter().map(|sent| &sent.body["a"]["q"]["quality"]).collect();
    assert_eq!(said, ["burn_in", "burn_in", "missing", "missing", "missing", "good"]);
    assert_eq!(bench.sent[5].body["a"]["q"]["index"], 100.0);
}

#[test]
fn gas_of_a_heater_that_is_not_hot_feeds_no_index() {
    for (config, body) in [
        ("burn_in: 1s", json!({ "gas": 900, "gas_stable": false, "humidity": 40 })),
        ("burn_in: 1s\ngas: a.g", json!({ "a": { "g": 900, "g_stable": false }, "humidity": 40 })),
    ] {
        let mut bench = Bench::new("air_quality", config);
        let stable = json!({ "gas": 50_000, "a": { "g": 50_000 }, "gas_stable": true, "humidity": 40 });
        bench.give(stable.clone());
        bench.until(Duration::from_secs(1));
        bench.give(body);
        bench.give(stable);
        let said = |at: usize| bench.sent[at].body["air_quality"].clone();
        assert_eq!(said(1), json!({ "index": null, "baseline": null, "quality": "unstable" }), "{config}");
        assert_eq!(said(2), json!({ "index": 100.0, "baseline": 50_000.0, "quality": "good" }), "{config}");
    }
}
