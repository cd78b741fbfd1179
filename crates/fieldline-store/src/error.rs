//! What can go wrong in the store, one variant per thing a caller can do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why an operation of the store failed. Unless a method says otherwise, a failed operation changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The configured size can't hold a useful log.
    #[error("a disk buffer of {max_size} bytes is too small, the minimum is {minimum} bytes")]
    TooSmall {
        /// The size that was asked for, in bytes.
        max_size: u64,
        /// The smallest size that is accepted, in bytes.
        minimum: u64,
    },
    /// Another process, or another buffer of this one, owns the directory.
    #[error("`{directory}` is in use by another buffer")]
    InUse {
        /// The directory that is locked.
        directory: PathBuf,
    },
    /// The log is at its `max_size` and `when_full` is `Block`; acknowledge records and try again.
    #[error("the disk buffer `{directory}` is full at {max_size} bytes")]
    Full {
        /// The directory of the log.
        directory: PathBuf,
        /// Its cap in bytes.
        max_size: u64,
    },
    /// The record (or the state of a checkpoint) can never fit; a record belongs in the dead letter.
    #[error("{size} bytes are over the limit of {limit} bytes for one record or state")]
    TooLarge {
        /// Bytes of the payload.
        size: u64,
        /// The largest payload this log takes, in bytes.
        limit: u64,
    },
    /// The file system has no space left, although the log is below its own cap.
    #[error("no space left on the disk of `{path}`")]
    DiskFull {
        /// The file that couldn't grow.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file system is mounted read-only, which an SD card does to itself when it wears out.
    #[error("the file system of `{path}` is read-only")]
    ReadOnly {
        /// The file that couldn't be changed.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The medium refused to make data durable, twice. What was not yet synced is still held and is written
    /// again by the next `sync` or `append`; until one succeeds it must not be reported as safe.
    #[error("`{path}` could not be made durable")]
    SyncFailed {
        /// The segment that isn't durable.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A stored record can't be read. Try again later, or give it up with `Log::abandon`.
    #[error("record {sequence} in `{path}` can't be read")]
    Unreadable {
        /// The segment file.
        path: PathBuf,
        /// The first record that can't be read.
        sequence: u64,
        /// What the system said.
        source: io::Error,
    },
    /// A file was written by a newer (or foreign) version of this program.
    #[error("`{path}` has format version {found}, this program reads version {supported}")]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it declares.
        found: u32,
        /// The version this program writes.
        supported: u32,
    },
    /// A file or the position in the directory has a number so high that none is left for another record. The log
    /// never gets there by itself.
    #[error("`{directory}` has a number that leaves none for another record; move its files away")]
    UsedUp {
        /// The directory of the log.
        directory: PathBuf,
    },
    /// A checkpoint's bytes don't match their checksum.
    #[error("the checkpoint `{path}` is damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Any other failure of the system.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl StoreError {
    /// Sorts a system error into the variants a caller treats differently.
    pub(crate) fn from_io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path, source },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, source },
            _ => Self::Io { action, path, source },
        }
    }
}
