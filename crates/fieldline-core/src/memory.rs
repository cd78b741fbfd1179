//! [`Memory`]: what a transform remembers, which later version of its node may go on with it, and whether it
//! outlives the program.

use std::time::Duration;

/// The most a transform may remember on disk, as [`Value::weight`](crate::Value::weight) counts: 256 KiB.
pub const LARGEST: usize = 256 * 1024;

/// What a transform remembers from one event to the next. A node that an edit leaves as it is keeps it in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What it is, in words that go on with "is lost": `its \`state\``.
    pub what: &'static str,
    /// A changed version of the node takes it over if its own key is the same; without one, none does.
    pub key: Option<String>,
    /// Whether it is sent on when the node ends, so that nothing is lost with it.
    pub is_sent: bool,
    /// How old it may be when the program that starts again goes on with it; without it, it ends with the program.
    ///
    /// Only for what [`Transform::remember`](crate::Transform::remember) tells, and never for what holds events, or
    /// says which have passed: events that were not settled come again, and what passed may not have arrived.
    pub outlives: Option<Duration>,
}

impl Memory {
    /// What is lost with the node, and what no other version of it could use.
    pub fn of(what: &'static str) -> Self {
        Memory { what, key: None, is_sent: false, outlives: None }
    }

    /// The same for one that a version with the same key takes over.
    #[must_use]
    pub fn with_key(self, key: impl Into<Option<String>>) -> Self {
        Memory { key: key.into(), ..self }
    }

    /// The same for one that outlives the program, if it has a key.
    #[must_use]
    pub fn outliving(self, at_most: Duration) -> Self {
        Memory { outlives: self.key.as_ref().map(|_| at_most), ..self }
    }

    /// Whether `next`, the memory of a changed version of the node, goes on with this one.
    pub fn goes_on_in(&self, next: Option<&Memory>) -> bool {
        self.key.is_some() && next.is_some_and(|next| next.key == self.key)
    }
}
