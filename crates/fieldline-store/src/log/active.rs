//! The writing end of the last segment, and what it does when the medium refuses a sync.
//!
//! After a failed fsync Linux marks the pages clean, so a second fsync succeeds without the data being anywhere
//! (PostgreSQL's "fsyncgate"). Everything since the last good sync is therefore kept in memory (bounded by
//! `MAX_UNSYNCED_BYTES` and one record) and written again before the next attempt.

use std::io;
use std::path::PathBuf;

use crate::stats::Stats;
use crate::storage::{StorageFile, pages_touched};

/// The open file that records are appended to.
pub(super) struct Active {
    pub(super) path: PathBuf,
    file: Box<dyn StorageFile>,
    /// What was written since the last good sync, header included.
    unsynced: Vec<u8>,
    /// Where `unsynced` starts in the file.
    synced_length: u64,
    /// One after the last durable sequence.
    pub(super) durable_end: u64,
    /// A sync failed and none succeeded since.
    suspect: bool,
}

impl Active {
    /// Wraps a file that is empty so far.
    pub(super) fn new(path: PathBuf, file: Box<dyn StorageFile>, first: u64) -> Self {
        Self { path, file, unsynced: Vec::new(), synced_length: 0, durable_end: first, suspect: false }
    }

    /// Writes at the end of the file; undone if it fails.
    pub(super) fn append(&mut self, bytes: &[u8], stats: &mut Stats) -> io::Result<()> {
        let offset = self.synced_length + self.unsynced.len() as u64;
        let written = self.file.write_at(bytes, offset);
        match written {
            Ok(()) => {
                stats.bytes_written += bytes.len() as u64;
                self.unsynced.extend_from_slice(bytes);
            }
            // If even this fails, the next append overwrites what is left and recovery would cut it off.
            Err(_) => drop(self.file.set_length(offset)),
        }
        written
    }

    /// Makes everything appended so far durable, up to the sequence before `end`. Tries twice: the second time
    /// the data is written again.
    pub(super) fn sync(&mut self, end: u64, stats: &mut Stats) -> io::Result<()> {
        if self.unsynced.is_empty() {
            return Ok(());
        }
        if self.attempt(stats).is_err() {
            self.attempt(stats)?;
        }
        self.synced_length += self.unsynced.len() as u64;
        self.unsynced.clear();
        self.durable_end = end;
        Ok(())
    }

    fn attempt(&mut self, stats: &mut Stats) -> io::Result<()> {
        if self.suspect {
            self.file.write_at(&self.unsynced, self.synced_length)?;
            stats.bytes_written += self.unsynced.len() as u64;
        }
        stats.syncs += 1;
        stats.pages_written +=
            pages_touched(self.synced_length, self.synced_length + self.unsynced.len() as u64);
        let synced = self.file.sync();
        self.suspect = synced.is_err();
        stats.failed_syncs += u64::from(self.suspect);
        synced
    }

    /// How many bytes a power cut would take.
    pub(super) fn unsynced_bytes(&self) -> usize {
        self.unsynced.len()
    }

    /// Whether what the file shows may differ from what was written.
    pub(super) fn is_suspect(&self) -> bool {
        self.suspect
    }
}
