//! Golden files: what came out once and was found good, one JSON text a line.

use std::path::{Path, PathBuf};

use fieldline_compiler::FileSource;
use fieldline_core::Value;

use crate::collector::Record;
use crate::recording::{self, text};

/// A golden file as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Golden {
    /// Where it belongs.
    pub path: PathBuf,
    /// What it should say.
    pub text: String,
}

/// The bodies in the file at `path`; the error says what to do.
pub(crate) fn read(path: &Path, files: &dyn FileSource) -> Result<Vec<Value>, String> {
    let shown = path.display();
    let bytes = files.read(path);
    let bytes = bytes.map_err(|reason| format!("cannot read `{shown}`: {reason}; `--update` writes it"))?;
    recording::lines(&bytes).map_err(|reason| format!("`{shown}`: {reason}"))
}

/// The file with `records`, if it says something else now.
pub(crate) fn updated(path: &Path, records: &[Record], files: &dyn FileSource) -> Option<Golden> {
    let lines = records.iter().map(|record| text(&record.body) + "\n").collect::<String>();
    let is_same = files.read(path).is_ok_and(|bytes| *bytes == *lines.as_bytes());
    (!is_same).then(|| Golden { path: path.to_owned(), text: lines })
}
