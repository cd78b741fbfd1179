//! Where records are kept: a trait for the caller to implement, and one implementation in memory.

use std::collections::BTreeMap;

use crate::document::Record;
use crate::name::ShadowName;

/// A record could not be read or written; the client gets code 500, the caller the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("shadow store: {0}")]
pub struct StoreError(pub String);

/// Keeps the records of all shadows. A record that `save` has accepted must survive.
pub trait Store {
    /// The record of `name`, if there is one.
    fn load(&self, name: &ShadowName) -> Result<Option<Record>, StoreError>;

    /// Replaces the record of `name`.
    fn save(&mut self, name: &ShadowName, record: Record) -> Result<(), StoreError>;

    /// Up to `limit` names of the named shadows of `thing` that exist, sorted, from the first after `after` on.
    fn list(&self, thing: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError>;

    /// Removes the records that [are expired](Record::is_expired) at `now`; the number removed.
    fn purge(&mut self, now: u64) -> Result<usize, StoreError>;
}

/// Records in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    records: BTreeMap<ShadowName, Record>,
}

impl Store for MemoryStore {
    fn load(&self, name: &ShadowName) -> Result<Option<Record>, StoreError> {
        Ok(self.records.get(name).cloned())
    }

    fn save(&mut self, name: &ShadowName, record: Record) -> Result<(), StoreError> {
        self.records.insert(name.clone(), record);
        Ok(())
    }

    fn list(&self, thing: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        let of_thing = self.records.iter().filter(|(name, _)| name.thing() == thing);
        let live = of_thing.filter(|(_, record)| record.live().is_some());
        let names = live.filter_map(|(name, _)| name.shadow());
        Ok(names
            .filter(|name| after.is_none_or(|after| *name > after))
            .take(limit)
            .map(str::to_owned)
            .collect())
    }

    fn purge(&mut self, now: u64) -> Result<usize, StoreError> {
        let before = self.records.len();
        self.records.retain(|_, record| !record.is_expired(now));
        Ok(before - self.records.len())
    }
}
