//! A file system in memory that counts what it is asked to do, fails on demand, and forgets like a real one
//! when the power goes. For tests of this crate and of those that build on it.

mod file;
mod state;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::storage::{Entry, Space, Storage, StorageFile};
use file::MemoryFile;
use state::State;

/// What a power cut leaves of what was never synced. Deterministic: the numbers are reduced to what there is.
#[derive(Clone, Copy, Debug, Default)]
pub struct PowerCut {
    /// How many of the unsynced bytes of each file arrived, in the order they were written.
    pub kept_bytes: u64,
    /// Which bit of the unsynced bytes that arrived is wrong, if any.
    pub flipped_bit: Option<u64>,
    /// For each created, renamed or deleted name that was never synced, one bit: whether the change arrived.
    pub kept_names: u64,
}

/// What was asked of the storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes written to files.
    pub bytes_written: u64,
    /// Pages of 4 KiB that syncs wrote: the distinct dirty ones of the file, or one for a directory.
    pub pages_written: u64,
    /// Successful and failed syncs of files and directories.
    pub syncs: u64,
}

/// A file system in memory. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryStorage {
    state: Arc<Mutex<State>>,
}

impl MemoryStorage {
    /// An empty file system without limits or faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets writes fail with `ENOSPC` once all files together would be longer than this; a write that doesn't
    /// fit writes what does.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// Lets every change fail with `EROFS`.
    pub fn set_read_only(&self, read_only: bool) {
        self.state().is_read_only = read_only;
    }

    /// Lets the next syncs of files fail with `EIO`. As on Linux the unsynced bytes stay visible, never
    /// reach the medium, and the sync after that succeeds.
    pub fn fail_syncs(&self, count: u32) {
        self.state().failing_syncs = count;
    }

    /// Lets the next syncs of directories fail with `EIO`.
    pub fn fail_directory_syncs(&self, count: u32) {
        self.state().failing_directory_syncs = count;
    }

    /// Lets every read of this file fail with `EIO`.
    pub fn set_unreadable(&self, path: Option<PathBuf>) {
        self.state().unreadable = path;
    }

    /// Turns one bit of a file around, on the medium too.
    pub fn flip_bit(&self, path: &Path, bit: u64) {
        self.state().flip_bit(path, bit);
    }

    /// What all files occupy in whole pages, in bytes.
    pub fn occupied(&self) -> u64 {
        self.state().occupied()
    }

    /// The most that [`Self::occupied`] ever was.
    pub fn peak(&self) -> u64 {
        self.state().peak
    }

    /// What was asked so far.
    pub fn counters(&self) -> Counters {
        self.state().counters
    }

    /// Pulls the plug: all locks end, and of what wasn't synced only what `power_cut` says is left. Files that
    /// are still open must not be used afterwards.
    pub fn cut_power(&self, power_cut: PowerCut) {
        self.state().cut_power(power_cut);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for MemoryStorage {
    /// Every directory exists already.
    fn create_directory(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        Ok(self.state().list(directory))
    }

    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn StorageFile>> {
        let id = self.state().open(path, create)?;
        Ok(Box::new(MemoryFile::new(self.state.clone(), id, path.to_owned())))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().rename(from, to)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.state().sync_directory(path)
    }

    fn space(&self, _directory: &Path) -> io::Result<Space> {
        Ok(self.state().space())
    }

    fn boot(&self) -> Option<u128> {
        Some(self.state().boot())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send>>> {
        let mut state = self.state();
        state.open(path, true)?;
        let Some(token) = state.take_lock(path) else { return Ok(None) };
        Ok(Some(Box::new(Lock { state: self.state.clone(), path: path.to_owned(), token })))
    }
}

/// A lock that ends with this value.
struct Lock {
    state: Arc<Mutex<State>>,
    path: PathBuf,
    token: u64,
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).release_lock(&self.path, self.token);
    }
}
