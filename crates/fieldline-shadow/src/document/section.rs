//! One section of a document: a state and the stamps that mirror it.

use indexmap::IndexMap;

use super::merge;
use super::stamps::{Stamps, cut, to_object};
use crate::json::{Json, Object, compact_len};

/// `desired` or `reported`. The stamps always have the shape of the state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Section {
    state: Object,
    stamps: IndexMap<String, Stamps>,
}

impl Section {
    /// A section with the given state; stamps that `metadata` lacks are 0.
    pub fn new(state: Object, metadata: Option<&Json>) -> Self {
        let stamps = state
            .iter()
            .map(|(key, value)| {
                (key.clone(), Stamps::from_json(metadata.and_then(|metadata| metadata.get(key)), value))
            })
            .collect();
        Section { state, stamps }
    }

    /// The state.
    pub fn state(&self) -> &Object {
        &self.state
    }

    /// The metadata, in the form of the answers.
    pub fn metadata(&self) -> Object {
        to_object(&self.stamps)
    }

    /// The metadata of that part of the state which `shape` holds.
    pub fn metadata_of(&self, shape: &Object) -> Object {
        cut(&self.stamps, shape)
    }

    /// Whether the section counts as absent.
    pub fn is_empty(&self) -> bool {
        self.state.is_empty()
    }

    /// Compact JSON bytes of the state; none if it is absent.
    pub fn size(&self) -> usize {
        state_size(&self.state)
    }

    /// Merges `patch`; only the leaves it names are stamped with `now`.
    pub fn merge(&mut self, patch: &Object, now: u64) {
        merge(&mut self.state, patch);
        restamp(&mut self.stamps, &self.state, patch, now);
    }
}

/// What a state counts towards the size limit: compact JSON bytes, none if it is empty and therefore absent.
pub(crate) fn state_size(state: &Object) -> usize {
    if state.is_empty() { 0 } else { compact_len(state) }
}

fn restamp(stamps: &mut IndexMap<String, Stamps>, state: &Object, patch: &Object, now: u64) {
    for (key, change) in patch {
        let Some(value) = state.get(key) else {
            stamps.shift_remove(key);
            continue;
        };
        match (change, value, stamps.get_mut(key)) {
            (Json::Object(change), Json::Object(value), Some(Stamps::Object(inner))) => {
                restamp(inner, value, change, now);
            }
            _ => {
                stamps.insert(key.clone(), Stamps::of(value, now));
            }
        }
    }
}
