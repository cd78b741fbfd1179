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

    fn save(&mut self, _name: &ShadowName, _record: Record) -> Result<(), StoreError> {
        Err(StoreError("read-only file system".to_owned()))
    }

    fn list(&self, thing: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        self.0.list(thing, after, limit)
    }

    fn purge(&mut self, _now: u64) -> Result<usize, StoreError> {
        Err(StoreError("read-only file system".to_owned()))
    }
}
