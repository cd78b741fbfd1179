//! Where records are kept: a trait for the caller to implement, and one implementation in memory.

use std::collections::BTreeMap;
use std::error::Error;

use crate::document::Record;
use crate::name::ShadowName;

/// Why a store failed. The client gets code 500, the caller of the service this.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nobody knows what the shadow is.
    #[error("the shadow `{name}` cannot be read")]
    Load {
        /// The shadow.
        name: ShadowName,
        /// What the medium said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The shadow is still what it was.
    #[error("the shadow `{name}` cannot be saved")]
    Save {
        /// The shadow.
        name: ShadowName,
        /// What the medium said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Which named shadows there are cannot be told.
    #[error("the shadows of `{thing}` cannot be listed")]
    List {
        /// The thing.
        thing: String,
        /// What the medium said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An expired tombstone is still there. It has no effect but the space it takes.
    #[error("the deleted shadow `{name}` cannot be removed")]
    Purge {
        /// The shadow.
        name: ShadowName,
        /// What the medium said.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Keeps the records of all shadows.
///
/// `save` returns `Ok` only when the record survives whatever the store is to survive, because the service then
/// answers that the request was accepted. After an error `load` gives the record from before.
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

impl MemoryStore {
    /// Replaces the record of `name`, which memory never refuses.
    pub fn insert(&mut self, name: ShadowName, record: Record) {
        self.records.insert(name, record);
    }

    /// The shadows whose records [are expired](Record::is_expired) at `now`.
    pub fn expired(&self, now: u64) -> impl Iterator<Item = &ShadowName> {
        self.records.iter().filter(move |(_, record)| record.is_expired(now)).map(|(name, _)| name)
    }
}

impl Store for MemoryStore {
    fn load(&self, name: &ShadowName) -> Result<Option<Record>, StoreError> {
        Ok(self.records.get(name).cloned())
    }

    fn save(&mut self, name: &ShadowName, record: Record) -> Result<(), StoreError> {
        self.insert(name.clone(), record);
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
