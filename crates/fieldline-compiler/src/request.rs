//! What the compiler is given: [`Request`], and the traits through which it sees the world.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use fieldline_core::{FileError, Registry, Value};

use crate::text::files::normal;

/// Where files come from: the disk in the program, [`MemoryFiles`] in tests.
pub trait FileSource: Send + Sync {
    /// The content of a file.
    fn read(&self, path: &Path) -> Result<Bytes, FileError>;

    /// What is in a folder, in any order; `None` if `path` is no folder.
    fn list(&self, path: &Path) -> Option<Vec<PathBuf>>;

    /// The one path of what is at `path`, whichever links lead there. What is not there is taken as it is written, and
    /// so is everything where there are no links.
    fn canonical(&self, path: &Path) -> PathBuf {
        normal(path)
    }
}

/// Why a secret may not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Its name names no file.
    #[error("its name is no file name")]
    NoFileName,
    /// Others than its user can read its file.
    #[error("`{}` can be read by others; run `chmod 600` on it", .0.display())]
    ReadableByOthers(PathBuf),
    /// Its file cannot be read.
    #[error("`{}`: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: FileError,
    },
}

/// The variables a pipeline file may name.
pub trait Variables {
    /// The environment variable `name`.
    fn env(&self, name: &str) -> Option<String>;

    /// The secret `name`, if there is one.
    fn secret(&self, name: &str) -> Result<Option<String>, SecretError>;
}

/// What to compile.
#[derive(Clone)]
pub struct Request<'a> {
    /// Files, and folders of which every `.yaml` and `.yml` below is taken.
    pub roots: &'a [PathBuf],
    /// Where files come from.
    pub files: &'a dyn FileSource,
    /// Where variables come from.
    pub variables: &'a dyn Variables,
    /// The components there are.
    pub registry: &'a Registry,
    /// Values that go before those of the files and of the environment; empty but for test cases.
    pub overrides: Overrides,
}

/// Values that go before those written in files and set in the environment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// By name of the param.
    pub params: BTreeMap<String, Value>,
    /// By name of the environment variable.
    pub env: BTreeMap<String, String>,
}

/// Files in memory; a folder is there when a file is in it.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles(pub BTreeMap<PathBuf, Bytes>);

impl MemoryFiles {
    /// Adds a file.
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, content: impl Into<Bytes>) -> Self {
        self.0.insert(path.into(), content.into());
        self
    }
}

impl FileSource for MemoryFiles {
    fn read(&self, path: &Path) -> Result<Bytes, FileError> {
        self.0.get(path).cloned().ok_or(FileError::Missing)
    }

    fn list(&self, path: &Path) -> Option<Vec<PathBuf>> {
        if self.0.contains_key(path) {
            return None;
        }
        let mut entries: Vec<PathBuf> = self
            .0
            .keys()
            .filter_map(|file| {
                file.strip_prefix(if path == Path::new(".") { Path::new("") } else { path }).ok()
            })
            .filter_map(|rest| rest.components().next())
            .map(|first| if path == Path::new(".") { PathBuf::from(&first) } else { path.join(first) })
            .collect();
        entries.dedup();
        (!entries.is_empty()).then_some(entries)
    }
}

/// Variables in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryVariables {
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// The secrets; an error is why one may not be used.
    pub secrets: BTreeMap<String, Result<String, SecretError>>,
}

impl Variables for MemoryVariables {
    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }

    fn secret(&self, name: &str) -> Result<Option<String>, SecretError> {
        self.secrets.get(name).cloned().transpose()
    }
}
