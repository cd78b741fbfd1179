//! [`Registry`]: every component there is, by kind and name.

use std::collections::BTreeMap;

use crate::definition::{Definition, Kind};
use crate::suggest::nearest;

/// The components a program knows.
pub struct Registry {
    definitions: BTreeMap<(Kind, &'static str), Definition>,
}

impl Registry {
    /// A registry of `definitions`.
    ///
    /// # Panics
    /// If two definitions have the same kind and name: a mistake in the program's own lists.
    pub fn new(definitions: impl IntoIterator<Item = Definition>) -> Self {
        let mut all = BTreeMap::new();
        for definition in definitions {
            let clash = all.insert((definition.kind, definition.name), definition);
            assert!(clash.is_none(), "two {}s are called `{}`", definition.kind.word(), definition.name);
        }
        Registry { definitions: all }
    }

    /// The component of this kind and name.
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Definition> {
        self.definitions.iter().find(|((k, n), _)| *k == kind && *n == name).map(|(_, definition)| definition)
    }

    /// All components, by kind, then name.
    pub fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.definitions.values()
    }

    /// All components of a kind, by name.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Definition> {
        self.iter().filter(move |definition| definition.kind == kind)
    }

    /// The name nearest to one that does not exist.
    pub fn suggest(&self, kind: Kind, name: &str) -> Option<&'static str> {
        nearest(name, self.of_kind(kind).map(|definition| definition.name))
    }
}
