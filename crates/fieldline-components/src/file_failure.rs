//! [`FileFailure`]: what the system said of a file that a source reads or a sink writes.

use std::io;
use std::path::{Path, PathBuf};

/// Something that could not be done with a file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} `{}`: {error}", path.display())]
pub(crate) struct FileFailure {
    /// What was to be done: `open`.
    verb: &'static str,
    path: PathBuf,
    /// Why it was not; part of the message, and so no source of it.
    pub(crate) error: io::Error,
}

impl FileFailure {
    /// `verb` was not done with the file at `path`.
    pub(crate) fn new(verb: &'static str, path: &Path, error: io::Error) -> Self {
        FileFailure { verb, path: path.to_owned(), error }
    }
}
