//! The `twin` transform: the latest value of every field, whenever each of them comes, joined to one record. What is
//! known of a field is kept in [`known`].

mod known;

use std::time::{Duration, Instant};

use fieldline_core::memory::Memory;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, EventError, Example, FieldPath, Files, Kind, Meta,
    Moment, Outputs, Period, Receipt, Transform, Value,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::check_positive;
use crate::fields::check_not_zero;
use known::Known;

/// The fields of a `twin`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TwinConfig {
    /// The fields that are kept, each from whichever event has it. They are in every record, those that never came
    /// with the quality `missing`. Without it, all fields that come but `status`.
    fields: Option<Vec<FieldPath>>,
    /// Emits a record at this interval, from the first event on; without it whenever a value or a quality changes.
    every: Option<Period>,
    /// A value older than this has the quality `stale`.
    max_age: Option<Period>,
    /// The most fields that are kept where `fields` does not name them; an event with more goes to the dead letter.
    #[serde(default = "default_max_fields")]
    max_fields: usize,
}

fn default_max_fields() -> usize {
    256
}

impl Config for TwinConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "twin";
    const SUMMARY: &'static str =
        "Keeps the latest value of each field with its age and quality, and emits them as one record.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Readings that come at different times, joined every two seconds",
            config: "fields: [temperature, pressure]\nevery: 2s\nmax_age: 3s",
            input: "{\"temperature\":21.5}\n{\"pressure\":1013}\n{\"pressure\":1014}\n{\"pressure\":1015}\n{\"pressure\":1016}",
            output: "3s {\"temperature\":{\"value\":21.5,\"age_s\":2.0,\"quality\":\"good\"},\"pressure\":{\"value\":1013,\"age_s\":1.0,\"quality\":\"good\"}}\n5s {\"temperature\":{\"value\":21.5,\"age_s\":4.0,\"quality\":\"stale\"},\"pressure\":{\"value\":1015,\"age_s\":1.0,\"quality\":\"good\"}}\nend {\"temperature\":{\"value\":21.5,\"age_s\":4.0,\"quality\":\"stale\"},\"pressure\":{\"value\":1016,\"age_s\":0.0,\"quality\":\"good\"}}",
        },
        Example {
            title: "Whenever something changes; a failed reading leaves the value and changes its quality",
            config: "fields: [temperature]",
            input: "{\"status\":\"success\",\"temperature\":21.5}\n{\"status\":\"success\",\"temperature\":21.5}\n{\"status\":\"fail\",\"temperature\":null}",
            output: "1s {\"temperature\":{\"value\":21.5,\"age_s\":0.0,\"quality\":\"good\"}}\n3s {\"temperature\":{\"value\":21.5,\"age_s\":1.0,\"quality\":\"failed\"}}",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        self.every.into_iter().for_each(|every| check_not_zero(cx, "every", every));
        self.max_age.into_iter().for_each(|max_age| check_not_zero(cx, "max_age", max_age));
        check_positive(cx, "max_fields", self.max_fields);
        if self.fields.as_ref().is_some_and(Vec::is_empty) {
            cx.error("missing-field", "fields", "without a field nothing could be kept")
                .help("name a field, or leave `fields` out to keep all that come");
        }
    }

    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        Some(Memory::of("the latest values of the fields"))
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Transform(Box::new(Twin {
            known: Known::new(self.fields.as_deref(), self.max_age.map(|max_age| max_age.0), self.max_fields),
            every: self.every.map(|every| every.0),
            next: None,
            meta: None,
            news: false,
        })))
    }
}

struct Twin {
    known: Known,
    every: Option<Duration>,
    /// When the next record is due, where there is an interval.
    next: Option<Instant>,
    /// Of the latest event; there is none before the first.
    meta: Option<Meta>,
    /// Something came that no record has told.
    news: bool,
}

impl Transform for Twin {
    /// Where records are emitted on change, the event becomes the record and its source hears when that is
    /// delivered; where they are emitted at an interval, the event has come to its end here.
    fn apply(&mut self, mut event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let changed = match self.known.take(event.body(), moment.instant) {
            Ok(changed) => changed,
            Err(error) => return out.fail(event, EventError::new(error.reason(), error.to_string())),
        };
        self.meta = Some(event.meta().clone());
        match self.every {
            Some(every) => {
                self.next.get_or_insert(moment.instant + every);
                self.news = true;
                out.absorb(event);
            }
            None if changed => {
                event.replace_body(self.known.record(moment.instant));
                out.send(event);
            }
            None => out.discard(event, "unchanged"),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self.every {
            Some(_) => self.next,
            None => self.known.next_stale(),
        }
    }

    fn on_deadline(&mut self, moment: &Moment<'_>, out: &mut Outputs) {
        let grew_stale = self.known.grow_stale(moment.instant);
        match (self.every, self.next) {
            (Some(every), Some(due)) if due <= moment.instant => {
                let missed =
                    moment.instant.saturating_duration_since(due).as_nanos() / every.as_nanos().max(1);
                let steps = u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1);
                self.next = Some(due + every.saturating_mul(steps));
                self.emit(moment, out);
            }
            (None, _) if grew_stale => self.emit(moment, out),
            _ => {}
        }
    }

    fn finish(&mut self, moment: &Moment<'_>, out: &mut Outputs) {
        self.known.grow_stale(moment.instant);
        if self.news {
            self.emit(moment, out);
        }
        self.next = None;
        self.known.forget_ages();
    }
}

impl Twin {
    /// A record that no event asked for.
    fn emit(&mut self, moment: &Moment<'_>, out: &mut Outputs) {
        self.news = false;
        if let Some(meta) = &self.meta {
            let meta = Meta { time: moment.time, ..meta.clone() };
            let record: Value = self.known.record(moment.instant);
            out.send(Event::new(record, meta, Receipt::untracked()));
        }
    }
}
