//! [`Lookup`]: where a value is found, in an event's body or in its metadata.

use std::borrow::Cow;
use std::fmt;

use fieldline_core::{Event, FieldPath, Meta, PathError, Value};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};

/// The place of a value: `temperature`, `state.values[0]`, or `meta.topic`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// In the body.
    Body(FieldPath),
    /// The field of the metadata with this name.
    Meta(String),
}

impl Lookup {
    /// Reads a path; one that begins with `meta.` looks into the metadata.
    pub(crate) fn parse(text: &str) -> Result<Self, PathError> {
        match text.strip_prefix("meta.") {
            Some(name) => FieldPath::parse(name).map(|path| Lookup::Meta(path.to_string())),
            None => FieldPath::parse(text).map(Lookup::Body),
        }
    }

    /// The value, if it is there.
    pub(crate) fn get<'e>(&self, event: &'e Event) -> Option<Cow<'e, Value>> {
        self.get_in(event.body(), event.meta())
    }

    /// The value in a body that is not the event's own, if it is there.
    pub(crate) fn get_in<'e>(&self, body: &'e Value, meta: &Meta) -> Option<Cow<'e, Value>> {
        match self {
            Lookup::Body(path) => path.get(body).map(Cow::Borrowed),
            Lookup::Meta(name) => meta.get(name).map(Cow::Owned),
        }
    }
}

impl fmt::Display for Lookup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lookup::Body(path) => write!(formatter, "{path}"),
            Lookup::Meta(name) => write!(formatter, "meta.{name}"),
        }
    }
}

impl<'de> Deserialize<'de> for Lookup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Lookup::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Lookup {
    fn schema_name() -> Cow<'static, str> {
        "FieldOrMetaPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The address of a field of the body, such as `temperature` or `state.values[0]`, or of the \
                metadata: `meta.time`, `meta.source`, `meta.sequence`, `meta.topic`."
        })
    }
}
