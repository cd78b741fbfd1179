//! What a config is given when it is checked and when it is built.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::clock::Clock;
use crate::connection::Handle;
use crate::error::{BuildError, FileError};
use crate::path::FieldPath;
use crate::report::{Place, Problem, Report};

/// The path of a file. Where it is relative, it starts at the folder of the file that wrote it; the
/// compiler has joined the two before a component sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
pub struct FilePath(pub PathBuf);

/// Where the contents of files come from: memory in tests, the disk in the program. A file is read
/// once for a plan, so that what was checked is what is built.
pub trait Files: Send + Sync {
    /// The content of `path`.
    fn read(&self, path: &Path) -> Result<Bytes, FileError>;
}

/// What [`Config::check`](crate::Config::check) is given.
pub struct CheckCx<'a> {
    report: &'a mut Report,
    files: &'a dyn Files,
    with: Vec<String>,
    inputs: Vec<String>,
}

impl<'a> CheckCx<'a> {
    /// A context that collects in `report` and reads from `files`.
    pub fn new(report: &'a mut Report, files: &'a dyn Files) -> Self {
        CheckCx { report, files, with: Vec::new(), inputs: Vec::new() }
    }

    /// The same for a node that has the latest values of these beside each event.
    #[must_use]
    pub fn beside(self, with: Vec<String>) -> Self {
        CheckCx { with, ..self }
    }

    /// The same for a node that reads these.
    #[must_use]
    pub fn reading(self, inputs: Vec<String>) -> Self {
        CheckCx { inputs, ..self }
    }

    /// The names under which the node has the latest values of others: its `with:`.
    pub fn with(&self) -> &[String] {
        &self.with
    }

    /// What the node reads, as it is written under `inputs:`: each `node` or `node.output`.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// The files, for whoever reads them by itself.
    pub fn files(&self) -> &'a dyn Files {
        self.files
    }

    /// Complains about the value of `field`, written as a path such as `tls.ca`; empty for the whole node.
    pub fn error(&mut self, code: &'static str, field: &str, message: impl Into<String>) -> &mut Problem {
        self.report.error(code, place(field), message)
    }

    /// Like [`CheckCx::error`], for what is allowed and probably not meant.
    pub fn warning(&mut self, code: &'static str, field: &str, message: impl Into<String>) -> &mut Problem {
        self.report.warning(code, place(field), message)
    }

    /// Complains about any place, such as one inside a script.
    pub fn error_at(&mut self, code: &'static str, place: Place, message: impl Into<String>) -> &mut Problem {
        self.report.error(code, place, message)
    }

    /// The content of a file that `field` names; complains with `unreadable-file` if there is none.
    pub fn file(&mut self, field: &str, path: &FilePath) -> Option<Bytes> {
        match self.files.read(&path.0) {
            Ok(content) => Some(content),
            Err(reason) => {
                let message = format!("cannot read `{}`: {reason}", path.0.display());
                self.error("unreadable-file", field, message)
                    .help("a relative path starts at the folder of the file that names it");
                None
            }
        }
    }
}

fn place(field: &str) -> Place {
    Place::Field(if field.is_empty() {
        FieldPath::root()
    } else {
        FieldPath::parse(field).unwrap_or_default()
    })
}

/// Where the text of a field was written, so that an error inside it can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub file: PathBuf,
    /// The line of the text's first line, from 1.
    pub line: usize,
    /// Columns before the text's lines, such as the indentation of a block.
    pub indent: usize,
}

/// What [`Config::build`](crate::Config::build) is given.
pub struct BuildCx<'a> {
    /// The node's full name: `pipeline/node`.
    pub node: &'a str,
    /// The files as they were when the plan was compiled.
    pub files: &'a dyn Files,
    /// The handles of the connections the node may use, by the name its config gives.
    pub connections: &'a BTreeMap<String, Handle>,
    /// Where the node may keep what it must remember; made on first use.
    pub data_dir: &'a Path,
    /// The names under which the node has the latest values of others: its `with:`.
    pub with: &'a [String],
    /// For what must know while it computes how long it has computed. What happens when is told by the
    /// [`Moment`](crate::Moment).
    pub clock: &'a Clock,
    /// Where each text field was written.
    pub origins: &'a dyn Fn(&FieldPath) -> Option<Origin>,
}

impl BuildCx<'_> {
    /// The handle of connection `name`, which must be of the type its users expect.
    pub fn connection<T: Send + Sync + 'static>(&self, name: &str) -> Result<Arc<T>, BuildError> {
        let handle = self.connections.get(name).ok_or_else(|| BuildError::NoConnection(name.to_owned()))?;
        let wrong = |_| BuildError::OtherConnection { name: name.to_owned(), node: self.node.to_owned() };
        handle.clone().downcast::<T>().map_err(wrong)
    }

    /// The content of a file.
    pub fn file(&self, path: &FilePath) -> Result<Bytes, BuildError> {
        let error = |error| BuildError::Unreadable { path: path.0.clone(), error };
        self.files.read(&path.0).map_err(error)
    }

    /// Where the text of `field` was written.
    pub fn origin(&self, field: &str) -> Option<Origin> {
        (self.origins)(&FieldPath::parse(field).ok()?)
    }
}
