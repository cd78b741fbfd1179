//! In which order the members of a map leave a script, whose own maps are sorted by name.
//!
//! A map that was changed in place keeps its members where they were, and new ones follow. A map that
//! was put in place of another, and whatever is new, comes in the order in which the script first
//! writes the names, in a map literal or on the left of `=`; names it never writes come last.

use compact_str::CompactString;
use fieldline_core::Map;
use indexmap::IndexSet;
use rhai::{Dynamic, Identifier};

/// The names a script writes, in the order of its text.
#[derive(Debug, Default)]
pub(crate) struct Order(IndexSet<CompactString>);

impl Order {
    /// Takes the next name.
    pub(crate) fn add(&mut self, name: &str) {
        if !self.contains(name) {
            self.0.insert(name.into());
        }
    }

    /// Whether the script writes `name`.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// The members of `map` that are not in `kept`, in order; `before` is the map as it came.
    pub(crate) fn sorted<'m>(
        &self,
        map: &'m rhai::Map,
        kept: Option<&Map>,
        before: Option<&Map>,
    ) -> Vec<(&'m Identifier, &'m Dynamic)> {
        let mut members: Vec<_> = map
            .iter()
            .filter(|(name, _)| kept.is_none_or(|kept| !kept.contains_key(name.as_str())))
            .collect();
        members.sort_by_cached_key(|(name, _)| {
            let written = self.0.get_index_of(name.as_str()).unwrap_or(usize::MAX);
            let stood = before.and_then(|map| map.get_index_of(name.as_str())).unwrap_or(usize::MAX);
            (written, stood)
        });
        members
    }
}
