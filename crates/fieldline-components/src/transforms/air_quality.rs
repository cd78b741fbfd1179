//! The `air_quality` transform: an index of clean air, from gas resistance and humidity.

use std::time::Duration;

use fieldline_core::memory::Memory;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, Example, FieldPath, Files, Kind, Moment, Outputs,
    Period, Step, Transform, Value,
};
use fieldline_signal::air_quality::{AirQuality as Judge, Experience, Settings};
use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::check_positive;
use super::keyed::{Keyed, default_max_keys, key_of};
use super::numbers::{not_settable, number_at};
use super::timing::{Timeline, nanos};
use crate::fields::check_not_zero;
use crate::lookup::Lookup;

/// The fields of an `air_quality`, for a BME680 with a heater. The result is
/// `{ index, baseline, quality }`.
///
/// `humidity_weight` of the index is for a humidity near `best_humidity`, the rest for a gas resistance as high as
/// in clean air, the `baseline`: the formula of Pimoroni's `indoor-air-quality.py`. It is an index to compare one room
/// with itself over time, not Bosch's IAQ. `quality` is `good`, `burn_in` while the sensor warms up, `missing` where
/// gas or humidity is no number, or `unstable` where the field beside `gas` that is called like it with `_stable` behind,
/// such as `gas_stable`, is false. Without `good` the index is null; what is missing or unstable moves no baseline.
///
/// Burn-in and baseline go on over reloads and restarts. After more than ten minutes in which the program did not run the
/// sensor may be cold, so it burns in again, and the baseline stands still meanwhile.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AirQualityConfig {
    /// The field with the gas resistance, in any unit.
    #[serde(default = "gas")]
    gas: FieldPath,
    /// The field with the relative humidity, in percent.
    #[serde(default = "humidity")]
    humidity: FieldPath,
    /// The field that gets the result.
    #[serde(default = "air_quality")]
    into: FieldPath,
    /// What the index says, to a tenth.
    #[serde(default)]
    scale: Scale,
    /// How long the sensor warms up; 5 min if not given. After a long time without power 30 min are better.
    burn_in: Option<Period>,
    /// How fast the baseline follows air that is cleaner than it: the time for two thirds of the way; 10 min if not given.
    rise: Option<Period>,
    /// How fast the baseline follows air that is worse, so that a sensor that ages is not bad air forever; 24 h if not
    /// given.
    fall: Option<Period>,
    /// The humidity that counts as best, in percent.
    #[serde(default = "best_humidity")]
    best_humidity: f64,
    /// The share of the index that is for the humidity: from 0 to 1.
    #[serde(default = "humidity_weight")]
    humidity_weight: f64,
    /// Judges the sensors found here apart, such as `meta.source`.
    by: Option<Lookup>,
    /// The most sensors that are remembered. A new one takes the place of the one that was silent for longest.
    #[serde(default = "default_max_keys")]
    max_keys: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Scale {
    /// From 0 to 100, which is clean air.
    #[default]
    Purity,
    /// From 0, which is clean air, to 500.
    Pollution,
}

fn gas() -> FieldPath {
    FieldPath::root().key("gas")
}

fn humidity() -> FieldPath {
    FieldPath::root().key("humidity")
}

fn air_quality() -> FieldPath {
    FieldPath::root().key("air_quality")
}

fn best_humidity() -> f64 {
    40.0
}

fn humidity_weight() -> f64 {
    0.25
}

impl Config for AirQualityConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "air_quality";
    const SUMMARY: &'static str =
        "Makes an index of clean air from the gas resistance and the humidity of a BME680.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "After a burn-in, far too short here, the resistance falls by half",
            config: "burn_in: 2s",
            input: "{\"gas\":50000,\"humidity\":40}\n{\"gas\":50000,\"humidity\":40}\n{\"gas\":50000,\"humidity\":40}\n{\"gas\":25000,\"humidity\":40}\n{\"gas\":null,\"humidity\":40}",
            output: "1s {\"gas\":50000,\"humidity\":40,\"air_quality\":{\"index\":null,\"baseline\":50000.0,\"quality\":\"burn_in\"}}\n2s {\"gas\":50000,\"humidity\":40,\"air_quality\":{\"index\":null,\"baseline\":50000.0,\"quality\":\"burn_in\"}}\n3s {\"gas\":50000,\"humidity\":40,\"air_quality\":{\"index\":100.0,\"baseline\":50000.0,\"quality\":\"good\"}}\n4s {\"gas\":25000,\"humidity\":40,\"air_quality\":{\"index\":62.5,\"baseline\":50000.0,\"quality\":\"good\"}}\n5s {\"gas\":null,\"humidity\":40,\"air_quality\":{\"index\":null,\"baseline\":null,\"quality\":\"missing\"}}",
        },
        Example {
            title: "Pollution, for each sensor apart",
            config: "scale: pollution\nby: meta.source\nburn_in: 30m",
            input: "",
            output: "",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        for (field, span) in [("burn_in", self.burn_in), ("rise", self.rise), ("fall", self.fall)] {
            span.into_iter().for_each(|span| check_not_zero(cx, field, span));
        }
        if !(self.best_humidity > 0.0 && self.best_humidity < 100.0) {
            cx.error("bad-number", "best_humidity", "the best humidity is above 0 and below 100 percent")
                .help("write for example `best_humidity: 40`");
        }
        if !(0.0..=1.0).contains(&self.humidity_weight) {
            cx.error("bad-number", "humidity_weight", "a share is from 0 to 1")
                .help("write for example `humidity_weight: 0.25`");
        }
        check_positive(cx, "max_keys", self.max_keys);
    }

    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        let key = format!("{} {} {:?}", self.gas, self.humidity, self.by);
        Some(Memory::of("its burn-in and baseline").with_key(key).outliving(Duration::MAX))
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let seconds = |span: Option<Period>, or: f64| span.map_or(or, |span| span.0.as_secs_f64());
        let settings = Settings {
            burn_in: seconds(self.burn_in, 300.0),
            rise: seconds(self.rise, 600.0),
            fall: seconds(self.fall, 86_400.0),
            humidity: self.best_humidity,
            humidity_weight: self.humidity_weight,
        };
        Ok(Built::Transform(Box::new(AirQuality {
            config: self.clone(),
            settings,
            stable: beside(&self.gas),
            judges: Keyed::new(self.max_keys),
            timeline: Timeline::default(),
        })))
    }
}

struct AirQuality {
    config: AirQualityConfig,
    settings: Settings,
    /// Where a reading says whether the heater was hot, without which its gas resistance tells nothing.
    stable: Option<FieldPath>,
    judges: Keyed<Option<Judge>>,
    timeline: Timeline,
}

impl Transform for AirQuality {
    fn apply(&mut self, mut event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let result = self.judged(&event, moment);
        if self.config.into.set(event.body_mut(), result) {
            out.send(event);
        } else {
            out.fail(event, not_settable(&self.config.into));
        }
    }

    fn remember(&self, moment: &Moment<'_>) -> Result<Option<Value>, BuildError> {
        let now = self.timeline.clone().now(moment);
        self.judges.remember(|judge| Some(told(judge.as_ref()?.experience(now)?)))
    }

    fn recall(&mut self, remembered: &Value, pause: Duration, moment: &Moment<'_>) -> Result<(), BuildError> {
        let (settings, now, pause) = (self.settings, self.timeline.now(moment), nanos(pause));
        self.judges.recall(remembered, moment.instant, |judge| {
            Some(Some(Judge::with_experience(settings, read(judge)?, pause, now)))
        })
    }
}

impl AirQuality {
    fn judged(&mut self, event: &Event, moment: &Moment<'_>) -> Value {
        let gas = number_at(event, &self.config.gas).filter(|gas| *gas > 0.0);
        let Some((gas, humidity)) = gas.zip(number_at(event, &self.config.humidity)) else {
            return result(None, None, "missing");
        };
        let stable = self.stable.as_ref().and_then(|path| path.get(event.body()));
        if stable.and_then(Value::as_bool) == Some(false) {
            return result(None, None, "unstable");
        }
        let now = self.timeline.now(moment);
        let (judge, _) = self.judges.touch(&key_of(event, self.config.by.as_ref()), moment.instant);
        let judgement = judge.get_or_insert_with(|| Judge::new(self.settings)).judge(now, gas, humidity);
        let index = judgement.purity.map(|purity| match self.config.scale {
            Scale::Purity => purity * 100.0,
            Scale::Pollution => (1.0 - purity) * 500.0,
        });
        let quality = if index.is_some() { "good" } else { "burn_in" };
        result(index.map(|index| (index * 10.0).round() / 10.0), Some(judgement.baseline.round()), quality)
    }
}

/// The field beside `gas` that says whether it counts; `None` where `gas` is one element of a list.
fn beside(gas: &FieldPath) -> Option<FieldPath> {
    let (Step::Key(name), around) = gas.steps().split_last()? else { return None };
    Some(FieldPath::root().join(around).key(&format!("{name}_stable")))
}

/// What is known of a sensor, as it is remembered.
fn told(experience: Experience) -> Value {
    let Experience { age, silence, baseline, is_known } = experience;
    Value::List(vec![age.into(), silence.into(), baseline.into(), is_known.into()])
}

/// What [`told`] has told; `None` for anything else.
fn read(told: &Value) -> Option<Experience> {
    let [age, silence, baseline, is_known] = told.as_list()? else { return None };
    Some(Experience {
        age: age.as_i64()?,
        silence: silence.as_i64()?,
        baseline: baseline.as_f64().filter(|baseline| *baseline > 0.0)?,
        is_known: is_known.as_bool()?,
    })
}

fn result(index: Option<f64>, baseline: Option<f64>, quality: &str) -> Value {
    Value::from([("index", index.into()), ("baseline", baseline.into()), ("quality", quality.into())])
}
