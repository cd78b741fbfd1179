//! What outlives the program: a transform that goes on with what it remembered does what one does that never ended.

use std::time::Duration;

use fieldline_core::{BuildError, Kind, Map, Moment, Value};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};
use serde_json::{Value as Json, json};

use crate::bench::{Bench, Sent};
use crate::harness::{build, definition, read};

/// Every way of remembering, by type and config.
const KEPT: [(&str, &str); 7] = [
    ("smooth", "field: n\nby: key\nmean: 3"),
    ("smooth", "field: n\nby: key\nmedian: 4"),
    ("smooth", "field: n\nexponential: 0.3"),
    ("smooth", "field: n\nby: key\nkalman: { process: 0.1, measurement: 2 }\nmax_keys: 2"),
    ("outlier", "field: n\nby: key\nwindow: 3\nmax_keys: 2"),
    ("air_quality", "gas: n\nhumidity: n\nby: key\nburn_in: 5s"),
    (
        "script",
        "state_version: 1\ncode: |\n  state.sum = (state.sum ?? 0.0) + this.n;\n  this.sum = state.sum;",
    ),
];

/// Readings of three sensors.
fn readings() -> impl Strategy<Value = Vec<Json>> {
    let number = prop_oneof![Just(20.0), 0.1f64..100.0, Just(5000.0)];
    vec((0..3, number).prop_map(|(key, n)| json!({ "key": key, "n": n })), 0..40)
}

/// What comes out for a reading a second, where the program ends and starts again before each of `restarts`.
fn sent(name: &str, config: &str, readings: &[Json], restarts: &[usize]) -> Vec<Sent> {
    let mut bench = Bench::new(name, config);
    for (second, reading) in readings.iter().enumerate() {
        bench.until(Duration::from_secs(second as u64));
        if restarts.contains(&second) {
            bench.restart(name, config, Duration::ZERO);
        }
        bench.give(reading.clone());
    }
    bench.sent
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_restart_changes_nothing_that_comes_out(readings in readings(), restarts in vec(0usize..40, 0..3)) {
        for (name, config) in KEPT {
            let wanted = sent(name, config, &readings, &[]);
            assert_eq!(sent(name, config, &readings, &restarts), wanted, "{name}: {config}");
        }
    }
}

#[test]
fn a_sensor_that_went_cold_burns_in_again_and_its_baseline_is_known() {
    let config = "burn_in: 1m";
    let mut bench = Bench::new("air_quality", config);
    let judged = |bench: &mut Bench, second: u64, gas: u64| {
        bench.until(Duration::from_secs(second));
        bench.give(json!({ "gas": gas, "humidity": 40 }));
        bench.sent.last().expect("it was sent").body["air_quality"].clone()
    };
    judged(&mut bench, 0, 50_000);
    assert_eq!(judged(&mut bench, 60, 50_000)["quality"], "good");
    bench.restart("air_quality", config, Duration::from_secs(540));
    assert_eq!(judged(&mut bench, 600, 50_000)["quality"], "good");
    bench.restart("air_quality", config, Duration::from_secs(3000));
    let cold = json!({ "index": null, "baseline": 50_000.0, "quality": "burn_in" });
    assert_eq!(judged(&mut bench, 3600, 9_000), cold);
    assert_eq!(
        judged(&mut bench, 3660, 25_000),
        json!({ "index": 62.5, "baseline": 49_983.0, "quality": "good" })
    );
}

#[expect(clippy::disallowed_methods, reason = "any moment will do to count from")]
fn recalled(name: &str, config: &str, remembered: &Value) -> Result<(), BuildError> {
    let prepared = read(&definition(Kind::Transform, name), config).expect("the config fits");
    let fieldline_core::Built::Transform(mut transform) = build(&prepared) else { panic!("no transform") };
    let moment =
        Moment { instant: std::time::Instant::now(), time: Timestamp::UNIX_EPOCH, with: &Map::default() };
    transform.recall(remembered, Duration::ZERO, &moment)
}

#[test]
fn what_has_another_shape_is_refused() {
    let of = |state: Value| Value::from([("", state)]);
    for strange in
        [Value::Null, Value::from("text"), Value::List(vec![Value::from("x")]), Value::Float(f64::NAN)]
    {
        for (name, config) in &KEPT[..6] {
            assert!(recalled(name, config, &of(strange.clone())).is_err(), "{name}: {strange:?}");
        }
    }
    assert!(recalled("smooth", "field: n\nmean: 3", &Value::Int(1)).is_err());
}

#[test]
fn what_is_too_much_is_refused_before_it_is_made() {
    let mut bench = Bench::new("smooth", "field: n\nmean: 10000\nby: key");
    for n in 0..12_000 {
        bench.give(json!({ "key": n % 2, "n": n }));
    }
    let error = bench.remember().expect_err("it is over the limit");
    assert!(error.to_string().contains("2 keys"), "{error}");
}
