//! [`Failure`]: why there is no answer that was wanted, with the exit code for it.

use std::fmt;

use anyhow::anyhow;
use fieldline_core::ComponentError;
use fieldline_mqtt::ConnectError;

use crate::exit::Exit;

/// An error and the exit code it ends with.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub(super) code: Exit,
    /// What is said of it.
    pub(super) error: anyhow::Error,
}

impl Failure {
    /// What was asked for cannot be asked.
    pub(super) fn usage(error: impl fmt::Display) -> Self {
        Failure { code: Exit::WrongUsage, error: anyhow!("{error}") }
    }

    /// The service, or the broker before it, says no.
    pub(super) fn rejected(error: impl fmt::Display) -> Self {
        Failure { code: Exit::Rejected, error: anyhow!("{error}") }
    }

    /// There is no way to the service, or it does not answer.
    pub(super) fn unreachable(error: impl fmt::Display) -> Self {
        Failure { code: Exit::Unreachable, error: anyhow!("{error}") }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure { code: Exit::Failed, error }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error.hint() {
            Some(hint) => Failure::unreachable(format!("{error} ({hint})")),
            None => Failure::unreachable(error),
        }
    }
}

/// What the link to the service ends with: the broker forbids a topic.
impl From<ComponentError> for Failure {
    fn from(error: ComponentError) -> Self {
        Failure::rejected(error.to_string())
    }
}
