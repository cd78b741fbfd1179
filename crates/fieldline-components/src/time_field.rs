//! [`TimeField`]: where a reading says when it was taken, and how that is written.

use std::borrow::Cow;

use fieldline_core::{Batch, Draft, Event, EventError, FieldPath, TimeForm, TimeUnit, Value, Zone};
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error as _};

use crate::lookup::Lookup;

/// The place of a time in a reading, and its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimeField {
    field: Lookup,
    form: TimeForm,
}

/// A time that every reading has to say; one that is missing or cannot be read fails its reading.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The field with the time: RFC 3339, or a number since 1970 in UTC.
    field: Lookup,
    /// How texts are written instead, with the signs of `strptime`: `%d.%m.%Y %H:%M:%S`. `%z` is an offset.
    format: Option<String>,
    /// The zone of texts without one; if not given, such a text is no time.
    zone: Option<Zone>,
    /// The unit of numbers, which may then be texts too. If not given, it is told by the size: seconds up to 1e11,
    /// milliseconds up to 1e14, microseconds up to 1e17, and nanoseconds.
    unit: Option<TimeUnit>,
}

impl TimeField {
    /// A time in the default form at `field`.
    pub(crate) fn at(field: Lookup) -> Self {
        TimeField { field, form: TimeForm::default() }
    }

    /// A time in the default form at a path of the body.
    pub(crate) fn in_body(field: FieldPath) -> Self {
        TimeField::at(Lookup::Body(field))
    }

    /// When the event was taken.
    ///
    /// # Errors
    /// If it does not say so.
    pub(crate) fn of(&self, event: &Event) -> Result<Timestamp, EventError> {
        match &self.field {
            Lookup::Meta(name) if name == "time" => Ok(event.meta().time),
            field => self.read(field.get(event)),
        }
    }

    /// When a reading with this body was taken, if the body says so.
    pub(crate) fn of_body(&self, body: &Value) -> Option<Timestamp> {
        match &self.field {
            Lookup::Body(path) => self.form.read(path.get(body)?).ok(),
            Lookup::Meta(_) => None,
        }
    }

    /// What is wrong with a time at this place.
    pub(crate) fn error(&self, problem: impl std::fmt::Display) -> EventError {
        EventError::new("no_time", format!("`{}`: {problem}", self.field))
    }

    fn read(&self, value: Option<Cow<'_, Value>>) -> Result<Timestamp, EventError> {
        let value = value.ok_or_else(|| self.error("there is no such field, where a time is expected"))?;
        self.form.read(&value).map_err(|error| self.error(error))
    }
}

/// Puts a reading into the batch, with the time it says where there is a `time`; as failed where it says none.
pub(crate) fn admit(mut draft: Draft, time: Option<&TimeField>, batch: &mut Batch) {
    match time.map(|time| time.read(time.field.get_in(&draft.body, &draft.meta))) {
        Some(Err(error)) => batch.failed.push((draft, error)),
        Some(Ok(taken)) => {
            draft.meta.time = taken;
            batch.events.push(draft);
        }
        None => batch.events.push(draft),
    }
}

impl<'de> Deserialize<'de> for TimeField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { field, format, zone, unit } = Written::deserialize(deserializer)?;
        let form = TimeForm::new(format, zone, unit).map_err(D::Error::custom)?;
        Ok(TimeField { field, form })
    }
}

impl JsonSchema for TimeField {
    fn schema_name() -> Cow<'static, str> {
        "TimeField".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Written::json_schema(generator)
    }
}
