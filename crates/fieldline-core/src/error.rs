//! The errors a driver acts on: may it be tried again, or never?

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// What lies behind an error: the error of a library, or a sentence for the operator: lower case, no full stop.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why a source or sink could not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComponentError {
    /// The same call may succeed later: the driver backs off and calls again.
    #[error(transparent)]
    Retryable(Failure),
    /// It will fail the same way again: a sink's events go to the dead letter, a source stops.
    #[error(transparent)]
    Permanent(Failure),
}

impl ComponentError {
    /// Worth another try. `reason` is for counting, `cause` for reading.
    pub fn retryable(reason: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        ComponentError::Retryable(Failure::new(reason, cause))
    }

    /// Not worth another try. `reason` is for counting, `cause` for reading.
    pub fn permanent(reason: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        ComponentError::Permanent(Failure::new(reason, cause))
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, ComponentError::Retryable(_))
    }

    /// A bounded word for metrics and the ledger, such as `timeout` or `refused`.
    pub fn reason(&self) -> &'static str {
        self.failure().reason
    }

    /// What failed.
    pub fn failure(&self) -> &Failure {
        match self {
            ComponentError::Retryable(failure) | ComponentError::Permanent(failure) => failure,
        }
    }

    /// The same failure, worth another try.
    #[must_use]
    pub fn into_retryable(self) -> Self {
        match self {
            ComponentError::Retryable(failure) | ComponentError::Permanent(failure) => {
                ComponentError::Retryable(failure)
            }
        }
    }
}

/// What failed. It reads as its cause.
#[derive(Clone, Debug)]
pub struct Failure {
    /// A bounded word for metrics and the ledger.
    pub reason: &'static str,
    /// What lies behind it.
    pub cause: Cause,
}

impl Failure {
    /// `reason` is for counting, `cause` for reading.
    pub fn new(reason: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Failure { reason, cause: cause.into().into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(formatter)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

impl PartialEq for Failure {
    /// Causes are equal that read the same.
    fn eq(&self, other: &Self) -> bool {
        self.reason == other.reason && self.cause.to_string() == other.cause.to_string()
    }
}

impl Eq for Failure {}

/// Why a transform could not process one event: it goes to the dead letter with that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventError {
    /// A bounded word for metrics and the ledger, such as `script_error`.
    pub reason: &'static str,
    /// A sentence for the person who reads the dead letter.
    pub message: Cow<'static, str>,
}

impl EventError {
    /// `reason` is for counting, `message` for reading.
    pub fn new(reason: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        EventError { reason, message: message.into() }
    }
}

impl From<ComponentError> for EventError {
    fn from(error: ComponentError) -> Self {
        EventError::new(error.reason(), error.to_string())
    }
}

impl From<EventError> for Failure {
    fn from(error: EventError) -> Self {
        Failure::new(error.reason, error.message)
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

/// Why a component could not be built from a config that passed its checks, or cannot go on with what another remembers.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BuildError {
    /// It refuses, and says why.
    #[error(transparent)]
    Refused(Cause),
    /// There is no connection of this name.
    #[error("no connection `{0}`")]
    NoConnection(String),
    /// The connection is not of the type that the node needs.
    #[error("connection `{name}` is of another type than `{node}` needs")]
    OtherConnection {
        /// The connection.
        name: String,
        /// The node.
        node: String,
    },
    /// A file it needs cannot be read.
    #[error("cannot read `{}`: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: FileError,
    },
    /// It panicked, with this message.
    #[error("{0}")]
    Panicked(String),
}

impl BuildError {
    /// The component refuses; `cause` says why.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        BuildError::Refused(cause.into().into())
    }
}

/// Why a file cannot be read. It does not name the file again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FileError {
    /// There is none.
    #[error("there is no such file")]
    Missing,
    /// The system does not let us.
    #[error("permission denied")]
    Forbidden,
    /// A folder is in its place.
    #[error("it is a folder")]
    Folder,
    /// A FIFO, socket or device is in its place.
    #[error("it is a {0}, and only regular files are read")]
    NotRegular(&'static str),
    /// It is larger than this many MiB.
    #[error("it is larger than {0} MiB")]
    TooLarge(u64),
    /// It was not read when the plan was compiled, and nothing is read later.
    #[error("it was not there when the plan was compiled")]
    NotInPlan,
    /// Anything else, in the words of who keeps the files.
    #[error("{0}")]
    Other(String),
}

impl From<std::io::Error> for FileError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => FileError::Missing,
            std::io::ErrorKind::PermissionDenied => FileError::Forbidden,
            _ => FileError::Other(error.to_string()),
        }
    }
}
