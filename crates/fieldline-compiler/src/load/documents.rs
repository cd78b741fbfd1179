//! [`Documents`]: the pipeline files that were read, each once, as trees.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use fieldline_core::FileError;

use crate::diagnostics::Diagnostics;
use crate::load::yaml::{self, Unreadable};
use crate::request::FileSource;
use crate::text::files::{FileId, FileSet, Span, normal};
use crate::text::node::Node;

/// One pipeline file, parsed.
pub(crate) struct Document {
    pub(crate) file: FileId,
    pub(crate) path: PathBuf,
    pub(crate) root: Node,
}

/// See the module.
pub(crate) struct Documents<'r> {
    pub(super) source: &'r dyn FileSource,
    /// The text of all that was read.
    pub(crate) files: FileSet,
    read: HashMap<PathBuf, Result<Rc<Document>, Broken>>,
}

/// Why there is no document.
#[derive(Clone)]
enum Broken {
    /// It cannot be read, for this reason; whoever asks for it complains.
    Missing(FileError),
    /// It was complained about.
    Invalid,
}

impl<'r> Documents<'r> {
    pub(crate) fn new(source: &'r dyn FileSource) -> Self {
        Documents { source, files: FileSet::default(), read: HashMap::new() }
    }

    /// The document at `path`, read once. What is wrong with it is complained about: a missing file at `asked`, the
    /// place that names it, or at the file itself for a root.
    pub(crate) fn document(
        &mut self,
        path: &Path,
        asked: Option<Span>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Rc<Document>> {
        let path = normal(path);
        if !self.read.contains_key(&path) {
            let document = self.parse(&path, diagnostics);
            self.read.insert(path.clone(), document);
        }
        match self.read.get(&path).cloned()? {
            Ok(document) => Some(document),
            Err(Broken::Invalid) => None,
            Err(Broken::Missing(reason)) => {
                match asked {
                    Some(span) => diagnostics.unreadable_file(span, &path, &reason),
                    None => {
                        let file = self.files.add(path.clone(), String::new());
                        diagnostics.unreadable_root(file, &path, &reason);
                    }
                }
                None
            }
        }
    }

    fn parse(&mut self, path: &Path, diagnostics: &mut Diagnostics) -> Result<Rc<Document>, Broken> {
        let bytes = self.source.read(path).map_err(Broken::Missing)?;
        let text = match yaml::decode(&bytes) {
            Ok(text) => text.to_owned(),
            Err(unreadable) => {
                self.refuse(path, &bytes, unreadable, diagnostics);
                return Err(Broken::Invalid);
            }
        };
        let file = self.files.add(path.to_owned(), text);
        let text = &self.files.file(file).text;
        let errors = diagnostics.errors();
        let root = yaml::parse(file, text, diagnostics).ok_or(Broken::Invalid)?;
        if diagnostics.errors() > errors {
            return Err(Broken::Invalid);
        }
        Ok(Rc::new(Document { file, path: path.to_owned(), root }))
    }

    fn refuse(&mut self, path: &Path, bytes: &[u8], unreadable: Unreadable, diagnostics: &mut Diagnostics) {
        // What can be shown of it: the text up to the bad byte.
        let shown = match unreadable {
            Unreadable::TooLarge(_) => 0,
            Unreadable::NotUtf8(at) | Unreadable::Nul(at) => at,
        };
        let text = String::from_utf8_lossy(&bytes[..shown]).into_owned();
        let file = self.files.add(path.to_owned(), text);
        let span = Span::new(file, shown, shown);
        match unreadable {
            Unreadable::TooLarge(size) => diagnostics.too_large(file, size, yaml::MAX_BYTES),
            Unreadable::NotUtf8(at) => diagnostics.not_utf8(span, at),
            Unreadable::Nul(at) => diagnostics.nul_byte(span, at),
        }
    }
}
