//! The `deadband` transform: takes out readings that say nothing new. Here is its config and the band around
//! the last reading; [`swinging`] stands in for readings by straight lines.

mod swinging;

use std::time::{Duration, Instant};

use fieldline_core::memory::Memory;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, Example, FieldPath, Files, Kind, Moment, Outputs,
    Period, Transform, downcast,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::swinging::Swinging;
use super::checks::{check_above_zero, check_exactly_one, check_positive};
use super::keyed::{Keyed, default_max_keys, key_of};
use super::numbers::number_at;
use super::timing::{Timing, is_over};
use crate::fields::check_not_zero;
use crate::lookup::Lookup;

/// The reason events are counted under.
const REASON: &str = "deadband";

/// The fields of a `deadband`: one of `absolute`, `percent` and `swinging_door`.
///
/// Events whose field is no number always pass.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeadbandConfig {
    /// The field that is watched.
    field: FieldPath,
    /// An event passes if its number is at least so far from the last that passed, in the field's own unit.
    absolute: Option<f64>,
    /// An event passes if its number is at least so many percent from the last that passed.
    percent: Option<f64>,
    /// Events pass that are the corners of a line of straight pieces, from which no event that was taken out is
    /// further than this, in the field's own unit. Each event is held, unsettled,
    /// until the next one of its key shows whether it is a corner.
    swinging_door: Option<f64>,
    /// An event passes at the latest so long after the last one, so that silence means that something is broken.
    heartbeat: Option<Period>,
    /// With `swinging_door`: which time the straight lines run over.
    #[serde(default)]
    time: Timing,
    /// A band of its own for each value found here, such as `meta.topic`.
    by: Option<Lookup>,
    /// The most keys there are bands for. A new one takes the place of the key that was silent for longest.
    #[serde(default = "default_max_keys")]
    max_keys: usize,
}

impl Config for DeadbandConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "deadband";
    const SUMMARY: &'static str = "Takes out readings that differ too little from the last one that passed.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Half a degree is news, and so is every third second",
            config: "field: t\nabsolute: 0.5\nheartbeat: 3s",
            input: "{\"t\":20.0}\n{\"t\":20.4}\n{\"t\":20.5}\n{\"t\":20.6}\n{\"t\":20.6}\n{\"t\":20.6}\n{\"t\":null}",
            output: "1s {\"t\":20.0}\n3s {\"t\":20.5}\n6s {\"t\":20.6}\n7s {\"t\":null}",
        },
        Example {
            title: "Five percent of a pressure, for each machine apart",
            config: "field: bar\npercent: 5\nby: machine",
            input: "{\"machine\":1,\"bar\":100}\n{\"machine\":2,\"bar\":10}\n{\"machine\":1,\"bar\":104}\n{\"machine\":2,\"bar\":10.5}",
            output: "1s {\"machine\":1,\"bar\":100}\n2s {\"machine\":2,\"bar\":10}\n4s {\"machine\":2,\"bar\":10.5}",
        },
        Example {
            title: "The corners of a ramp",
            config: "field: level\nswinging_door: 0.5",
            input: "{\"level\":0}\n{\"level\":1}\n{\"level\":2.1}\n{\"level\":3}\n{\"level\":3}\n{\"level\":3}",
            output: "1s {\"level\":0}\n5s {\"level\":3}\nend {\"level\":3}",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        let widths =
            [("absolute", self.absolute), ("percent", self.percent), ("swinging_door", self.swinging_door)];
        check_exactly_one(cx, &widths.map(|(name, width)| (name, width.is_some())), "absolute: 0.5");
        for (name, width) in widths {
            width.into_iter().for_each(|width| check_above_zero(cx, name, width));
        }
        if self.time != Timing::Arrival && self.swinging_door.is_none() {
            cx.error("conflicting-fields", "time", "only `swinging_door` needs to know the time")
                .help("leave `time` out");
        }
        self.heartbeat.into_iter().for_each(|heartbeat| check_not_zero(cx, "heartbeat", heartbeat));
        check_positive(cx, "max_keys", self.max_keys);
    }

    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        let key = self.swinging_door.is_none().then(|| format!("{} {:?}", self.field, self.by));
        Some(Memory::of("the last reading that passed").with_key(key))
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let heartbeat = self.heartbeat.map(|heartbeat| heartbeat.0);
        let by = self.by.clone();
        let field = self.field.clone();
        let width = match (self.absolute, self.percent, self.swinging_door) {
            (Some(absolute), ..) => Width::Absolute(absolute),
            (_, Some(percent), _) => Width::Percent(percent),
            (_, _, Some(error)) => {
                let swinging = Swinging::new(field, error, heartbeat, self.time.clone(), by, self.max_keys);
                return Ok(Built::Transform(Box::new(swinging)));
            }
            _ => return Err(BuildError::new("a deadband needs a width")),
        };
        let bands = Keyed::new(self.max_keys);
        Ok(Built::Transform(Box::new(Deadband { field, width, heartbeat, by, bands })))
    }
}

enum Width {
    Absolute(f64),
    Percent(f64),
}

struct Deadband {
    field: FieldPath,
    width: Width,
    heartbeat: Option<Duration>,
    by: Option<Lookup>,
    bands: Keyed<Band>,
}

/// The last event that passed.
#[derive(Default)]
struct Band {
    number: Option<f64>,
    passed: Option<Instant>,
}

impl Transform for Deadband {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let number = number_at(&event, &self.field);
        let (band, _) = self.bands.touch(&key_of(&event, self.by.as_ref()), moment.instant);
        let silent = is_over(band.passed, moment.instant, self.heartbeat);
        match (band.number, number) {
            (Some(last), Some(number)) if !silent && self.width.holds(last, number) => {
                out.discard(event, REASON);
            }
            _ => {
                *band = Band { number, passed: Some(moment.instant) };
                out.send(event);
            }
        }
    }

    fn take_over(
        &mut self,
        before: Box<dyn Transform>,
        _moment: &Moment<'_>,
        _out: &mut Outputs,
    ) -> Result<(), BuildError> {
        self.bands.take_over(downcast::<Deadband>(before)?.bands);
        Ok(())
    }
}

impl Width {
    fn holds(&self, last: f64, number: f64) -> bool {
        let width = match self {
            Width::Absolute(width) => *width,
            Width::Percent(percent) => percent / 100.0 * last.abs(),
        };
        (number - last).abs() < width
    }
}
