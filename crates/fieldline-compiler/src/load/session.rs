//! [`Session`]: what the steps of one compilation share: the request, the files read, what was found wrong, and
//! the secrets that must not be shown.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use fieldline_core::Files;

use crate::diagnostics::Diagnostics;
use crate::load::yaml::{self, Unreadable};
use crate::request::{FileSource, Request};
use crate::text::files::{FileId, FileSet, Span, normal};
use crate::text::node::Node;

/// One pipeline file, parsed.
pub(crate) struct Document {
    pub(crate) file: FileId,
    pub(crate) path: PathBuf,
    pub(crate) root: Node,
}

/// See the module.
pub(crate) struct Session<'r> {
    pub(crate) request: &'r Request<'r>,
    pub(crate) files: FileSet,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) secrets: BTreeSet<String>,
    /// Secrets written in files, to be made illegible.
    pub(crate) masked: Vec<Span>,
    documents: HashMap<PathBuf, Result<Rc<Document>, Broken>>,
    /// Files of components that a problem was found in.
    scripts: HashMap<PathBuf, FileId>,
}

/// Why there is no document.
#[derive(Clone)]
enum Broken {
    /// It cannot be read, for this reason; whoever asks for it complains.
    Missing(String),
    /// It was complained about.
    Invalid,
}

impl<'r> Session<'r> {
    pub(crate) fn new(request: &'r Request<'r>) -> Self {
        Session {
            request,
            files: FileSet::default(),
            diagnostics: Diagnostics::default(),
            secrets: BTreeSet::new(),
            masked: Vec::new(),
            documents: HashMap::new(),
            scripts: HashMap::new(),
        }
    }

    /// The document at `path`, read once. What is wrong with it is complained about: a missing file at `asked`, the
    /// place that names it, or at the file itself for a root.
    pub(crate) fn document(&mut self, path: &Path, asked: Option<Span>) -> Option<Rc<Document>> {
        let path = normal(path);
        if !self.documents.contains_key(&path) {
            let document = self.read(&path);
            self.documents.insert(path.clone(), document);
        }
        match self.documents.get(&path).cloned()? {
            Ok(document) => Some(document),
            Err(Broken::Invalid) => None,
            Err(Broken::Missing(reason)) => {
                match asked {
                    Some(span) => self.diagnostics.unreadable_file(span, &path, &reason),
                    None => {
                        let file = self.files.add(path.clone(), String::new());
                        self.diagnostics.unreadable_root(file, &path, &reason);
                    }
                }
                None
            }
        }
    }

    fn read(&mut self, path: &Path) -> Result<Rc<Document>, Broken> {
        let bytes = self.request.files.read(path).map_err(Broken::Missing)?;
        let text = match yaml::decode(&bytes) {
            Ok(text) => text.to_owned(),
            Err(unreadable) => {
                self.refuse(path, &bytes, unreadable);
                return Err(Broken::Invalid);
            }
        };
        let file = self.files.add(path.to_owned(), text);
        let text = &self.files.file(file).text;
        let errors = self.diagnostics.errors();
        let root = yaml::parse(file, text, &mut self.diagnostics).ok_or(Broken::Invalid)?;
        if self.diagnostics.errors() > errors {
            return Err(Broken::Invalid);
        }
        Ok(Rc::new(Document { file, path: path.to_owned(), root }))
    }

    fn refuse(&mut self, path: &Path, bytes: &[u8], unreadable: Unreadable) {
        // What can be shown of it: the text up to the bad byte.
        let shown = match unreadable {
            Unreadable::TooLarge(_) => 0,
            Unreadable::NotUtf8(at) | Unreadable::Nul(at) => at,
        };
        let text = String::from_utf8_lossy(&bytes[..shown]).into_owned();
        let file = self.files.add(path.to_owned(), text);
        let span = Span::new(file, shown, shown);
        match unreadable {
            Unreadable::TooLarge(size) => self.diagnostics.too_large(file, size),
            Unreadable::NotUtf8(at) => self.diagnostics.not_utf8(span, at),
            Unreadable::Nul(at) => self.diagnostics.nul_byte(span, at),
        }
    }

    /// A place in a file that a component reads, such as a script; line and column from 1. `None` if it is no text.
    pub(crate) fn place_in(
        &mut self,
        files: &dyn Files,
        path: &Path,
        line: usize,
        column: usize,
    ) -> Option<Span> {
        let id = match self.scripts.get(path) {
            Some(id) => *id,
            None => {
                let text = String::from_utf8(files.read(path).ok()?.to_vec()).ok()?;
                let id = self.files.add(path.to_owned(), text);
                self.scripts.insert(path.to_owned(), id);
                id
            }
        };
        let file = self.files.file(id);
        let at = file.offset(line, column);
        let next = file.text[at..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
        Some(Span::new(id, at, at + next))
    }

    /// `path` as written in `file`: a relative one starts at the folder of the file.
    pub(crate) fn resolve(&self, file: FileId, path: &str) -> PathBuf {
        resolve(&self.files, file, path)
    }
}

/// `path` as written in `file`: a relative one starts at the folder of the file.
pub(crate) fn resolve(files: &FileSet, file: FileId, path: &str) -> PathBuf {
    let folder = files.path(file).parent().unwrap_or(Path::new(""));
    normal(&folder.join(path))
}

/// The files that components read, each read once for a compilation.
pub(crate) struct ComponentFiles<'r> {
    source: &'r dyn FileSource,
    read: Mutex<BTreeMap<PathBuf, Result<Bytes, String>>>,
}

impl<'r> ComponentFiles<'r> {
    pub(crate) fn new(source: &'r dyn FileSource) -> Self {
        ComponentFiles { source, read: Mutex::default() }
    }

    /// All that was asked for.
    pub(crate) fn into_read(self) -> BTreeMap<PathBuf, Result<Bytes, String>> {
        self.read.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files for ComponentFiles<'_> {
    fn read(&self, path: &Path) -> Result<Bytes, String> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(path.to_owned()).or_insert_with(|| self.source.read(path)).clone()
    }
}
