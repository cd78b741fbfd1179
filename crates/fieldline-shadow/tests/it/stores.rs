//! Stores for the tests.

use fieldline_shadow::document::Record;
use fieldline_shadow::name::ShadowName;
use fieldline_shadow::service::{MemoryStore, Store, StoreError};

/// A store on a disk that has become read-only.
#[derive(Debug)]
pub(crate) struct ReadOnlyStore(pub(crate) MemoryStore);

impl Store for ReadOnlyStore {
    fn load(&self, name: &ShadowName) -> Result<Option<Record>, StoreError> {
        self.0.load(name)
    }

    fn save(&mut self, name: &ShadowName, _record: Record) -> Result<(), StoreError> {
        Err(StoreError::Save { name: name.clone(), source: "read-only file system".into() })
    }

    fn list(&self, thing: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        self.0.list(thing, after, limit)
    }

    fn purge(&mut self, now: u64) -> Result<usize, StoreError> {
        match self.0.expired(now).next() {
            Some(name) => {
                Err(StoreError::Purge { name: name.clone(), source: "read-only file system".into() })
            }
            None => Ok(0),
        }
    }
}
