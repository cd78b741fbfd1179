//! [`FileStore`]: shadows that survive the program, one JSON text per shadow: `<thing>.json` or
//! `<thing>~<shadow>.json`. All of them are in memory too, so that only a change asks the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::Arc;

use fieldline_shadow::document::{Record, RecordError};
use fieldline_shadow::name::ShadowName;
use fieldline_shadow::service::{MemoryStore, Store, StoreError};
use fieldline_store::{AtomicFile, Storage};

/// What a file of ours cannot have: documents are a few KiB, and their metadata about as much for each member.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// A folder of shadows. Its methods block.
pub(super) struct FileStore {
    storage: Arc<dyn Storage>,
    folder: PathBuf,
    records: MemoryStore,
}

/// Why the shadows that were kept cannot be used. A file that is no shadow is neither overwritten nor passed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileStoreError {
    /// The folder cannot be made or listed.
    #[error("the shadow folder `{}` cannot be used", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The medium does not give or remove a file.
    #[error("the shadow file `{}` cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the medium said.
        source: fieldline_store::StoreError,
    },
    /// A file is no text.
    #[error("the shadow file `{}` cannot be read", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where it is none.
        source: FromUtf8Error,
    },
    /// A file is no shadow.
    #[error("the shadow file `{}` cannot be read", path.display())]
    NotAShadow {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: RecordError,
    },
}

impl FileStore {
    /// Reads what is in `folder`, which is made if it is not there. Tombstones whose time is over at `now` (epoch
    /// seconds) are removed.
    pub(super) fn open(storage: Arc<dyn Storage>, folder: PathBuf, now: u64) -> Result<Self, FileStoreError> {
        let unusable = |source| FileStoreError::Folder { path: folder.clone(), source };
        storage.create_directory(&folder).map_err(unusable)?;
        let entries = storage.list(&folder).map_err(unusable)?;
        let mut store = FileStore { storage, folder, records: MemoryStore::default() };
        for entry in entries {
            let Some(name) = name_of(&entry.path) else { continue };
            let file = store.file(&name);
            let record = read(&file)?;
            if record.is_expired(now) {
                file.remove().map_err(|source| FileStoreError::File { path: entry.path, source })?;
            } else {
                store.records.insert(name, record);
            }
        }
        Ok(store)
    }

    fn file(&self, name: &ShadowName) -> AtomicFile {
        AtomicFile::new(self.storage.clone(), self.folder.join(file_name(name)))
    }
}

impl Store for FileStore {
    fn load(&self, name: &ShadowName) -> Result<Option<Record>, StoreError> {
        self.records.load(name)
    }

    /// Two syncs. Where the second fails, the new record may be there after a power cut; until then the old one counts.
    fn save(&mut self, name: &ShadowName, record: Record) -> Result<(), StoreError> {
        let written = self.file(name).replace(record.to_text().as_bytes());
        written.map_err(|error| StoreError::Save { name: name.clone(), source: Box::new(error) })?;
        self.records.insert(name.clone(), record);
        Ok(())
    }

    fn list(&self, thing: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        self.records.list(thing, after, limit)
    }

    fn purge(&mut self, now: u64) -> Result<usize, StoreError> {
        for name in self.records.expired(now) {
            let removed = self.file(name).remove();
            removed.map_err(|error| StoreError::Purge { name: name.clone(), source: Box::new(error) })?;
        }
        self.records.purge(now)
    }
}

fn read(file: &AtomicFile) -> Result<Record, FileStoreError> {
    let path = || file.path().to_owned();
    let bytes = file.read(MOST_BYTES).map_err(|source| FileStoreError::File { path: path(), source })?;
    let text = String::from_utf8(bytes.unwrap_or_default());
    let text = text.map_err(|source| FileStoreError::NotText { path: path(), source })?;
    Record::from_text(&text).map_err(|source| FileStoreError::NotAShadow { path: path(), source })
}

fn file_name(name: &ShadowName) -> String {
    format!("{name}.json")
}

/// The shadow a file is of; `None` for other files, such as one that was not renamed before a crash.
fn name_of(file: &Path) -> Option<ShadowName> {
    let name = file.file_name()?.to_str()?.strip_suffix(".json")?;
    match name.split_once('~') {
        Some((thing, shadow)) => ShadowName::named(thing, shadow).ok(),
        None => ShadowName::classic(name).ok(),
    }
}

#[cfg(test)]
mod tests {
    use fieldline_shadow::document::Document;
    use fieldline_store::DiskStorage;
    use fieldline_store::testing::{MemoryStorage, PowerCut};

    use super::*;

    const FOLDER: &str = "/data/shadows";

    fn open(storage: &MemoryStorage, now: u64) -> FileStore {
        FileStore::open(Arc::new(storage.clone()), FOLDER.into(), now).expect("the shadows can be used")
    }

    fn pi() -> ShadowName {
        ShadowName::classic("pi").expect("a name")
    }

    fn version(version: u64) -> Record {
        Document { version, ..Document::default() }.into()
    }

    fn put(storage: &MemoryStorage, file: &str, text: &str) {
        let path = Path::new(FOLDER).join(file);
        storage.open(&path, true).expect("a new file").write_at(text.as_bytes(), 0).expect("room");
    }

    #[test]
    fn a_file_name_says_which_shadow_it_is() {
        for name in [ShadowName::classic("a:b_c-1"), ShadowName::named("pi", "$conf:ig")] {
            let name = name.expect("the names are good");
            assert_eq!(name_of(Path::new(&file_name(&name))), Some(name));
        }
        assert_eq!(name_of(Path::new("pi.json.new")), None);
    }

    #[test]
    fn files_of_earlier_versions_are_read() {
        let storage = MemoryStorage::new();
        let live = r#"{"state":{"desired":{"mode":"eco"},"reported":{"a":1.50}},"metadata":{"desired":{"mode":{"timestamp":1000}},"reported":{"a":{"timestamp":1001}}},"version":7}"#;
        put(&storage, "pi.json", live);
        put(&storage, "pi~settings.json", r#"{"deleted":true,"version":4,"timestamp":1000}"#);
        // What earlier versions wrote first, and a crash left.
        put(&storage, "pi.new", "{\"sta");
        let store = open(&storage, 1_000);
        let settings = ShadowName::named("pi", "settings").expect("a name");
        let text = |name: &ShadowName| {
            store.load(name).expect("memory does not fail").expect("it is there").to_text()
        };
        assert_eq!(text(&pi()), live);
        assert_eq!(text(&settings), r#"{"deleted":true,"version":4,"timestamp":1000}"#);
        assert_eq!(store.list("pi", None, 9).expect("memory does not fail"), [""; 0]);
    }

    #[test]
    fn a_kill_before_the_rename_leaves_the_shadow_as_it_was() {
        let storage = MemoryStorage::new();
        open(&storage, 0).save(&pi(), version(1)).expect("saved");
        put(&storage, "pi.json.new", &version(2).to_text());
        let mut store = open(&storage, 0);
        assert_eq!(store.load(&pi()).expect("memory does not fail"), Some(version(1)));
        store.save(&pi(), version(3)).expect("saved over what was left");
        assert_eq!(open(&storage, 0).load(&pi()).expect("memory does not fail"), Some(version(3)));
    }

    #[test]
    fn what_was_saved_survives_a_power_cut_and_what_was_not_is_the_old_shadow_or_the_new_one() {
        for fault in [MemoryStorage::fail_syncs, MemoryStorage::fail_directory_syncs] {
            for kept_names in 0..8 {
                let storage = MemoryStorage::new();
                let mut store = open(&storage, 0);
                store.save(&pi(), version(1)).expect("saved");
                fault(&storage, 1);
                let error = store.save(&pi(), version(2)).expect_err("it is not durable");
                assert!(matches!(error, StoreError::Save { name, .. } if name == pi()));
                assert_eq!(store.load(&pi()).expect("memory does not fail"), Some(version(1)));
                storage.cut_power(PowerCut { kept_names, ..PowerCut::default() });
                let left = open(&storage, 0).load(&pi()).expect("memory does not fail");
                assert!([Some(version(1)), Some(version(2))].contains(&left), "{left:?}");
            }
        }
    }

    #[test]
    fn a_tombstone_is_removed_when_its_time_is_over() {
        let storage = MemoryStorage::new();
        let tombstone = Record::Deleted { version: 2, at: 1_000 };
        let mut store = open(&storage, 1_000);
        store.save(&pi(), tombstone.clone()).expect("saved");
        let files = |storage: &MemoryStorage| storage.list(Path::new(FOLDER)).expect("a folder").len();
        assert_eq!((store.purge(1_000).expect("nothing to do"), files(&storage)), (0, 1));
        storage.set_read_only(true);
        let error = store.purge(1_000_000).expect_err("it cannot be removed");
        assert!(matches!(error, StoreError::Purge { name, .. } if name == pi()));
        storage.set_read_only(false);
        assert_eq!((store.purge(1_000_000).expect("removed"), files(&storage)), (1, 0));
        store.save(&pi(), tombstone).expect("saved");
        open(&storage, 1_000_000);
        assert_eq!(files(&storage), 0);
    }

    #[test]
    fn a_file_that_is_no_shadow_is_named_and_left_alone() {
        let storage = MemoryStorage::new();
        put(&storage, "pi.json", "{");
        let error = FileStore::open(Arc::new(storage.clone()), FOLDER.into(), 0).err();
        assert!(matches!(error, Some(FileStoreError::NotAShadow { path, .. }) if path.ends_with("pi.json")));
        assert_eq!(storage.list(Path::new(FOLDER)).expect("a folder").len(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let folder = file.path().join("shadows");
        let error = FileStore::open(Arc::new(DiskStorage), folder.clone(), 0).err();
        assert!(matches!(error, Some(FileStoreError::Folder { path, .. }) if path == folder));
    }
}
