//! The `throttle` transform: limits how many events pass in a span of time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fieldline_core::memory::Memory;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, EventError, Example, Facts, Files, Kind, Moment,
    Outputs, Period, Setting, Settings, Shape, Transform, Value,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::check_positive;
use super::keyed::{Keyed, default_max_keys, key_of};
use crate::fields::check_not_zero;
use crate::lookup::Lookup;

/// The most events a limit can be of: their times are remembered.
const MOST_EVENTS: usize = 10_000;

/// The fields of a `throttle`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ThrottleConfig {
    /// How many events pass in any span of `per`; the others are taken out. At most 10000.
    #[serde(default = "one")]
    events: usize,
    /// The span of time.
    per: Period,
    /// A limit of its own for each value found here, such as `meta.topic`.
    by: Option<Lookup>,
    /// The most keys there are limits for. A new one takes the place of the key that was silent for longest.
    #[serde(default = "default_max_keys")]
    max_keys: usize,
}

fn one() -> usize {
    1
}

impl Config for ThrottleConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "throttle";
    const SUMMARY: &'static str = "Lets no more than so many events pass in a span of time.";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "One event in two seconds for each machine",
        config: "per: 2s\nby: machine",
        input: "{\"machine\":1,\"n\":1}\n{\"machine\":1,\"n\":2}\n{\"machine\":1,\"n\":3}\n{\"machine\":2,\"n\":4}",
        output: "1s {\"machine\":1,\"n\":1}\n3s {\"machine\":1,\"n\":3}\n4s {\"machine\":2,\"n\":4}",
    }];
    const SETTINGS: &'static [Setting] = &[
        Setting {
            name: "events",
            summary: "How many events pass in any span of `per`.",
            shape: Shape::Count { min: 1, max: MOST_EVENTS as i64, unit: "events" },
        },
        Setting {
            name: "per",
            summary: "The span of time.",
            shape: Shape::Period { min: Duration::from_millis(1), max: Duration::from_secs(24 * 3600) },
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        check_not_zero(cx, "per", self.per);
        check_positive(cx, "events", self.events);
        check_positive(cx, "max_keys", self.max_keys);
        if self.events > MOST_EVENTS {
            let message = format!("{} events are more than the {MOST_EVENTS} allowed", self.events);
            cx.error("bad-number", "events", message).help("write a shorter `per` with fewer events");
        }
    }

    fn facts(&self) -> Facts {
        let events = Value::Int(i64::try_from(self.events).unwrap_or(i64::MAX));
        let settings = Settings::from([("events", events), ("per", self.per.to_string().into())]);
        Facts { settings, ..Facts::default() }
    }

    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        Some(Memory::of("how many events have just passed"))
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let passed = Keyed::new(self.max_keys);
        let throttle = Throttle { events: self.events, per: self.per.0, by: self.by.clone(), passed };
        Ok(Built::Transform(Box::new(throttle)))
    }
}

struct Throttle {
    events: usize,
    per: Duration,
    by: Option<Lookup>,
    /// When the last events passed, at most as many as may.
    passed: Keyed<VecDeque<Instant>>,
}

impl Transform for Throttle {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let now = moment.instant;
        let (passed, _) = self.passed.touch(&key_of(&event, self.by.as_ref()), now);
        while passed.front().is_some_and(|then| now.saturating_duration_since(*then) >= self.per) {
            passed.pop_front();
        }
        if passed.len() < self.events {
            passed.push_back(now);
            out.send(event);
        } else {
            out.discard(event, "throttled");
        }
    }

    fn adjust(&mut self, settings: &Settings) -> Result<(), EventError> {
        let events = settings.count("events").and_then(|events| usize::try_from(events).ok());
        self.events = events.unwrap_or(self.events);
        self.per = settings.period("per").unwrap_or(self.per);
        Ok(())
    }
}
