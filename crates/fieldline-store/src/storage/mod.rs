//! The file system as the store sees it: a handful of blocking operations that a test can count and break.

mod disk;

use std::io;
use std::path::{Path, PathBuf};

pub use disk::DiskStorage;

/// The unit in which flash and page cache write, in bytes.
pub const PAGE_SIZE: u64 = 4096;

/// A file found in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name without the directory; what isn't UTF-8 in it is shown as replacement characters.
    pub name: String,
    /// Its full path.
    pub path: PathBuf,
    /// Its length in bytes.
    pub length: u64,
}

/// The room of a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What this program may still write.
    pub free: u64,
    /// All there is.
    pub total: u64,
}

/// Blocking access to files and directories. Errors are those of the operating system.
pub trait Storage: Send + Sync {
    /// Creates a directory and its parents if they are missing; their names are durable then.
    fn create_directory(&self, path: &Path) -> io::Result<()>;
    /// Everything in a directory, sorted by name.
    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>>;
    /// Opens a file to read and write; an existing file is kept, a missing one is created if `create`.
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn StorageFile>>;
    /// Deletes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Renames a file, replacing the target atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the creations, renames and deletions in a directory durable.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
    /// The room of the file system that a directory is on.
    fn space(&self, directory: &Path) -> io::Result<Space>;
    /// The time since the machine started, by a number that another such time doesn't have: while it is the same, what was
    /// written is there, also without a sync. `None` if that isn't known.
    fn boot(&self) -> Option<u128>;
    /// Takes an exclusive lock that ends with the returned value or the process; `None` if another holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send>>>;
}

/// An open file.
pub trait StorageFile: Send {
    /// Reads at an offset; 0 bytes at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at an offset; after an error any part of them may have been written.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts or extends the file.
    fn set_length(&mut self, length: u64) -> io::Result<()>;
    /// The length of the file in bytes.
    fn length(&self) -> io::Result<u64>;
    /// Makes data and length durable. After an error nothing is known of what was written since the last
    /// success, and a second call may succeed without it: the data has to be written again.
    fn sync(&mut self) -> io::Result<()>;
}

/// `length` in whole pages, which is what a file of this length occupies.
pub(crate) fn whole_pages(length: u64) -> u64 {
    length.next_multiple_of(PAGE_SIZE)
}

/// How many pages the bytes from `start` to `end` touch.
pub(crate) fn pages_touched(start: u64, end: u64) -> u64 {
    if start == end { 0 } else { (end - 1) / PAGE_SIZE - start / PAGE_SIZE + 1 }
}

/// Reads as much of `buffer` as the file has from `offset`; returns how much.
pub(crate) fn read_fully(file: &dyn StorageFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64)? {
            0 => break,
            bytes => filled += bytes,
        }
    }
    Ok(filled)
}

/// Makes durable what a file shows between two offsets, whatever became of earlier syncs.
///
/// A file may show what no medium has: the process before may have died after a failed sync, and a sync
/// alone would now succeed. Written again, the pages are dirty and the sync is about them.
pub(crate) fn write_again(file: &mut dyn StorageFile, start: u64, end: u64) -> io::Result<()> {
    let mut bytes = vec![0; (end - start) as usize];
    let read = read_fully(file, &mut bytes, start)?;
    file.write_at(&bytes[..read], start)?;
    file.sync()
}
