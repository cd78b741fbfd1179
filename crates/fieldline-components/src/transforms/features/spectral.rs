//! [`SpectralConfig`] and [`Spectral`]: what is said of a spectrum: where its energy is and what stands out.

use std::collections::BTreeMap;

use fieldline_core::{CheckCx, Map, Value, amount};
use fieldline_signal::peaks::{Peak, dominant};
use fieldline_signal::spectrum::{Band, Spectrum};
use fieldline_signal::welch::Welch;
use fieldline_signal::window_function::WindowFunction;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest piece whose spectrum is taken.
const LONGEST_SEGMENT: usize = 1 << 17;

/// A spectrum by Welch's method: the mean of the spectra of pieces of the batch.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SpectralConfig {
    /// How pieces are faded in and out.
    window: WindowName,
    /// How many samples a piece has; a shorter batch is one piece. Lines are `rate / segment` apart: longer pieces
    /// tell more frequencies apart, more pieces have less noise. Powers of 2 are fastest.
    segment: usize,
    /// The share of a piece that is also in the next: from 0 to less than 1.
    overlap: f64,
    /// The energy of these bands: the mean square of what lies in them, in the square of the samples' unit.
    #[schemars(with = "BTreeMap<String, Range>")]
    bands: IndexMap<String, Range>,
    /// How many dominant frequencies are told, the strongest first, each with its amplitude. They are found between
    /// the lines.
    peaks: usize,
    /// Whether the spectrum itself is in the result: a list of power densities, in the square of the samples' unit per
    /// hertz, from 0 up in steps of `resolution`.
    density: bool,
}

impl Default for SpectralConfig {
    fn default() -> Self {
        SpectralConfig {
            window: WindowName::Hann,
            segment: 1024,
            overlap: 0.5,
            bands: IndexMap::new(),
            peaks: 3,
            density: false,
        }
    }
}

/// Frequencies in hertz.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    /// The lowest.
    from: f64,
    /// Up to here, not included.
    to: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum WindowName {
    /// Not at all.
    Rectangular,
    /// The usual compromise.
    Hann,
    /// Less leakage nearby than Hann, more far away.
    Hamming,
    /// Little leakage, wider peaks.
    Blackman,
    /// Right heights of lines, widest peaks.
    FlatTop,
}

impl Range {
    pub(super) fn band(&self) -> Band {
        Band { from: self.from, to: self.to }
    }
}

/// Complains about a band that is empty, or beyond what samples at this `rate` can tell.
pub(super) fn check_range(cx: &mut CheckCx<'_>, field: &str, range: &Range, rate: Option<f64>) {
    if !(range.from >= 0.0 && range.from < range.to && range.to.is_finite()) {
        cx.error("bad-number", field, format!("no frequency is from {} to {} Hz", range.from, range.to))
            .help("write for example `{ from: 2000, to: 3000 }`");
    } else if let Some(rate) = rate.filter(|rate| range.from > rate / 2.0) {
        let (rate, half) = (amount(rate, "sample a second knows", "samples a second know"), rate / 2.0);
        cx.error("bad-number", field, format!("{rate} no frequency above {half} Hz"))
            .help("sample faster, or look at lower frequencies");
    }
}

impl SpectralConfig {
    pub(super) fn check(&self, cx: &mut CheckCx<'_>, field: &str, rate: Option<f64>) {
        if !(2..=LONGEST_SEGMENT).contains(&self.segment) {
            let message = format!("a piece has 2 to {LONGEST_SEGMENT} samples");
            cx.error("bad-number", &format!("{field}.segment"), message)
                .help("write for example `segment: 1024`");
        }
        if !(0.0..1.0).contains(&self.overlap) {
            let message = "pieces share from 0 to less than 1 of their samples";
            cx.error("bad-number", &format!("{field}.overlap"), message)
                .help("write for example `overlap: 0.5`");
        }
        for (name, range) in &self.bands {
            check_range(cx, &format!("{field}.bands.{name}"), range, rate);
        }
    }
}

/// Describes one spectrum after the other.
pub(super) struct Spectral {
    welch: Welch,
    bands: Vec<(String, Band)>,
    peaks: usize,
    density: bool,
}

impl Spectral {
    pub(super) fn new(config: &SpectralConfig) -> Self {
        let window = match config.window {
            WindowName::Rectangular => WindowFunction::Rectangular,
            WindowName::Hann => WindowFunction::Hann,
            WindowName::Hamming => WindowFunction::Hamming,
            WindowName::Blackman => WindowFunction::Blackman,
            WindowName::FlatTop => WindowFunction::FlatTop,
        };
        Spectral {
            welch: Welch::new(window, config.segment, config.overlap),
            bands: config.bands.iter().map(|(name, range)| (name.clone(), range.band())).collect(),
            peaks: config.peaks,
            density: config.density,
        }
    }

    /// What is said of the spectrum of these samples; null of fewer than two.
    pub(super) fn describe(&mut self, samples: &[f64], rate: f64) -> Value {
        let Some(spectrum) = self.welch.estimate(samples, rate) else { return Value::Null };
        let mut result = Map::default();
        result.insert("resolution".into(), finite(Some(spectrum.resolution)));
        if self.peaks > 0 {
            let peaks = dominant(spectrum, self.peaks).into_iter().map(described);
            result.insert("peaks".into(), Value::List(peaks.collect()));
        }
        if !self.bands.is_empty() {
            let energies =
                self.bands.iter().map(|(name, band)| (name.as_str().into(), energy(spectrum, *band)));
            result.insert("bands".into(), Value::Map(energies.collect()));
        }
        if self.density {
            let lines = spectrum.density.iter().map(|density| finite(Some(*density)));
            result.insert("density".into(), Value::List(lines.collect()));
        }
        Value::Map(result)
    }
}

fn energy(spectrum: &Spectrum, band: Band) -> Value {
    finite(Some(spectrum.energy(band)))
}

fn described(peak: Peak) -> Value {
    Value::from([("frequency", finite(Some(peak.frequency))), ("amplitude", finite(Some(peak.amplitude)))])
}

/// A number that JSON can say, or null: squares of very large samples are too large.
pub(super) fn finite(number: Option<f64>) -> Value {
    Value::from(number.filter(|number| number.is_finite()))
}
