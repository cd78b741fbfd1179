//! Vibrations of which the truth is known, and batches that are none.

use std::f64::consts::TAU;

use serde_json::{Value, json};

use crate::bench::Bench;

/// What becomes of one batch, and why it failed.
fn described(config: &str, body: Value) -> (Option<Value>, Vec<&'static str>) {
    let mut bench = Bench::new("features", config);
    bench.give(body);
    let sent = bench.finish();
    assert_eq!((bench.balance().in_flight(), bench.settled().len()), (0, 1));
    (sent.into_iter().next().map(|sent| sent.body), bench.failed)
}

/// One second of a hum that hides a ringing at 700 Hz, struck 40 times a second.
fn struck(rate: u32) -> Vec<f64> {
    let at = |place: u32| {
        let time = f64::from(place) / f64::from(rate);
        let since = time % (1.0 / 40.0);
        1.0 + 2.0 * (TAU * 50.0 * time).sin() + 0.3 * (-400.0 * since).exp() * (TAU * 700.0 * since).sin()
    };
    (0..rate).map(at).collect()
}

#[test]
fn an_envelope_finds_how_often_something_rings_below_a_louder_hum() {
    let config = "spectrum: { peaks: 1 }\nenvelope: { band: { from: 500, to: 900 }, spectrum: { segment: 2048, peaks: 2, bands: { hits: { from: 35, to: 45 }, others: { from: 45, to: 75 } } } }";
    let (body, _) = described(config, json!({ "rate": 2048, "samples": struck(2048) }));
    let body = body.expect("it is described");
    let near = |value: &Value, wanted: f64| (value.as_f64().expect("a number") - wanted).abs() < 0.5;
    assert!(near(&body["spectrum"]["peaks"][0]["frequency"], 50.0), "{body}");
    assert!(near(&body["envelope"]["peaks"][0]["frequency"], 40.0), "{body}");
    assert!(near(&body["envelope"]["peaks"][1]["frequency"], 80.0), "{body}");
    let energy = |band: &str| body["envelope"]["bands"][band].as_f64().expect("a number");
    assert!(energy("hits") > 100.0 * energy("others"), "{body}");
}

#[test]
fn the_mean_is_taken_out_unless_it_is_part_of_the_signal() {
    let body = json!({ "rate": 1, "samples": [4.0, 6.0, 4.0, 6.0] });
    let of = |config: &str| described(config, body.clone()).0.expect("it is described");
    let without = of("statistics: [mean, rms, peak]");
    assert_eq!(without, json!({ "rate": 1, "mean": 5.0, "rms": 1.0, "peak": 1.0 }));
    let with = of("statistics: [mean, rms, peak]\nkeep_mean: true");
    assert_eq!(with, json!({ "rate": 1, "mean": 5.0, "rms": 26f64.sqrt(), "peak": 6.0 }));
}

#[test]
fn the_spectrum_itself_has_a_line_for_each_step_up_to_half_of_the_rate() {
    let config = "statistics: []\nspectrum: { segment: 64, peaks: 0, density: true }";
    let (body, _) = described(config, json!({ "rate": 640, "samples": vec![0.5; 640] }));
    let spectrum = &body.expect("it is described")["spectrum"];
    assert_eq!(
        (&spectrum["resolution"], spectrum["density"].as_array().map(Vec::len)),
        (&json!(10.0), Some(33))
    );
    assert_eq!(spectrum.get("peaks"), None);
}

#[test]
fn what_is_no_batch_fails_with_the_reason() {
    for (body, reason) in [
        (json!({ "rate": 10 }), "no_samples"),
        (json!({ "rate": 10, "samples": 5 }), "no_samples"),
        (json!({ "rate": 10, "samples": [1] }), "no_samples"),
        (json!({ "rate": 10, "samples": [1, null, 2] }), "bad_sample"),
        (json!({ "samples": [1, 2] }), "no_rate"),
        (json!({ "rate": 0, "samples": [1, 2] }), "no_rate"),
    ] {
        assert_eq!(described("{}", body.clone()), (None, vec![reason]), "{body}");
    }
}

#[test]
fn numbers_too_large_to_square_become_null() {
    let (body, _) =
        described("statistics: [rms]\nspectrum: {}", json!({ "rate": 1, "samples": [1e300, -1e300] }));
    let body = body.expect("it is described");
    assert_eq!(body["rms"], Value::Null);
}
