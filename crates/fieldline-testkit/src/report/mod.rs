//! What became of all cases, and how it is written for people, programs and build servers.

pub mod human;

pub mod data;

pub mod junit;

use std::fmt;
use std::path::PathBuf;

use fieldline_core::amount;

use crate::coverage::Coverage;
use crate::golden::Golden;

/// What became of all cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Each case, in the order of the files.
    pub cases: Vec<CaseReport>,
    /// What nodes and ports saw, if that was asked for.
    pub coverage: Option<Coverage>,
    /// The golden files that should be written, if that was asked for.
    pub goldens: Vec<Golden>,
}

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseReport {
    /// The pipeline.
    pub pipeline: String,
    /// The name of the case.
    pub name: String,
    /// Where it is written.
    pub place: Place,
    /// What was not as expected; nothing if it has passed.
    pub failures: Vec<Failure>,
    /// What may help to find the cause of a failure.
    pub notes: Vec<String>,
}

/// Something that was not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What: lower case, no full stop.
    pub message: String,
    /// The expectation; `None` for what holds for every case.
    pub place: Option<Place>,
    /// What was expected, as JSON.
    pub expected: Option<String>,
    /// What came, as JSON.
    pub actual: Option<String>,
}

/// A place in a file, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Report {
    /// How many cases have failed.
    pub fn failed(&self) -> usize {
        self.cases.iter().filter(|case| !case.has_passed()).count()
    }

    /// `3 cases: 2 passed, 1 failed`.
    pub fn summary(&self) -> String {
        let (all, failed) = (self.cases.len(), self.failed());
        format!("{}: {} passed, {failed} failed", amount(all, "case", "cases"), all - failed)
    }
}

impl CaseReport {
    /// Whether all was as expected.
    pub fn has_passed(&self) -> bool {
        self.failures.is_empty()
    }
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Failure { message: message.into(), place: None, expected: None, actual: None }
    }

    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    pub(crate) fn expected(mut self, expected: String) -> Self {
        self.expected = Some(expected);
        self
    }

    pub(crate) fn actual(mut self, actual: String) -> Self {
        self.actual = Some(actual);
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}
