//! The `adaptive` transform: how often a source should measure, from how much its readings vary. It steers nothing by
//! itself: what it sends are commands for the `control:` of a source.

use std::collections::VecDeque;
use std::time::Duration;

use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, Example, FieldPath, Kind, Moment, Outputs, Period,
    Transform, Value,
};
use fieldline_signal::moments::{Moments, Spread};
use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::{check_above_zero, check_length};
use super::numbers::number_at;
use crate::fields::check_not_zero;

/// The fields of an `adaptive`.
///
/// The standard deviation of the last readings decides. At `lively` or above it asks for `fastest` at once. At `calm`
/// or below it asks for twice the time, again and again until `slowest`. Between the two nothing changes, so that it
/// does not waver. After a change it looks at new readings alone. Events whose field is no number are left out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdaptiveConfig {
    /// The field whose readings are looked at.
    field: FieldPath,
    /// How many readings are looked at; at least 2, at most 10000.
    #[serde(default = "ten")]
    last: usize,
    /// The standard deviation, in the field's own unit, at or below which it is measured less often.
    calm: f64,
    /// The standard deviation, in the field's own unit, at or above which it is measured as often as possible.
    lively: f64,
    /// The shortest time between two readings. Configure the source with this one: it is where it begins.
    fastest: Period,
    /// The longest time between two readings.
    slowest: Period,
}

fn ten() -> usize {
    10
}

impl Config for AdaptiveConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "adaptive";
    const SUMMARY: &'static str =
        "Asks a source to measure often while its readings vary, and seldom while they do not.";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A calm temperature is measured less and less often, until it moves",
        config: "field: temperature\nlast: 3\ncalm: 0.1\nlively: 0.5\nfastest: 1s\nslowest: 4s",
        input: "{\"temperature\":20}\n{\"temperature\":20}\n{\"temperature\":20}\n{\"temperature\":20.1}\n{\"temperature\":20}\n{\"temperature\":20.1}\n{\"temperature\":22}\n{\"temperature\":24}\n{\"temperature\":26}",
        output: "3s {\"every\":\"2s\"}\n6s {\"every\":\"4s\"}\n9s {\"every\":\"1s\"}",
    }];

    fn check(&self, cx: &mut CheckCx<'_>) {
        check_length(cx, "last", self.last);
        if self.last == 1 {
            cx.error("bad-number", "last", "one reading does not vary")
                .help("the last ten are enough for most signals");
        }
        check_above_zero(cx, "lively", self.lively);
        if self.calm < 0.0 || self.calm >= self.lively {
            let message = format!("`calm` is {}, and must be from 0 to below `lively`", self.calm);
            cx.error("bad-number", "calm", message).help("write for example `calm: 0.1` and `lively: 0.5`");
        }
        check_not_zero(cx, "fastest", self.fastest);
        if self.slowest <= self.fastest {
            let message = format!("`slowest` is {}, and must be longer than `fastest`", self.slowest);
            cx.error("bad-number", "slowest", message)
                .help("write for example `fastest: 1s` and `slowest: 1m`");
        }
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let readings = VecDeque::with_capacity(self.last);
        Ok(Built::Transform(Box::new(Adaptive { every: self.fastest.0, readings, config: self.clone() })))
    }
}

struct Adaptive {
    config: AdaptiveConfig,
    /// What was asked for last.
    every: Duration,
    readings: VecDeque<f64>,
}

impl Transform for Adaptive {
    fn apply(&mut self, mut event: Event, _moment: &Moment<'_>, out: &mut Outputs) {
        let wanted = number_at(&event, &self.config.field).and_then(|number| self.wanted(number));
        match wanted.filter(|wanted| *wanted != self.every) {
            Some(wanted) => {
                self.every = wanted;
                self.readings.clear();
                event.replace_body(Value::from([("every", Period(wanted).to_string().into())]));
                out.send(event);
            }
            None => out.absorb(event),
        }
    }
}

impl Adaptive {
    /// The time between readings that would be right; `None` until there are enough of them.
    fn wanted(&mut self, number: f64) -> Option<Duration> {
        self.readings.push_back(number);
        if self.readings.len() < self.config.last {
            return None;
        }
        let deviation = self.readings.iter().copied().collect::<Moments>().deviation(Spread::Sample)?;
        self.readings.pop_front();
        let AdaptiveConfig { calm, lively, fastest, slowest, .. } = &self.config;
        if deviation >= *lively {
            Some(fastest.0)
        } else if deviation <= *calm {
            Some((self.every * 2).min(slowest.0))
        } else {
            None
        }
    }
}
