//! A file that is replaced as a whole: after a crash it holds the old bytes or the new ones, never a mixture.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::StoreError;
use crate::storage::{Storage, read_fully};

/// A file without a format: its bytes are the caller's. Every replacement rewrites all of them and costs two syncs.
/// One owner per path.
pub struct AtomicFile {
    storage: Arc<dyn Storage>,
    path: PathBuf,
}

impl AtomicFile {
    /// Names the file; nothing is read or written yet.
    pub fn new(storage: Arc<dyn Storage>, path: impl Into<PathBuf>) -> Self {
        Self { storage, path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the bytes. When this returns `Ok`, the new ones survive a power cut.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::ReadOnly`] or [`StoreError::Io`]. The old bytes are still there,
    /// unless only the last step failed, after which a power cut decides between the old and the new ones.
    pub fn replace(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let directory = match self.path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let fresh = replacement_path(&self.path);
        let fail = |action, path: &Path| {
            let path = path.to_owned();
            move |error| StoreError::from_io(action, &path, error)
        };
        self.storage.create_directory(directory).map_err(fail("create", directory))?;
        let mut file = self.storage.open(&fresh, true).map_err(fail("open", &fresh))?;
        file.set_length(0).map_err(fail("empty", &fresh))?;
        file.write_at(bytes, 0).map_err(fail("write", &fresh))?;
        file.sync().map_err(fail("sync", &fresh))?;
        self.storage.rename(&fresh, &self.path).map_err(fail("replace", &self.path))?;
        self.storage.sync_directory(directory).map_err(fail("sync", directory))
    }

    /// The bytes, but no more than the first `most`; `None` if there is no file.
    ///
    /// # Errors
    /// [`StoreError::Io`] if they can't be read.
    pub fn read(&self, most: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let fail = |error| StoreError::from_io("read", &self.path, error);
        let file = match self.storage.open(&self.path, false) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        let length = file.length().map_err(fail)?.min(most);
        let mut bytes = vec![0; length as usize];
        let read = read_fully(file.as_ref(), &mut bytes, 0).map_err(fail)?;
        bytes.truncate(read);
        Ok(Some(bytes))
    }

    /// Deletes the file, if there is one. A power cut soon afterwards may bring it back.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`] or [`StoreError::Io`].
    pub fn remove(&self) -> Result<(), StoreError> {
        match self.storage.remove(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::from_io("remove", &self.path, error))
            }
            _ => Ok(()),
        }
    }
}

/// The new bytes are written next to the old ones, so that the rename stays inside one directory.
fn replacement_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}
