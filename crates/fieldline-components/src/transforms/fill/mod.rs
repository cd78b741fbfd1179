//! The `fill` transform: puts something where a value is missing. Here are its config and what holds a value;
//! [`linear`] draws lines over gaps.

mod linear;

use std::time::{Duration, Instant};

use fieldline_core::memory::Memory;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, Example, FieldPath, Files, Kind, Moment, Outputs,
    Period, Transform, Value,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::linear::Linear;
use super::checks::check_positive;
use super::keyed::{Keyed, default_max_keys, key_of};
use super::numbers::not_settable;
use super::timing::{Timing, is_over};
use crate::fields::check_not_zero;
use crate::lookup::Lookup;

/// The fields of a `fill`. A value is missing where its field is absent or null.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FillConfig {
    /// The field that may be missing.
    field: FieldPath,
    /// What is put in its place.
    method: MethodName,
    /// With `hold`, how old a value may be that is held. With `linear`, how long events are held back at most until
    /// a value comes. Longer gaps are filled with null.
    max_gap: Option<Period>,
    /// The field that says where the value comes from: `good`, `held`, `interpolated` or `missing`. If not given,
    /// nobody can tell.
    quality: Option<FieldPath>,
    /// With `linear`: which time the lines run over.
    #[serde(default)]
    time: Timing,
    /// With `linear`: the most events of one key that are held back. One more, and the gap is filled with null.
    #[serde(default = "default_max_events")]
    max_events: usize,
    /// Fills for each value found here apart, such as `meta.topic`.
    by: Option<Lookup>,
    /// The most keys that are remembered. A new one takes the place of the key that was silent for longest.
    #[serde(default = "default_max_keys")]
    max_keys: usize,
}

fn default_max_events() -> usize {
    1000
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum MethodName {
    /// The last value that was there.
    Hold,
    /// What a straight line from the last number to the next gives; events wait for the next.
    Linear,
    /// Null, so that the field is always there.
    Null,
}

impl Config for FillConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "fill";
    const SUMMARY: &'static str = "Puts the last value, a straight line or null where a value is missing.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "The last value, for two seconds",
            config: "field: t\nmethod: hold\nmax_gap: 2s\nquality: quality",
            input: "{\"t\":20}\n{\"t\":null}\n{}\n{}",
            output: "1s {\"t\":20,\"quality\":\"good\"}\n2s {\"t\":20,\"quality\":\"held\"}\n3s {\"t\":20,\"quality\":\"held\"}\n4s {\"t\":null,\"quality\":\"missing\"}",
        },
        Example {
            title: "A straight line over the gap",
            config: "field: t\nmethod: linear",
            input: "{\"t\":20}\n{\"t\":null}\n{\"t\":null}\n{\"t\":26}",
            output: "1s {\"t\":20}\n4s {\"t\":22.0}\n4s {\"t\":24.0}\n4s {\"t\":26}",
        },
        Example {
            title: "The field is always there",
            config: "field: t\nmethod: \"null\"",
            input: "{\"t\":20}\n{}",
            output: "1s {\"t\":20}\n2s {\"t\":null}",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        if self.method == MethodName::Null && self.max_gap.is_some() {
            cx.error("conflicting-fields", "max_gap", "a gap filled with null may be of any length")
                .help("leave `max_gap` out, or choose another method");
        }
        if self.time != Timing::Arrival && self.method != MethodName::Linear {
            cx.error("conflicting-fields", "time", "only `linear` needs to know the time")
                .help("leave `time` out");
        }
        self.max_gap.into_iter().for_each(|max_gap| check_not_zero(cx, "max_gap", max_gap));
        check_positive(cx, "max_events", self.max_events);
        check_positive(cx, "max_keys", self.max_keys);
    }

    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        Some(Memory::of("the last reading"))
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let target = Target { field: self.field.clone(), quality: self.quality.clone() };
        let (by, max_gap) = (self.by.clone(), self.max_gap.map(|max_gap| max_gap.0));
        Ok(Built::Transform(match self.method {
            MethodName::Linear => {
                let (time, most) = (self.time.clone(), self.max_events);
                Box::new(Linear::new(target, time, max_gap, most, by, self.max_keys))
            }
            MethodName::Hold => Box::new(Hold { target, max_gap, by, last: Keyed::new(self.max_keys) }),
            MethodName::Null => Box::new(Null { target }),
        }))
    }
}

/// The field that is filled, and the one that says so.
struct Target {
    field: FieldPath,
    quality: Option<FieldPath>,
}

impl Target {
    /// The value, unless it is missing.
    fn value<'e>(&self, event: &'e Event) -> Option<&'e Value> {
        self.field.get(event.body()).filter(|value| !value.is_null())
    }

    /// Lets an event pass, with a value put in if there is one.
    fn send(&self, mut event: Event, value: Option<Value>, quality: &str, out: &mut Outputs) {
        if let Some(value) = value
            && !self.field.set(event.body_mut(), value)
        {
            return out.fail(event, not_settable(&self.field));
        }
        if let Some(path) = &self.quality
            && !path.set(event.body_mut(), quality.into())
        {
            return out.fail(event, not_settable(path));
        }
        out.send(event);
    }

    fn send_missing(&self, event: Event, out: &mut Outputs) {
        self.send(event, Some(Value::Null), "missing", out);
    }
}

struct Null {
    target: Target,
}

impl Transform for Null {
    fn apply(&mut self, event: Event, _moment: &Moment<'_>, out: &mut Outputs) {
        match self.target.value(&event) {
            Some(_) => self.target.send(event, None, "good", out),
            None => self.target.send_missing(event, out),
        }
    }
}

struct Hold {
    target: Target,
    max_gap: Option<Duration>,
    by: Option<Lookup>,
    last: Keyed<Option<(Value, Instant)>>,
}

impl Transform for Hold {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let (last, _) = self.last.touch(&key_of(&event, self.by.as_ref()), moment.instant);
        if let Some(value) = self.target.value(&event) {
            *last = Some((value.clone(), moment.instant));
            return self.target.send(event, None, "good", out);
        }
        // A value is held through the whole of `max_gap`, and no longer.
        let limit = self.max_gap.map(|max_gap| max_gap + Duration::from_nanos(1));
        match last {
            Some((value, then)) if !is_over(Some(*then), moment.instant, limit) => {
                self.target.send(event, Some(value.clone()), "held", out);
            }
            _ => self.target.send_missing(event, out),
        }
    }
}
