//! Applying an update request to what is stored.

use super::request::Change;
use super::{Document, Record, Section, UpdateRequest};
use crate::limits::Limits;
use crate::rejection::Rejection;

/// An accepted update: the document before and after. Its methods in `answers` write what is published.
#[derive(Debug, Clone, PartialEq)]
pub struct Updated {
    /// The document before; `None` if the update created the shadow.
    pub previous: Option<Document>,
    /// The document after.
    pub current: Document,
    /// When, in epoch seconds.
    pub at: u64,
}

/// Applies `request` at `now` (epoch seconds), or says why not: first the version, then the size.
///
/// A new shadow starts at version 1, or continues after the tombstone of the last 48 hours. A version in the
/// request that creates a shadow must be 0 or 1: AWS does not say, Greengrass demands 1.
pub fn update(
    record: Option<&Record>,
    request: &UpdateRequest,
    limits: Limits,
    now: u64,
) -> Result<Updated, Rejection> {
    let previous = record.and_then(Record::live);
    if let Some(expected) = request.version {
        let matches = match previous {
            Some(document) => expected == i128::from(document.version),
            None => matches!(expected, 0 | 1),
        };
        if !matches {
            return Err(Rejection::VersionConflict);
        }
    }
    let last_version = match record {
        Some(Record::Live(document)) => document.version,
        Some(tombstone @ Record::Deleted { version, .. }) if !tombstone.is_expired(now) => *version,
        _ => 0,
    };
    let mut current = previous.cloned().unwrap_or_default();
    current.version = last_version.saturating_add(1);
    apply(&mut current.desired, request.change("desired"), now);
    apply(&mut current.reported, request.change("reported"), now);
    if current.size() > limits.document_bytes() {
        return Err(Rejection::TooLarge);
    }
    Ok(Updated { previous: previous.cloned(), current, at: now })
}

fn apply(section: &mut Section, change: Option<Change<'_>>, now: u64) {
    match change {
        Some(Change::Merge(patch)) => section.merge(patch, now),
        Some(Change::Clear) => *section = Section::default(),
        None => {}
    }
}
