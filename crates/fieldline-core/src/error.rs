//! The errors a driver acts on: may it be tried again, or never?

use std::borrow::Cow;
use std::fmt;

/// Why a source or sink could not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentError {
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// A bounded word for metrics and the ledger, such as `timeout` or `refused`.
    pub reason: &'static str,
    /// A sentence for the operator: lower case, no full stop.
    pub message: String,
}

impl ComponentError {
    /// Worth another try: the driver backs off and calls again.
    pub fn retryable(reason: &'static str, message: impl fmt::Display) -> Self {
        ComponentError { retryable: true, reason, message: message.to_string() }
    }

    /// Will fail the same way again: a sink's events go to the dead letter, a source stops.
    pub fn permanent(reason: &'static str, message: impl fmt::Display) -> Self {
        ComponentError { retryable: false, reason, message: message.to_string() }
    }
}

impl fmt::Display for ComponentError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ComponentError {}

/// Why a transform could not process one event.
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
        EventError::new(error.reason, error.message)
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

/// Why a component could not be built from a config that passed its checks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(pub String);

impl BuildError {
    /// A sentence for the operator: lower case, no full stop.
    pub fn new(message: impl fmt::Display) -> Self {
        BuildError(message.to_string())
    }
}
