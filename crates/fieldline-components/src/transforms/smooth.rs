//! The `smooth` transform: takes the noise out of a field.

use std::time::Duration;

use fieldline_core::memory::Memory;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, Example, FieldPath, Files, Kind, Moment, Outputs,
    Transform, Value,
};
use fieldline_signal::smooth::{Method, Smoother};
use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::{check_above_zero, check_exactly_one, check_length, check_positive};
use super::keyed::{Keyed, default_max_keys, key_of};
use super::numbers::{list_of, not_settable, number_at, numbers_of};
use super::timing::RECENT;
use crate::lookup::Lookup;

/// The fields of a `smooth`: one of `mean`, `median`, `exponential` and `kalman`.
///
/// Events whose field is no number pass as they are and change nothing. The readings before go on over a restart of the
/// program that takes no longer than ten minutes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmoothConfig {
    /// The field with the noise.
    field: FieldPath,
    /// The mean of the last so many numbers, of fewer at the beginning. At most 10000.
    mean: Option<usize>,
    /// The median of the last so many numbers, which a single wild one does not move. At most 10000.
    median: Option<usize>,
    /// This share of the new number and the rest of the result before: above 0, at most 1. Smaller is smoother.
    exponential: Option<f64>,
    /// A Kalman filter for one value that wanders.
    kalman: Option<Kalman>,
    /// The field that gets the result; if not given, `field` itself.
    into: Option<FieldPath>,
    /// Smooths for each value found here apart, such as `meta.topic`.
    by: Option<Lookup>,
    /// The most keys that are smoothed. A new one takes the place of the key that was silent for longest.
    #[serde(default = "default_max_keys")]
    max_keys: usize,
}

/// A Kalman filter for one value that wanders.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kalman {
    /// How much the true value may wander from one reading to the next: a variance, in the square of the field's unit.
    process: f64,
    /// How noisy a reading is: a variance, in the square of the field's unit.
    measurement: f64,
}

impl Config for SmoothConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "smooth";
    const SUMMARY: &'static str =
        "Takes the noise out of a field: moving mean or median, exponential, Kalman.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A median of three hides a single spike",
            config: "field: t\nmedian: 3",
            input: "{\"t\":20}\n{\"t\":20}\n{\"t\":85}\n{\"t\":21}\n{\"t\":null}",
            output: "1s {\"t\":20.0}\n2s {\"t\":20.0}\n3s {\"t\":20.0}\n4s {\"t\":21.0}\n5s {\"t\":null}",
        },
        Example {
            title: "Half of the way to each new reading, beside the reading itself",
            config: "field: t\nexponential: 0.5\ninto: smooth",
            input: "{\"t\":20}\n{\"t\":24}",
            output: "1s {\"t\":20,\"smooth\":20.0}\n2s {\"t\":24,\"smooth\":22.0}",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        let methods = [
            ("mean", self.mean.is_some()),
            ("median", self.median.is_some()),
            ("exponential", self.exponential.is_some()),
            ("kalman", self.kalman.is_some()),
        ];
        check_exactly_one(cx, &methods, "median: 5");
        for (name, length) in [("mean", self.mean), ("median", self.median)] {
            length.into_iter().for_each(|length| check_length(cx, name, length));
        }
        if let Some(share) = self.exponential {
            check_above_zero(cx, "exponential", share);
            if share > 1.0 {
                cx.error("bad-number", "exponential", "a share is at most 1")
                    .help("write for example `exponential: 0.2`");
            }
        }
        if let Some(kalman) = &self.kalman {
            check_above_zero(cx, "kalman.process", kalman.process);
            check_above_zero(cx, "kalman.measurement", kalman.measurement);
        }
        check_positive(cx, "max_keys", self.max_keys);
    }

    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        let method = match self {
            SmoothConfig { mean: Some(_), .. } | SmoothConfig { median: Some(_), .. } => "window",
            SmoothConfig { exponential: Some(_), .. } => "exponential",
            _ => "kalman",
        };
        let key = format!("{} {:?} {method}", self.field, self.by);
        Some(Memory::of("the readings before").with_key(key).outliving(RECENT))
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let method = match self {
            SmoothConfig { mean: Some(length), .. } => Method::Mean(*length),
            SmoothConfig { median: Some(length), .. } => Method::Median(*length),
            SmoothConfig { exponential: Some(weight), .. } => Method::Exponential { weight: *weight },
            SmoothConfig { kalman: Some(Kalman { process, measurement }), .. } => {
                Method::Kalman { process: *process, measurement: *measurement }
            }
            _ => return Err(BuildError::new("a smooth needs a method")),
        };
        Ok(Built::Transform(Box::new(Smooth {
            field: self.field.clone(),
            into: self.into.clone().unwrap_or_else(|| self.field.clone()),
            method,
            by: self.by.clone(),
            smoothers: Keyed::new(self.max_keys),
        })))
    }
}

struct Smooth {
    field: FieldPath,
    into: FieldPath,
    method: Method,
    by: Option<Lookup>,
    smoothers: Keyed<Option<Smoother>>,
}

impl Transform for Smooth {
    fn apply(&mut self, mut event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let Some(number) = number_at(&event, &self.field) else { return out.send(event) };
        let (smoother, _) = self.smoothers.touch(&key_of(&event, self.by.as_ref()), moment.instant);
        let smooth = smoother.get_or_insert_with(|| Smoother::new(self.method)).smooth(number);
        if self.into.set(event.body_mut(), Value::Float(smooth)) {
            out.send(event);
        } else {
            out.fail(event, not_settable(&self.into));
        }
    }

    fn remember(&self, _moment: &Moment<'_>) -> Result<Option<Value>, BuildError> {
        self.smoothers.remember(|smoother| Some(list_of(smoother.as_ref()?.numbers())))
    }

    fn recall(
        &mut self,
        remembered: &Value,
        _pause: Duration,
        moment: &Moment<'_>,
    ) -> Result<(), BuildError> {
        let method = self.method;
        self.smoothers.recall(remembered, moment.instant, |numbers| {
            Some(Some(Smoother::with_numbers(method, &numbers_of(numbers)?)?))
        })
    }
}
