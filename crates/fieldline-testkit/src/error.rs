//! What can go wrong before a case is judged: no case runs, this one cannot be played, or a file beside it cannot be read.
//! The texts of the last two are for the author of the case.

use std::io;
use std::path::PathBuf;

use fieldline_core::json::JsonError;
use fieldline_core::{FieldPath, FileError, HeadError, RecordError, TimeError};
use fieldline_runtime::ApplyError;

/// Why no case could run.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// There is no room for the files of cases.
    #[error("no temporary folder can be made")]
    Scratch(#[from] io::Error),
}

/// Why a case cannot be played.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaseError {
    /// A recording that it feeds cannot be used.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// It is no test any more.
    #[error("`{node}` is fed more than {most} events")]
    TooManyEvents {
        /// The node that is fed.
        node: String,
        /// The most events of a case.
        most: usize,
    },
    /// A recording is to be fed at its own pace and does not tell it.
    #[error("`{node}` is fed an event without a time in `{field}`: {error}")]
    NoTime {
        /// The node that is fed.
        node: String,
        /// The field with the time.
        field: FieldPath,
        /// What is there instead.
        error: TimeError,
    },
    /// A connection is to be fed, or to fail like a node.
    #[error("`{0}` is a connection: let it go down with `connection` and `down`")]
    PlaysConnection(String),
    /// A transform is to fail.
    #[error("`{0}` is a transform: only sources and sinks can fail")]
    FailsTransform(String),
    /// A source of `run` is also to be fed or to fail.
    #[error("`{0}` runs as it is: it cannot be fed or fail")]
    PlaysRunning(String),
    /// A source of `run` cannot work without its connection.
    #[error("`{0}` needs its connection: feed it instead")]
    NeedsConnection(String),
    /// Only sources may be named in `run`.
    #[error("`{0}` is no source: everything else runs anyway")]
    RunsNoSource(String),
    /// Events are expected of a connection.
    #[error("nothing comes out of `{0}`: it is a connection")]
    ExpectsConnection(String),
    /// Events are expected of a node that the case has cut off.
    #[error("`{0}` does not run here: the case feeds everything that reads it")]
    NotOnStage(String),
    /// Events are expected at an output that the node does not have.
    #[error("`{node}` has no output `{output}`; it has {}", list(outputs))]
    NoOutput {
        /// The node.
        node: String,
        /// The output it should have.
        output: String,
        /// The outputs it has.
        outputs: Vec<String>,
    },
    /// The machine has nothing left for a case.
    #[error("tokio cannot start: {0}")]
    Tokio(io::Error),
    /// The pipeline does not start on its stage.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// Why the bodies in a file cannot be used. The file is a recording, or golden.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordingError {
    /// It cannot be read.
    #[error("cannot read `{}`: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: FileError,
    },
    /// It is golden, cannot be read, and can be written.
    #[error("cannot read `{}`: {error}; `--update` writes it", path.display())]
    NoGolden {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: FileError,
    },
    /// It says something else than bodies.
    #[error("`{}`: {error}", path.display())]
    NoBodies {
        /// The file.
        path: PathBuf,
        /// Where, and why not.
        error: BodyError,
    },
}

/// Where a text has no body. It does not name the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// A line is no JSON.
    #[error("line {number}: {error}")]
    Line {
        /// The line, from 1.
        number: usize,
        /// Why not.
        error: JsonError,
    },
    /// A row does not fit its table.
    #[error("line {number}: {error}")]
    Row {
        /// The line, from 1.
        number: u64,
        /// Why not.
        error: RecordError,
    },
    /// The names of a table cannot be read.
    #[error(transparent)]
    Head(#[from] HeadError),
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
