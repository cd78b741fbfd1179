//! Golden files: what came out once and was found good, one JSON text a line.

use std::path::{Path, PathBuf};

use fieldline_compiler::FileSource;
use fieldline_core::Value;

use crate::collector::Record;
use crate::error::RecordingError;
use crate::recording::{self, text};

/// A golden file as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Golden {
    /// Where it belongs.
    pub path: PathBuf,
    /// What it should say.
    pub text: String,
}

/// The bodies in the file at `path`.
pub(crate) fn read(path: &Path, files: &dyn FileSource) -> Result<Vec<Value>, RecordingError> {
    let no_golden = |error| RecordingError::NoGolden { path: path.to_owned(), error };
    let bytes = files.read(path).map_err(no_golden)?;
    recording::lines(&bytes).map_err(|error| RecordingError::NoBodies { path: path.to_owned(), error })
}

/// The file with `records`, if it says something else now.
pub(crate) fn updated(path: &Path, records: &[Record], files: &dyn FileSource) -> Option<Golden> {
    let lines = records.iter().map(|record| text(&record.body) + "\n").collect::<String>();
    let is_same = files.read(path).is_ok_and(|bytes| *bytes == *lines.as_bytes());
    (!is_same).then(|| Golden { path: path.to_owned(), text: lines })
}
