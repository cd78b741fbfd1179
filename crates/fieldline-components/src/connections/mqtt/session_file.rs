//! Which topic filters a broker has in the session of a connection, kept over a restart, so that a broker is told to
//! forget those that are gone from the pipeline files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fieldline_core::connection::SESSIONS;
use fieldline_mqtt::Connection;
use fieldline_store::{Checkpoint, DiskStorage, StoreError};

use crate::blocking::blocking;

/// The shape of what is saved: whose session it is and then the filters, parted by the character that none may have.
const VERSION: u32 = 1;

/// The file of one connection.
pub(super) struct SessionFile {
    checkpoint: Arc<Checkpoint>,
    path: PathBuf,
    /// The client and its broker: the session of another says nothing of this one.
    owner: String,
}

impl SessionFile {
    /// The file of connection `node` (`pipeline/node`) below `data_dir`, for the session of `owner`. Nothing is read or
    /// written yet.
    pub(super) fn new(data_dir: &Path, node: &str, owner: String) -> Self {
        let path = data_dir.join(SESSIONS).join(node);
        SessionFile { checkpoint: Arc::new(Checkpoint::new(Arc::new(DiskStorage), &path)), path, owner }
    }

    /// Tells the connection what an earlier run had in the session. A file that cannot be read says nothing: then
    /// messages for nobody are thrown away as they come.
    pub(super) async fn recall(&self, connection: &Connection) -> BTreeSet<String> {
        let checkpoint = self.checkpoint.clone();
        let filters = match blocking(move || checkpoint.load()).await {
            Ok(Some(saved)) if saved.version == VERSION => self.decode(&saved.payload),
            Ok(_) => BTreeSet::new(),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the topics of the last run cannot be read");
                BTreeSet::new()
            }
        };
        connection.remember(filters.clone());
        filters
    }

    /// Saves the filters whenever they are others than the `saved` ones; never ends.
    pub(super) async fn keep(&self, connection: &Connection, mut saved: BTreeSet<String>) {
        let mut filters = connection.filters();
        let mut has_failed = false;
        loop {
            let changed = filters.wait_for(|filters| *filters != saved).await;
            let now = changed.expect("`connection` has the sender").clone();
            if let Err(error) = self.save(&now).await
                && !std::mem::replace(&mut has_failed, true)
            {
                let path = self.path.display();
                tracing::warn!(%path, %error, "the topics subscribed to cannot be kept for the next run");
            }
            saved = now;
        }
    }

    async fn save(&self, filters: &BTreeSet<String>) -> Result<(), StoreError> {
        let (checkpoint, payload) = (self.checkpoint.clone(), self.encode(filters));
        blocking(move || checkpoint.save(VERSION, &payload)).await
    }

    fn encode(&self, filters: &BTreeSet<String>) -> Vec<u8> {
        let parts: Vec<&str> = [&self.owner].into_iter().chain(filters).map(String::as_str).collect();
        parts.join("\0").into_bytes()
    }

    /// No filters where the session is of another client or at another broker.
    fn decode(&self, payload: &[u8]) -> BTreeSet<String> {
        let text = String::from_utf8_lossy(payload);
        let mut parts = text.split('\0');
        let is_ours = parts.next() == Some(self.owner.as_str());
        parts.filter(|_| is_ours).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_of_a_session_are_its_own() {
        let file = |owner: &str| SessionFile::new(Path::new("data"), "p/plant", owner.to_owned());
        let filters: BTreeSet<String> = ["a/#", "b"].map(str::to_owned).into();
        let saved = file("station at broker:1883").encode(&filters);
        assert_eq!(file("station at broker:1883").decode(&saved), filters);
        assert_eq!(file("other at broker:1883").decode(&saved), BTreeSet::new());
        let none = file("station at broker:1883").encode(&BTreeSet::new());
        assert_eq!(file("station at broker:1883").decode(&none), BTreeSet::new());
    }
}
