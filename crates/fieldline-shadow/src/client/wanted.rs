//! What a section should become, collected from reports until it can be sent.

use crate::document::without_nulls;
use crate::json::{Json, Object};

/// Reports taken together; of several for a member, the newest has won.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    /// The value each member should have; null to delete it.
    members: Object,
    /// Whether members not named are to be deleted.
    whole: bool,
    /// The ticket of the newest report in this.
    pub(super) ticket: u64,
}

impl Wanted {
    pub(super) fn new(members: Object, whole: bool, ticket: u64) -> Self {
        Wanted { members, whole, ticket }
    }

    /// Adds a newer report.
    pub(super) fn overtake(&mut self, newer: Wanted) {
        if newer.whole {
            *self = newer;
            return;
        }
        self.members.extend(newer.members);
        self.ticket = newer.ticket;
    }

    /// The section as it should be, where now it is `known`.
    pub(super) fn applied_to(&self, known: &Object) -> Object {
        let mut section = if self.whole { Object::new() } else { known.clone() };
        for (key, value) in &self.members {
            match without_nulls(value) {
                Some(value) => {
                    section.insert(key.clone(), value);
                }
                None => {
                    section.shift_remove(key);
                }
            }
        }
        section
    }

    /// The members, for giving them back to the caller.
    pub(super) fn into_members(self) -> Json {
        Json::Object(self.members)
    }
}
