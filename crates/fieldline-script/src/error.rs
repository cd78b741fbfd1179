//! [`ScriptError`]: what is wrong with a script, or why it could not process one event.

use std::path::PathBuf;

/// What is wrong, and where. It prints as `file:line:column: message; help`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {message}{}", file.display(), suffix(help.as_deref()))]
pub struct ScriptError {
    /// A sentence: lower case, no full stop, names in `backticks`.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The file: the one of the script's origin, or of a script it imports.
    pub file: PathBuf,
    /// The line in that file, from 1.
    pub line: usize,
    /// The column in that line, in characters, from 1.
    pub column: usize,
}

impl ScriptError {
    /// The same error with a line that says what to do.
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same error, suggesting `name` if there is one.
    pub(crate) fn meaning(self, name: Option<&str>) -> Self {
        match name {
            Some(name) => self.with_help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

fn suffix(help: Option<&str>) -> String {
    help.map(|help| format!("; {help}")).unwrap_or_default()
}
