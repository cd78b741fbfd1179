//! [`ConfigSource`]: where pipeline files, environment variables and secrets come from.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use fieldline_compiler::{FileSource, MemoryFiles, SecretError, Variables};
use fieldline_core::FileError;

/// The files, environment variables and secrets that pipelines are compiled from.
pub trait ConfigSource: FileSource + Variables + Send + Sync {
    /// A mark that changes with the content of a file, found without reading it. `None` where only reading shows a
    /// change.
    fn stamp(&self, _path: &Path) -> Option<Stamp> {
        None
    }

    /// The file that holds the secret `name`, if secrets are files.
    fn secret_path(&self, _name: &str) -> Option<PathBuf> {
        None
    }
}

/// A mark of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The time of the last write.
    pub modified: SystemTime,
    /// The size in bytes.
    pub size: u64,
    /// The number of the file in its file system.
    pub number: u64,
}

/// Files in memory that can be edited. Secrets are files in the folder `secrets`; there are no environment variables.
#[derive(Debug, Default)]
pub struct MemorySource(Mutex<MemoryFiles>);

impl MemorySource {
    /// Writes a file, whether it was there or not.
    pub fn write(&self, path: impl Into<PathBuf>, content: impl Into<Bytes>) {
        self.files(|files| files.0.insert(path.into(), content.into()));
    }

    /// Removes a file.
    pub fn remove(&self, path: impl AsRef<Path>) {
        self.files(|files| files.0.remove(path.as_ref()));
    }

    fn files<T>(&self, act: impl FnOnce(&mut MemoryFiles) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl FileSource for MemorySource {
    fn read(&self, path: &Path) -> Result<Bytes, FileError> {
        self.files(|files| files.read(path))
    }

    fn list(&self, path: &Path) -> Option<Vec<PathBuf>> {
        self.files(|files| files.list(path))
    }
}

impl Variables for MemorySource {
    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    fn secret(&self, name: &str) -> Result<Option<String>, SecretError> {
        let content = self.secret_path(name).and_then(|path| self.read(&path).ok());
        Ok(content.map(|content| String::from_utf8_lossy(&content).into_owned()))
    }
}

impl ConfigSource for MemorySource {
    fn secret_path(&self, name: &str) -> Option<PathBuf> {
        Some(Path::new("secrets").join(name))
    }
}
