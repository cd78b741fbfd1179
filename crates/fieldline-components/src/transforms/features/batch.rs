//! How the samples of a batch, and their rate, are read from an event.

use std::borrow::Cow;

use fieldline_core::{CheckCx, Event, EventError, FieldPath, Value, amount};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::lookup::Lookup;
use crate::transforms::checks::check_above_zero;

/// The most samples of one channel: with them, plans and buffers take about 30 MB.
const MOST_SAMPLES: usize = 1 << 18;

/// Puts the samples at `path` into `samples`.
pub(super) fn read_samples(
    event: &Event,
    path: &FieldPath,
    samples: &mut Vec<f64>,
) -> Result<(), EventError> {
    samples.clear();
    let list = path.get(event.body()).and_then(Value::as_list);
    let list = list.ok_or_else(|| EventError::new("no_samples", format!("`{path}` is no array")))?;
    if !(2..=MOST_SAMPLES).contains(&list.len()) {
        let samples = amount(list.len(), "sample", "samples");
        let message = format!("`{path}` has {samples}; 2 to {MOST_SAMPLES} can be described");
        return Err(EventError::new("no_samples", message));
    }
    for (place, value) in list.iter().enumerate() {
        let number = value.as_f64().filter(|number| number.is_finite());
        samples.push(number.ok_or_else(|| {
            EventError::new("bad_sample", format!("`{path}[{place}]` is no number: {}", value.kind()))
        })?);
    }
    Ok(())
}

/// How many samples there are a second.
#[derive(Clone, Debug)]
pub(super) enum Rate {
    /// Always so many.
    Fixed(f64),
    /// As many as the event says.
    Field(Lookup),
}

impl Default for Rate {
    fn default() -> Self {
        Rate::Field(Lookup::Body(FieldPath::root().key("rate")))
    }
}

impl Rate {
    /// The rate, where the config itself says it.
    pub(super) fn fixed(&self) -> Option<f64> {
        match self {
            Rate::Fixed(rate) => Some(*rate),
            Rate::Field(_) => None,
        }
    }

    pub(super) fn check(&self, cx: &mut CheckCx<'_>) {
        if let Rate::Fixed(rate) = self {
            check_above_zero(cx, "rate", *rate);
        }
    }

    /// The rate of the samples of this event.
    pub(super) fn of(&self, event: &Event) -> Result<f64, EventError> {
        match self {
            Rate::Fixed(rate) => Ok(*rate),
            Rate::Field(lookup) => {
                let rate = lookup.get(event).and_then(|value| value.as_f64());
                let error = || EventError::new("no_rate", format!("`{lookup}` is no number above 0"));
                rate.filter(|rate| rate.is_finite() && *rate > 0.0).ok_or_else(error)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RateVisitor)
    }
}

struct RateVisitor;

impl Visitor<'_> for RateVisitor {
    type Value = Rate;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a number of samples a second, or the field that holds it")
    }

    fn visit_i64<E: Error>(self, rate: i64) -> Result<Rate, E> {
        Ok(Rate::Fixed(rate as f64))
    }

    fn visit_f64<E: Error>(self, rate: f64) -> Result<Rate, E> {
        Ok(Rate::Fixed(rate))
    }

    /// A variable's text may be a number.
    fn visit_str<E: Error>(self, text: &str) -> Result<Rate, E> {
        match text.parse() {
            Ok(rate) => Ok(Rate::Fixed(rate)),
            Err(_) => Lookup::parse(text).map(Rate::Field).map_err(E::custom),
        }
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "SamplingRate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["number", "string"],
            "description": "Samples a second, or the path of the field that holds their number."
        })
    }
}
