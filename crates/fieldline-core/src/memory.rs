//! [`Memory`]: what a transform remembers, and which later version of its node may go on with it.

/// What a transform remembers from one event to the next. A node that an edit leaves as it is keeps it in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What it is, in words that go on with "is lost": `its \`state\``.
    pub what: &'static str,
    /// A changed version of the node takes it over if its own key is the same; without one, none does.
    pub key: Option<String>,
    /// Whether it is sent on when the node ends, so that nothing is lost with it.
    pub is_sent: bool,
}

impl Memory {
    /// What is lost with the node, and what no other version of it could use.
    pub fn of(what: &'static str) -> Self {
        Memory { what, key: None, is_sent: false }
    }

    /// The same for one that a version with the same key takes over.
    #[must_use]
    pub fn with_key(self, key: impl Into<Option<String>>) -> Self {
        Memory { key: key.into(), ..self }
    }

    /// Whether `next`, the memory of a changed version of the node, goes on with this one.
    pub fn goes_on_in(&self, next: Option<&Memory>) -> bool {
        self.key.is_some() && next.is_some_and(|next| next.key == self.key)
    }
}
