//! The `on_change` transform: lets events pass that say something else than the one before.

use std::time::{Duration, Instant};

use fieldline_core::memory::Memory;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, Example, Files, Kind, Moment, Outputs, Period,
    Transform, Value, downcast,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::check_positive;
use super::keyed::{Keyed, default_max_keys, key_of};
use super::timing::is_over;
use crate::fields::check_not_zero;
use crate::lookup::Lookup;

/// The fields of an `on_change`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnChangeConfig {
    /// The fields that are compared, `1` and `1.0` being the same; if not given, whole bodies are.
    fields: Option<Vec<Lookup>>,
    /// An event passes at the latest so long after the last one, so that silence means that something is broken.
    heartbeat: Option<Period>,
    /// Compares only events with the same value here, such as `meta.topic`.
    by: Option<Lookup>,
    /// The most keys that are remembered. A new one takes the place of the key that was silent for longest.
    #[serde(default = "default_max_keys")]
    max_keys: usize,
}

impl Config for OnChangeConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "on_change";
    const SUMMARY: &'static str = "Lets an event pass if it differs from the last one that passed.";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "The state of a machine, and a sign of life every three seconds",
        config: "fields: [state]\nheartbeat: 3s",
        input: "{\"state\":\"on\",\"n\":1}\n{\"state\":\"on\",\"n\":2}\n{\"state\":\"off\",\"n\":3}\n{\"state\":\"off\",\"n\":4}\n{\"state\":\"off\",\"n\":5}\n{\"state\":\"off\",\"n\":6}",
        output: "1s {\"state\":\"on\",\"n\":1}\n3s {\"state\":\"off\",\"n\":3}\n6s {\"state\":\"off\",\"n\":6}",
    }];

    fn check(&self, cx: &mut CheckCx<'_>) {
        self.heartbeat.into_iter().for_each(|heartbeat| check_not_zero(cx, "heartbeat", heartbeat));
        check_positive(cx, "max_keys", self.max_keys);
        if self.fields.as_ref().is_some_and(Vec::is_empty) {
            cx.error("missing-field", "fields", "without a field nothing could change")
                .help("name a field, or leave `fields` out to compare whole bodies");
        }
    }

    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        Some(Memory::of("what passed last").with_key(format!("{:?} {:?}", self.fields, self.by)))
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Transform(Box::new(OnChange {
            fields: self.fields.clone(),
            heartbeat: self.heartbeat.map(|heartbeat| heartbeat.0),
            by: self.by.clone(),
            passed: Keyed::new(self.max_keys),
        })))
    }
}

struct OnChange {
    fields: Option<Vec<Lookup>>,
    heartbeat: Option<Duration>,
    by: Option<Lookup>,
    /// What the last event that passed said, and when.
    passed: Keyed<Option<(Value, Instant)>>,
}

impl Transform for OnChange {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let said = match &self.fields {
            None => event.body().clone(),
            Some(fields) => {
                let values = fields.iter().map(|field| field.get(&event).map(|value| value.into_owned()));
                Value::List(values.map(Option::unwrap_or_default).collect())
            }
        };
        let (passed, _) = self.passed.touch(&key_of(&event, self.by.as_ref()), moment.instant);
        let unchanged = passed.as_ref().is_some_and(|(before, then)| {
            before.same(&said) && !is_over(Some(*then), moment.instant, self.heartbeat)
        });
        if unchanged {
            out.discard(event, "unchanged");
        } else {
            *passed = Some((said, moment.instant));
            out.send(event);
        }
    }

    fn take_over(
        &mut self,
        before: Box<dyn Transform>,
        _moment: &Moment<'_>,
        _out: &mut Outputs,
    ) -> Result<(), BuildError> {
        self.passed.take_over(downcast::<OnChange>(before)?.passed);
        Ok(())
    }
}
