//! The `dedupe` transform: takes out events that came before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldline_core::memory::Memory;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, Example, Files, Kind, Moment, Outputs, Period,
    Transform, Value, downcast,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::check_positive;
use super::keyed::{Keyed, text_of};
use super::timing::is_over;
use crate::fields::check_not_zero;
use crate::lookup::Lookup;

/// The fields of a `dedupe`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DedupeConfig {
    /// Events with the same values here are the same, such as `[meta.topic, sequence]`; if not given, those with the
    /// same body.
    key: Option<Vec<Lookup>>,
    /// How long after the event that passed another one is taken out.
    within: Period,
    /// The most keys that are remembered. A new one takes the place of the one that was seen least lately.
    #[serde(default = "default_max_keys")]
    max_keys: usize,
}

fn default_max_keys() -> usize {
    10_000
}

impl Config for DedupeConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "dedupe";
    const SUMMARY: &'static str = "Takes out events that passed before, within a span of time.";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A message that is delivered twice",
        config: "key: [sequence]\nwithin: 3s",
        input: "{\"sequence\":1}\n{\"sequence\":2}\n{\"sequence\":1,\"again\":true}\n{\"sequence\":1}",
        output: "1s {\"sequence\":1}\n2s {\"sequence\":2}\n4s {\"sequence\":1}",
    }];

    fn check(&self, cx: &mut CheckCx<'_>) {
        check_not_zero(cx, "within", self.within);
        check_positive(cx, "max_keys", self.max_keys);
        if self.key.as_ref().is_some_and(Vec::is_empty) {
            cx.error("missing-field", "key", "without a field all events would be the same")
                .help("name a field, or leave `key` out to compare whole bodies");
        }
    }

    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        Some(Memory::of("which events it has seen").with_key(format!("{:?}", self.key)))
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let dedupe =
            Dedupe { key: self.key.clone(), within: self.within.0, passed: Keyed::new(self.max_keys) };
        Ok(Built::Transform(Box::new(dedupe)))
    }
}

struct Dedupe {
    key: Option<Vec<Lookup>>,
    within: Duration,
    /// When the event with this key passed.
    passed: Keyed<Option<Instant>>,
}

impl Transform for Dedupe {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let key = self.key_of(&event);
        let (passed, _) = self.passed.touch(&key, moment.instant);
        if passed.is_none() || is_over(*passed, moment.instant, Some(self.within)) {
            *passed = Some(moment.instant);
            out.send(event);
        } else {
            out.discard(event, "duplicate");
        }
    }

    fn take_over(
        &mut self,
        before: Box<dyn Transform>,
        _moment: &Moment<'_>,
        _out: &mut Outputs,
    ) -> Result<(), BuildError> {
        self.passed.take_over(downcast::<Dedupe>(before)?.passed);
        Ok(())
    }
}

impl Dedupe {
    fn key_of(&self, event: &Event) -> Arc<str> {
        let Some(key) = &self.key else { return text_of(event.body()).into() };
        let values = key.iter().map(|field| field.get(event).map_or(Value::Null, |value| value.into_owned()));
        text_of(&Value::List(values.collect())).into()
    }
}
