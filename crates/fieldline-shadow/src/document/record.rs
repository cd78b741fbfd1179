//! What a store keeps of a shadow, and its text for stores that keep text.

use super::{Document, Section, TOMBSTONE_SECONDS};
use crate::json::{self, Json, Object};

/// A shadow, or what is remembered of a deleted one.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// The shadow exists.
    Live(Box<Document>),
    /// The shadow was deleted; a new one within 48 hours continues its version.
    Deleted {
        /// The version the deletion counted as: one more than that of the deleted document.
        version: u64,
        /// When, in epoch seconds.
        at: u64,
    },
}

/// A stored text is not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not JSON at all.
    #[error("the stored shadow is not JSON: {0}")]
    Json(#[from] json::ParseError),
    /// JSON, but a member is missing or of another type.
    #[error("the stored shadow lacks a usable `{0}`")]
    Member(&'static str),
}

impl Record {
    /// The document, if the shadow exists.
    pub fn live(&self) -> Option<&Document> {
        match self {
            Record::Live(document) => Some(document),
            Record::Deleted { .. } => None,
        }
    }

    /// Whether this is a tombstone that no longer has an effect at `now` (epoch seconds).
    pub fn is_expired(&self, now: u64) -> bool {
        matches!(self, Record::Deleted { at, .. } if now.saturating_sub(*at) > TOMBSTONE_SECONDS)
    }

    /// The record as text: `{"state":…,"metadata":…,"version":…}` or `{"deleted":true,"version":…,"timestamp":…}`.
    pub fn to_text(&self) -> String {
        let object = match self {
            Record::Live(document) => document.to_object(),
            Record::Deleted { version, at } => Object::from_iter([
                ("deleted".to_owned(), Json::Bool(true)),
                ("version".to_owned(), (*version).into()),
                ("timestamp".to_owned(), (*at).into()),
            ]),
        };
        Json::Object(object).to_string()
    }

    /// Reads what [`to_text`](Record::to_text) wrote.
    pub fn from_text(text: &str) -> Result<Self, RecordError> {
        let record = json::parse(text)?;
        let number = |member| record.get(member).and_then(Json::as_u64).ok_or(RecordError::Member(member));
        let version = number("version")?;
        if record.get("deleted") == Some(&Json::Bool(true)) {
            return Ok(Record::Deleted { version, at: number("timestamp")? });
        }
        let state = record.get("state").and_then(Json::as_object).ok_or(RecordError::Member("state"))?;
        let section = |name: &str| {
            let members = state.get(name).and_then(Json::as_object).cloned().unwrap_or_default();
            Section::new(members, record.get("metadata").and_then(|metadata| metadata.get(name)))
        };
        Ok(Document { desired: section("desired"), reported: section("reported"), version }.into())
    }
}

impl From<Document> for Record {
    fn from(document: Document) -> Self {
        Record::Live(Box::new(document))
    }
}
