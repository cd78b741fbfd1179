//! [`ScriptSource`]: the text of a script and where it was written.

use fieldline_core::Origin;
use rhai::Position;

use crate::error::ScriptError;

/// The text of a script and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptSource {
    /// The script.
    pub text: String,
    /// Where its first line stands: in a file of its own, or inside a block of YAML.
    pub origin: Origin,
}

impl ScriptSource {
    /// A script that is a whole file, or one whose place is not known yet: positions count within `text`.
    pub fn whole(text: impl Into<String>, file: impl Into<std::path::PathBuf>) -> Self {
        ScriptSource { text: text.into(), origin: Origin { file: file.into(), line: 1, indent: 0 } }
    }

    /// An error at `position` of the text, in the coordinates of the file.
    pub(crate) fn error(&self, position: Position, message: impl Into<String>) -> ScriptError {
        let line = position.line().unwrap_or(1);
        let column = position.position().unwrap_or(1).max(1);
        ScriptError {
            message: message.into(),
            help: None,
            file: self.origin.file.clone(),
            line: self.origin.line + line - 1,
            column: self.origin.indent + column,
        }
    }
}
