//! The `blackhole` sink: takes every event and keeps none, for measuring and for trying out.

use async_trait::async_trait;
use fieldline_core::{BuildCx, BuildError, Built, Config, Event, Example, Kind, Sink, WriteError};
use schemars::JsonSchema;
use serde::Deserialize;

/// A `blackhole` has no fields of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlackholeConfig {}

impl Config for BlackholeConfig {
    const KIND: Kind = Kind::Sink;
    const NAME: &'static str = "blackhole";
    const SUMMARY: &'static str = "Takes every event and keeps none; its node's counters say how many.";
    const EXAMPLES: &'static [Example] =
        &[Example { title: "Measure a pipeline without its real sink", config: "{}", input: "", output: "" }];

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Sink(Box::new(Blackhole)))
    }
}

struct Blackhole;

#[async_trait]
impl Sink for Blackhole {
    async fn write(&mut self, _events: &[Event]) -> Result<(), WriteError> {
        Ok(())
    }
}
