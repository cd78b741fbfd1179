//! [`ComponentFiles`]: the files that components read, such as scripts and certificates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use fieldline_core::{FileError, Files};

use crate::request::FileSource;
use crate::text::files::{FileSet, Span};

/// The files that components read, each read once for a compilation.
pub(crate) struct ComponentFiles<'r> {
    source: &'r dyn FileSource,
    read: Mutex<BTreeMap<PathBuf, Result<Bytes, FileError>>>,
}

impl<'r> ComponentFiles<'r> {
    pub(crate) fn new(source: &'r dyn FileSource) -> Self {
        ComponentFiles { source, read: Mutex::default() }
    }

    /// All that was asked for.
    pub(crate) fn into_read(self) -> BTreeMap<PathBuf, Result<Bytes, FileError>> {
        self.read.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place in one of them, which is added to `shown`; line and column from 1. `None` if it is no text.
    pub(crate) fn place(&self, path: &Path, line: usize, column: usize, shown: &mut FileSet) -> Option<Span> {
        let id = match shown.find(path) {
            Some(id) => id,
            None => {
                let text = String::from_utf8(self.read(path).ok()?.to_vec()).ok()?;
                shown.add(path.to_owned(), text)
            }
        };
        let file = shown.file(id);
        let at = file.offset(line, column);
        Some(Span::new(id, at, at + file.width(at)))
    }
}

impl Files for ComponentFiles<'_> {
    fn read(&self, path: &Path) -> Result<Bytes, FileError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(path.to_owned()).or_insert_with(|| self.source.read(path)).clone()
    }
}
