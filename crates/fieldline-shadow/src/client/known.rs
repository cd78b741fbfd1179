//! What a client knows of the shadow: the last document it got, kept up with accepted updates of anyone.

use super::{SectionName, message};
use crate::document::{merge, state_size};
use crate::json::{Json, Object};

/// Both states and the version; empty and without a version if there is no shadow.
#[derive(Debug, Default)]
pub(super) struct Known {
    desired: Object,
    reported: Object,
    pub(super) version: Option<u64>,
}

/// An update was missed; the document has to be got again.
#[derive(Debug)]
pub(super) struct Missed;

impl Known {
    /// From the payload of `get/accepted`.
    pub(super) fn of_get(body: &Json) -> Self {
        Known {
            desired: message::section(body, "desired"),
            reported: message::section(body, "reported"),
            version: message::version(body),
        }
    }

    pub(super) fn section(&self, section: SectionName) -> &Object {
        match section {
            SectionName::Desired => &self.desired,
            SectionName::Reported => &self.reported,
        }
    }

    /// The size of the document if `section` became `state`.
    pub(super) fn size_with(&self, section: SectionName, state: &Object) -> usize {
        let other = match section {
            SectionName::Desired => &self.reported,
            SectionName::Reported => &self.desired,
        };
        state_size(other) + state_size(state)
    }

    /// Merges the payload of an `update/accepted`; an old one changes nothing.
    pub(super) fn apply(&mut self, body: &Json) -> Result<(), Missed> {
        let version = message::version(body).ok_or(Missed)?;
        match self.version {
            Some(known) if version <= known => return Ok(()),
            Some(known) if version != known + 1 => return Err(Missed),
            _ => {}
        }
        self.version = Some(version);
        let state = body.get("state").unwrap_or(&Json::Null);
        for (name, section) in [("desired", &mut self.desired), ("reported", &mut self.reported)] {
            match state.as_object().map(|sections| sections.get(name)) {
                Some(None) => {}
                Some(Some(Json::Object(patch))) => merge(section, patch),
                Some(Some(_)) | None => section.clear(),
            }
        }
        Ok(())
    }
}
