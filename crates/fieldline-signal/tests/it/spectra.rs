//! Shapes, spectra and envelopes against what SciPy says (`tests/vectors/make.py` writes its answers down), and
//! against signals of which the truth is known.

use std::f64::consts::TAU;

use fieldline_signal::envelope::Envelope;
use fieldline_signal::peaks::dominant;
use fieldline_signal::shape::Shape;
use fieldline_signal::spectrum::Band;
use fieldline_signal::welch::Welch;
use fieldline_signal::window_function::WindowFunction;
use serde_json::Value;

/// How far a number may be off, relative to itself or to the greatest of its list.
const TOLERANCE: f64 = 1e-8;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/spectra.json")).expect("the vectors are JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(number).collect()
}

fn assert_near(found: &[f64], wanted: &[f64], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let greatest = wanted.iter().fold(0.0, |greatest: f64, value| greatest.max(value.abs()));
    for (place, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        assert!((found - wanted).abs() <= TOLERANCE * greatest, "{what}[{place}]: {found} is not {wanted}");
    }
}

fn window(name: &str) -> WindowFunction {
    match name {
        "boxcar" => WindowFunction::Rectangular,
        "hann" => WindowFunction::Hann,
        "hamming" => WindowFunction::Hamming,
        "blackman" => WindowFunction::Blackman,
        "flattop" => WindowFunction::FlatTop,
        _ => panic!("SciPy's `{name}` has no name here"),
    }
}

/// Sines of the given frequencies and amplitudes, one second of them.
fn sines(rate: usize, parts: &[(f64, f64)]) -> Vec<f64> {
    let at = |place: usize| {
        let time = place as f64 / rate as f64;
        parts.iter().map(|(frequency, amplitude)| amplitude * (TAU * frequency * time).sin()).sum()
    };
    (0..rate).map(at).collect()
}

#[test]
fn a_shape_is_what_scipy_says() {
    let vectors = vectors();
    let shape = Shape::of(&numbers(&vectors["samples"])).expect("there are samples");
    let found = [
        ("rms", Some(shape.rms)),
        ("peak", Some(shape.peak)),
        ("peak_to_peak", Some(shape.peak_to_peak)),
        ("crest_factor", shape.crest_factor),
        ("skewness", shape.skewness),
        ("kurtosis", shape.kurtosis),
        ("zero_crossings", Some(shape.zero_crossings as f64)),
    ];
    for (name, found) in found {
        assert_near(&[found.expect("it moves")], &[number(&vectors["shape"][name])], name);
    }
}

#[test]
fn spectra_are_what_scipy_says() {
    let vectors = vectors();
    let samples = numbers(&vectors["samples"]);
    for case in vectors["welch"].as_array().expect("a list") {
        let name = case["window"].as_str().expect("a name");
        let size = |field: &str| case[field].as_u64().expect("a whole number") as usize;
        let mut welch = Welch::new(window(name), size("segment"), number(&case["overlap"]));
        // A batch of another length before must leave no trace.
        assert!(welch.estimate(&samples[..30], 1.0).is_some());
        let spectrum = welch.estimate(&samples[..size("length")], number(&vectors["rate"])).expect("enough");
        assert_near(&spectrum.density, &numbers(&case["density"]), name);
        let energy = spectrum.energy(Band { from: 200.0, to: 280.0 });
        assert_near(&[energy], &[number(&case["energy"])], "energy");
        let power = spectrum.power(size("highest")).expect("there is such a line");
        assert_near(&[power], &[number(&case["highest_power"])], "power");
    }
}

#[test]
fn envelopes_are_what_scipy_says() {
    let vectors = vectors();
    let samples = numbers(&vectors["samples"]);
    let mut envelope = Envelope::default();
    for case in vectors["envelope"].as_array().expect("a list") {
        let wanted = numbers(&case["envelope"]);
        let band = Band { from: number(&case["from"]), to: number(&case["to"]) };
        let found = envelope.of(&samples[..wanted.len()], number(&vectors["rate"]), band).expect("enough");
        assert_near(found, &wanted, "envelope");
    }
}

#[test]
fn frequencies_between_the_lines_are_found_with_their_amplitudes() {
    let samples = sines(6400, &[(1234.56, 2.0), (441.1, 0.5), (2900.7, 0.02)]);
    for function in [WindowFunction::Hann, WindowFunction::Hamming, WindowFunction::Blackman] {
        let mut welch = Welch::new(function, 1600, 0.5);
        let peaks = dominant(welch.estimate(&samples, 6400.0).expect("enough"), 2);
        for (peak, (frequency, amplitude)) in peaks.iter().zip([(1234.56, 2.0), (441.1, 0.5)]) {
            assert!((peak.frequency - frequency).abs() < 0.1, "{function:?}: {peak:?}, lines are 4 Hz apart");
            assert!((peak.amplitude / amplitude - 1.0).abs() < 0.04, "{function:?}: {peak:?}");
        }
    }
}

#[test]
fn a_line_under_a_flat_top_has_the_right_power_wherever_a_frequency_lies() {
    for frequency in [100.0, 101.3, 102.0, 103.9] {
        let mut welch = Welch::new(WindowFunction::FlatTop, 1600, 0.0);
        let samples = sines(6400, &[(frequency, 3.0)]);
        let spectrum = welch.estimate(&samples, 6400.0).expect("enough");
        let highest = (0..spectrum.density.len()).filter_map(|line| spectrum.power(line)).fold(0.0, f64::max);
        assert!((highest / 4.5 - 1.0).abs() < 0.003, "{frequency}: {highest}");
    }
}

#[test]
fn silence_has_no_peaks_and_a_single_sample_no_spectrum() {
    let mut welch = Welch::new(WindowFunction::Hann, 64, 0.5);
    assert_eq!(dominant(welch.estimate(&[0.0; 128], 100.0).expect("enough"), 5), []);
    assert_eq!(welch.estimate(&[1.0], 100.0), None);
    assert_eq!(Envelope::default().of(&[1.0], 100.0, Band { from: 0.0, to: 50.0 }), None);
}

#[test]
fn the_energy_of_all_bands_is_the_mean_square() {
    let samples = sines(1000, &[(100.0, 2.0), (300.0, 1.0)]);
    let mut welch = Welch::new(WindowFunction::Hann, 250, 0.5);
    let spectrum = welch.estimate(&samples, 1000.0).expect("enough");
    let energy = |from, to| spectrum.energy(Band { from, to });
    assert!((energy(0.0, 200.0) - 2.0).abs() < 1e-9);
    assert!((energy(200.0, 501.0) - 0.5).abs() < 1e-9);
}
