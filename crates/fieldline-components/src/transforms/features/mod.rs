//! The `features` transform: a handful of numbers of a batch of samples. Here is its config and what runs;
//! [`batch`] reads the samples, [`spectral`] describes spectra.

mod batch;

mod spectral;

use std::collections::BTreeMap;

use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, EventError, Example, FieldPath, Kind, Map, Moment,
    Outputs, Transform, Value,
};
use fieldline_signal::envelope::Envelope;
use fieldline_signal::shape::{Shape, mean};
use fieldline_signal::spectrum::Band;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use self::batch::{Rate, read_samples};
use self::spectral::{Range, Spectral, SpectralConfig, check_range, finite};

/// The fields of a `features`. A batch is one event that holds an array of samples, taken at one rate.
///
/// The results take the place of the samples; all else in the event stays. A batch with a sample that is no number
/// goes to the dead letter: a gap would be heard as a bang.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeaturesConfig {
    /// The field with the array of samples; `samples` if not given. The results are put beside it.
    samples: Option<FieldPath>,
    /// Several arrays of one event, such as the axes of a sensor, by name: the results of each are put under its name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, FieldPath>")]
    channels: IndexMap<String, FieldPath>,
    /// Samples a second: a number, or the field that holds it; the field `rate` if not given.
    #[serde(default)]
    rate: Rate,
    /// Which numbers over time there are; all if not given.
    #[serde(default = "all_statistics")]
    statistics: Vec<Statistic>,
    /// Whether the mean is part of the signal, such as a pressure. Otherwise, as for the gravity in an acceleration, it
    /// is taken out before everything but `mean` is calculated.
    #[serde(default)]
    keep_mean: bool,
    /// The spectrum, under `spectrum`.
    spectrum: Option<SpectralConfig>,
    /// The spectrum of the envelope of one band, under `envelope`: how often something rings, as a damaged bearing does.
    envelope: Option<EnvelopeConfig>,
}

/// The envelope of a band, and its spectrum.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EnvelopeConfig {
    /// The frequencies that ring; all others are cut off.
    band: Range,
    /// The spectrum of the envelope.
    #[serde(default)]
    spectrum: SpectralConfig,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Statistic {
    /// The arithmetic mean.
    Mean,
    /// The root of the mean square.
    Rms,
    /// The greatest distance from 0.
    Peak,
    /// From the least to the greatest sample.
    PeakToPeak,
    /// Peak by RMS: 1.41 for a sine, more with impacts.
    CrestFactor,
    /// 0 if symmetric.
    Skewness,
    /// 3 for Gaussian noise, 1.5 for a sine, more with impacts.
    Kurtosis,
    /// How often the signal crosses 0.
    ZeroCrossings,
}

fn all_statistics() -> Vec<Statistic> {
    use Statistic::{CrestFactor, Kurtosis, Mean, Peak, PeakToPeak, Rms, Skewness, ZeroCrossings};
    vec![Mean, Rms, Peak, PeakToPeak, CrestFactor, Skewness, Kurtosis, ZeroCrossings]
}

impl Config for FeaturesConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "features";
    const SUMMARY: &'static str =
        "Describes batches of samples, such as vibrations, by statistics, spectra and envelopes.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Statistics of a square wave on an offset",
            config: "rate: 8\nstatistics: [mean, rms, peak_to_peak, crest_factor, kurtosis, zero_crossings]",
            input: "{\"machine\":\"press\",\"samples\":[3,3,1,1,3,3,1,1]}",
            output: "1s {\"machine\":\"press\",\"mean\":2.0,\"rms\":1.0,\"peak_to_peak\":2.0,\"crest_factor\":1.0,\"kurtosis\":1.0,\"zero_crossings\":3}",
        },
        Example {
            title: "Frequencies and energies of two axes",
            config: "channels: { x: x, y: y }\nstatistics: [rms]\nspectrum: { window: rectangular, segment: 8, peaks: 1, bands: { low: { from: 1, to: 3 } } }",
            input: "{\"rate\":8,\"x\":[0,1,0,-1,0,1,0,-1],\"y\":[0,0,0,0,0,0,0,0]}",
            output: "1s {\"rate\":8,\"x\":{\"rms\":0.7071067811865476,\"spectrum\":{\"resolution\":1.0,\"peaks\":[{\"frequency\":2.0,\"amplitude\":1.0}],\"bands\":{\"low\":0.5}}},\"y\":{\"rms\":0.0,\"spectrum\":{\"resolution\":1.0,\"peaks\":[],\"bands\":{\"low\":0.0}}}}",
        },
        Example {
            title: "How often a bearing rings between 2 and 3 kHz",
            config: "samples: acceleration\nrate: sampling_rate\nstatistics: [rms, kurtosis]\nenvelope: { band: { from: 2000, to: 3000 }, spectrum: { segment: 8192, bands: { outer_race: { from: 88, to: 92 } } } }",
            input: "",
            output: "",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        if self.samples.is_some() && !self.channels.is_empty() {
            cx.error("conflicting-fields", "channels", "`samples` and `channels` exclude each other")
                .help("name the one array as a channel too");
        }
        if self.statistics.is_empty() && self.spectrum.is_none() && self.envelope.is_none() {
            cx.error("missing-field", "statistics", "there is nothing to calculate")
                .help("write for example `statistics: [rms, kurtosis]`, or leave it out for all");
        }
        self.rate.check(cx);
        if let Some(spectrum) = &self.spectrum {
            spectrum.check(cx, "spectrum", self.rate.fixed());
        }
        if let Some(envelope) = &self.envelope {
            check_range(cx, "envelope.band", &envelope.band, self.rate.fixed());
            envelope.spectrum.check(cx, "envelope.spectrum", self.rate.fixed());
        }
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let one = || (None, self.samples.clone().unwrap_or_else(|| FieldPath::root().key("samples")));
        let named = self.channels.iter().map(|(name, path)| (Some(name.clone()), path.clone()));
        Ok(Built::Transform(Box::new(Features {
            channels: if self.channels.is_empty() { vec![one()] } else { named.collect() },
            rate: self.rate.clone(),
            describer: Describer {
                statistics: self.statistics.clone(),
                keep_mean: self.keep_mean,
                spectrum: self.spectrum.as_ref().map(Spectral::new),
                envelope: self.envelope.as_ref().map(|envelope| {
                    (envelope.band.band(), Envelope::default(), Spectral::new(&envelope.spectrum))
                }),
            },
            samples: Vec::new(),
        })))
    }
}

struct Features {
    /// Where the arrays are, and the names under which their results go.
    channels: Vec<(Option<String>, FieldPath)>,
    rate: Rate,
    describer: Describer,
    /// The samples of one channel; kept for its memory.
    samples: Vec<f64>,
}

impl Transform for Features {
    fn apply(&mut self, mut event: Event, _moment: &Moment<'_>, out: &mut Outputs) {
        match self.describe(&event) {
            Ok(results) => {
                let body = event.body_mut();
                for (_, path) in &self.channels {
                    path.remove(body);
                }
                if let Some(members) = body.as_map_mut() {
                    members.extend(results);
                }
                out.send(event);
            }
            Err(error) => out.fail(event, error),
        }
    }
}

impl Features {
    /// What is put into the body instead of the samples.
    fn describe(&mut self, event: &Event) -> Result<Map, EventError> {
        let rate = self.rate.of(event)?;
        let mut results = Map::default();
        for (name, path) in &self.channels {
            read_samples(event, path, &mut self.samples)?;
            let described = self.describer.describe(&mut self.samples, rate);
            match name {
                Some(name) => results.extend([(name.as_str().into(), Value::Map(described))]),
                None => results.extend(described),
            }
        }
        Ok(results)
    }
}

/// What is calculated of each channel.
struct Describer {
    statistics: Vec<Statistic>,
    keep_mean: bool,
    spectrum: Option<Spectral>,
    envelope: Option<(Band, Envelope, Spectral)>,
}

impl Describer {
    fn describe(&mut self, samples: &mut [f64], rate: f64) -> Map {
        let mean = mean(samples);
        if !self.keep_mean {
            samples.iter_mut().for_each(|sample| *sample -= mean.unwrap_or(0.0));
        }
        let mut results = Map::default();
        if let Some(shape) = Shape::of(samples) {
            let values = self.statistics.iter().map(|statistic| statistic.of(mean, &shape));
            results.extend(values.map(|(name, value)| (name.into(), value)));
        }
        if let Some(spectrum) = &mut self.spectrum {
            results.insert("spectrum".into(), spectrum.describe(samples, rate));
        }
        if let Some((band, envelope, spectrum)) = &mut self.envelope {
            let described =
                envelope.of(samples, rate, *band).map(|envelope| spectrum.describe(envelope, rate));
            results.insert("envelope".into(), Value::from(described));
        }
        results
    }
}

impl Statistic {
    /// The name and the value in the result.
    fn of(self, mean: Option<f64>, shape: &Shape) -> (&'static str, Value) {
        match self {
            Statistic::Mean => ("mean", finite(mean)),
            Statistic::Rms => ("rms", finite(Some(shape.rms))),
            Statistic::Peak => ("peak", finite(Some(shape.peak))),
            Statistic::PeakToPeak => ("peak_to_peak", finite(Some(shape.peak_to_peak))),
            Statistic::CrestFactor => ("crest_factor", finite(shape.crest_factor)),
            Statistic::Skewness => ("skewness", finite(shape.skewness)),
            Statistic::Kurtosis => ("kurtosis", finite(shape.kurtosis)),
            Statistic::ZeroCrossings => ("zero_crossings", Value::Int(shape.zero_crossings as i64)),
        }
    }
}
