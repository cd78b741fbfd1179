//! The `timer` source: the same event again and again.

use std::num::NonZeroU64;
use std::sync::Arc;

use async_trait::async_trait;
use fieldline_core::{
    Batch, BuildCx, BuildError, Built, CheckCx, Clock, ComponentError, Config, EventError, Example, Facts,
    Kind, Map, Meta, Period, Setting, Settings, Source, Value,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::fields::{any_map, check_not_zero, yes};
use crate::sources::ticker::{ENABLED, EVERY, Ticker};

/// The fields of a `timer`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimerConfig {
    /// The time between two events, such as `5s`. The first event comes at once; one that could not be made
    /// in time is skipped.
    every: Period,
    /// Whether events are made.
    #[serde(default = "yes")]
    enabled: bool,
    /// The body of each event; an empty map without it.
    #[serde(default)]
    #[schemars(schema_with = "any_map")]
    body: Map,
    /// How many events are made before the source ends; without it, it never does.
    count: Option<NonZeroU64>,
}

impl Config for TimerConfig {
    const KIND: Kind = Kind::Source;
    const NAME: &'static str = "timer";
    const SUMMARY: &'static str = "Makes the same event at an interval.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Ask for a status every minute",
            config: "every: 1m\nbody: { ask: status }",
            input: "",
            output: "",
        },
        Example { title: "Ten events, then stop", config: "every: 100ms\ncount: 10", input: "", output: "" },
    ];
    const SETTINGS: &'static [Setting] = &[EVERY, ENABLED];

    fn check(&self, cx: &mut CheckCx<'_>) {
        check_not_zero(cx, "every", self.every);
    }

    fn facts(&self) -> Facts {
        Facts { settings: Ticker::settings(self.every, self.enabled), ..Facts::default() }
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Source(Box::new(Timer {
            node: cx.node.into(),
            ticker: Ticker::new(self.every.0, self.enabled),
            body: Value::Map(self.body.clone()),
            left: self.count.map(NonZeroU64::get),
        })))
    }
}

struct Timer {
    node: Arc<str>,
    ticker: Ticker,
    body: Value,
    left: Option<u64>,
}

#[async_trait]
impl Source for Timer {
    async fn next(&mut self, clock: &Clock) -> Result<Option<Batch>, ComponentError> {
        if self.left == Some(0) {
            return Ok(None);
        }
        self.ticker.due(clock).await;
        self.ticker.taken();
        self.left = self.left.map(|left| left - 1);
        Ok(Some(Batch::one(self.body.clone(), Meta::new(clock.time(), self.node.clone()))))
    }

    fn adjust(&mut self, settings: &Settings) -> Result<(), EventError> {
        self.ticker.adjust(settings);
        Ok(())
    }
}
