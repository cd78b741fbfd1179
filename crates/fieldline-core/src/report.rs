//! [`Report`]: how a config is complained about. Problems name a field; the compiler, which knows where
//! each field was written, turns them into diagnostics with file, line and column.

use std::path::PathBuf;

use crate::path::FieldPath;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The program cannot run.
    Error,
    /// The program can run, but somebody should look.
    Warning,
}

/// Where a problem is, relative to the node that is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The value of a field; the empty path is the node itself.
    Field(FieldPath),
    /// The name of a field, such as one that should not be there.
    Key(FieldPath),
    /// Inside the text of a field, such as a script; line and column count from 1 within the text.
    Text {
        /// The field.
        field: FieldPath,
        /// Line within the text, from 1.
        line: usize,
        /// Column within that line, in characters, from 1.
        column: usize,
    },
    /// Inside another file, such as a script's.
    File {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
}

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The stable name of the rule, such as `bad-topic`: `fieldline explain bad-topic` tells more.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What is wrong: lower case, no full stop, names in `backticks`.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    /// Adds the line that says what to do.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }
}

/// All complaints about one node; never stops at the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    problems: Vec<Problem>,
}

impl Report {
    /// Something that keeps the program from running.
    pub fn error(&mut self, code: &'static str, place: Place, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Error, code, place, message.into())
    }

    /// Something that is allowed and probably not meant.
    pub fn warning(&mut self, code: &'static str, place: Place, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Warning, code, place, message.into())
    }

    /// The complaints in the order they were made.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn add(&mut self, severity: Severity, code: &'static str, place: Place, message: String) -> &mut Problem {
        self.problems.push(Problem { code, severity, place, message, help: None });
        self.problems.last_mut().expect("one was pushed just above")
    }
}
