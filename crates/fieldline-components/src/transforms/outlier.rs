//! The `outlier` transform: tells readings apart that do not fit to those before them.

use std::time::Duration;

use fieldline_core::memory::Memory;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, Example, Facts, FieldPath, Files, Kind, MAIN, Moment,
    Outputs, Port, Transform, Value,
};
use fieldline_signal::outlier::{OutlierDetector, Rule};
use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::{check_above_zero, check_length, check_positive};
use super::keyed::{Keyed, default_max_keys, key_of};
use super::numbers::{list_of, number_at, numbers_of};
use super::timing::RECENT;
use crate::lookup::Lookup;

/// The output for readings that do not fit.
const OUTLIER: Port = 1;

/// The fields of an `outlier`. Readings that do not fit are at the output `outlier`, all others at the main one.
///
/// Events whose field is no number pass, and so do the first ones, until there is enough to compare with. The readings
/// before go on over a restart of the program that takes no longer than ten minutes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutlierConfig {
    /// The field that is judged.
    field: FieldPath,
    /// What a reading is compared with.
    #[serde(default)]
    method: MethodName,
    /// How many readings before it are compared with; 2 to 10000.
    #[serde(default = "default_window")]
    window: usize,
    /// How many deviations a reading may be off.
    #[serde(default = "default_limit")]
    limit: f64,
    /// A reading that is off by no more than this, in the field's own unit, always fits. Without it, a coarse sensor
    /// that stood still makes an outlier of its next step.
    #[serde(default)]
    tolerance: f64,
    /// Compares only readings with the same value here, such as `meta.topic`.
    by: Option<Lookup>,
    /// The most keys that are remembered. A new one takes the place of the key that was silent for longest.
    #[serde(default = "default_max_keys")]
    max_keys: usize,
}

fn default_window() -> usize {
    11
}

fn default_limit() -> f64 {
    3.0
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum MethodName {
    /// With their median, in median absolute deviations: outliers among them do not hide others.
    #[default]
    Hampel,
    /// With their mean, in standard deviations.
    ZScore,
}

impl Config for OutlierConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "outlier";
    const SUMMARY: &'static str =
        "Sends readings that do not fit to those before them to an output of their own.";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A spike among readings that differ by little",
        config: "field: t\nwindow: 4\ntolerance: 1",
        input: "{\"t\":20.0}\n{\"t\":20.5}\n{\"t\":20.0}\n{\"t\":20.5}\n{\"t\":85}\n{\"t\":21.0}",
        output: "1s main: {\"t\":20.0}\n2s main: {\"t\":20.5}\n3s main: {\"t\":20.0}\n4s main: {\"t\":20.5}\n5s outlier: {\"t\":85}\n6s main: {\"t\":21.0}",
    }];

    fn check(&self, cx: &mut CheckCx<'_>) {
        check_length(cx, "window", self.window);
        if self.window == 1 {
            cx.error("bad-number", "window", "one reading has no spread to compare with")
                .help("write for example `window: 11`");
        }
        check_above_zero(cx, "limit", self.limit);
        if !self.tolerance.is_finite() || self.tolerance < 0.0 {
            cx.error("bad-number", "tolerance", "`tolerance` must not be less than 0")
                .help("write the step of the sensor, or leave it out");
        }
        check_positive(cx, "max_keys", self.max_keys);
    }

    fn facts(&self) -> Facts {
        Facts { outputs: vec!["main".to_owned(), "outlier".to_owned()], ..Facts::default() }
    }

    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        let key = format!("{} {:?}", self.field, self.by);
        Some(Memory::of("the readings it compares with").with_key(key).outliving(RECENT))
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let rule = match self.method {
            MethodName::Hampel => Rule::Hampel,
            MethodName::ZScore => Rule::ZScore,
        };
        Ok(Built::Transform(Box::new(Outlier {
            field: self.field.clone(),
            fresh: OutlierDetector::new(rule, self.window, self.limit, self.tolerance),
            by: self.by.clone(),
            detectors: Keyed::new(self.max_keys),
        })))
    }
}

struct Outlier {
    field: FieldPath,
    /// What a new key begins with.
    fresh: OutlierDetector,
    by: Option<Lookup>,
    detectors: Keyed<Option<OutlierDetector>>,
}

impl Transform for Outlier {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let Some(number) = number_at(&event, &self.field) else { return out.send(event) };
        let (detector, _) = self.detectors.touch(&key_of(&event, self.by.as_ref()), moment.instant);
        let is_outlier = detector.get_or_insert_with(|| self.fresh.clone()).is_outlier(number);
        out.send_to(if is_outlier { OUTLIER } else { MAIN }, event);
    }

    fn remember(&self, _moment: &Moment<'_>) -> Result<Option<Value>, BuildError> {
        self.detectors.remember(|detector| Some(list_of(detector.as_ref()?.readings())))
    }

    fn recall(
        &mut self,
        remembered: &Value,
        _pause: Duration,
        moment: &Moment<'_>,
    ) -> Result<(), BuildError> {
        let fresh = &self.fresh;
        self.detectors.recall(remembered, moment.instant, |readings| {
            Some(Some(fresh.clone().with_readings(&numbers_of(readings)?)))
        })
    }
}
