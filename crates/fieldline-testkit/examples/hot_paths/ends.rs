//! Where the events of a measurement come from and end: both as cheap as can be.

use std::sync::Arc;

use async_trait::async_trait;
use fieldline_core::{
    Batch, BuildCx, BuildError, Built, Clock, ComponentError, Config, Draft, Event, Example, Kind, Meta,
    Outcome, Sink, Source, Value, WriteError, json,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Notify;

/// Told when all events of the generator have ended.
pub(crate) static SETTLED: Notify = Notify::const_new();

/// Events in a batch: as many as an `mqtt` source hands over at once.
const BATCH: u64 = 64;

const READING: &[u8] = br#"{"sequence":25,"timestamp_utc":"2020-02-15T16:43:16.226983Z","temperature":21.5,"cpu_temperature":40.25,"status":"success"}"#;

/// Samples of each of the eight channels of an event: a tenth of a second.
const SAMPLES: u32 = 640;

/// The `generator` source: the same event as often as asked, as fast as it is taken.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Generator {
    /// How many.
    events: u64,
    /// What they hold.
    body: Body,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Body {
    /// A reading with five fields.
    Reading,
    /// The same, read from JSON for each event.
    Decode,
    /// Eight channels of samples.
    Samples,
}

impl Config for Generator {
    const KIND: Kind = Kind::Source;
    const NAME: &'static str = "generator";
    const SUMMARY: &'static str = "Makes the same event as fast as it is taken.";
    const EXAMPLES: &'static [Example] = &[];

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        let body = match self.body {
            Body::Reading => json::decode(READING).map_err(BuildError::new)?,
            Body::Samples => samples(),
            Body::Decode => Value::Null,
        };
        let (left, in_flight) = (self.events, 0);
        Ok(Built::Source(Box::new(Generating {
            body,
            is_decoding: matches!(self.body, Body::Decode),
            left,
            in_flight,
        })))
    }
}

struct Generating {
    body: Value,
    is_decoding: bool,
    left: u64,
    in_flight: u64,
}

#[async_trait]
impl Source for Generating {
    async fn next(&mut self, clock: &Clock) -> Result<Option<Batch>, ComponentError> {
        if self.left == 0 {
            return Ok(None);
        }
        let count = self.left.min(BATCH);
        let mut batch = Batch::default();
        for _ in 0..count {
            let body = if self.is_decoding {
                json::decode(READING).map_err(|error| ComponentError::permanent("not_json", error))?
            } else {
                self.body.clone()
            };
            batch.events.push(Draft { body, meta: Meta::new(clock.time(), Arc::default()) });
        }
        self.left -= count;
        self.in_flight += 1;
        Ok(Some(batch))
    }

    async fn settle(&mut self, _token: u64, _outcome: Outcome) -> Result<(), ComponentError> {
        self.in_flight -= 1;
        if self.left == 0 && self.in_flight == 0 {
            SETTLED.notify_one();
        }
        Ok(())
    }
}

/// The same sine with some harmonics in each channel.
fn samples() -> Value {
    let sample = |index: u32| {
        let phase = f64::from(index) / 64.0 * std::f64::consts::TAU;
        Value::Float(phase.sin() + 0.1 * (7.3 * phase).sin())
    };
    let channel = Value::List((0..SAMPLES).map(sample).collect());
    ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| (name, channel.clone())).into()
}

/// The `encoder` sink: writes each event as JSON and keeps nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Encoder {}

impl Config for Encoder {
    const KIND: Kind = Kind::Sink;
    const NAME: &'static str = "encoder";
    const SUMMARY: &'static str = "Writes each event as JSON and keeps nothing.";
    const EXAMPLES: &'static [Example] = &[];

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Sink(Box::new(Encoding)))
    }
}

struct Encoding;

#[async_trait]
impl Sink for Encoding {
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        for event in events {
            let text = json::encode(event.body())
                .map_err(|error| WriteError::All(ComponentError::permanent("not_json", error)))?;
            std::hint::black_box(text);
        }
        Ok(())
    }
}
