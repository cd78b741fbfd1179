//! A diagnostic as data, for `--format json` and for editors.

use std::path::PathBuf;

use serde::Serialize;

use super::{Diagnostic, render};
use crate::text::files::{FileSet, Span};

/// A diagnostic with its places worked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiagnosticData {
    /// The stable name of the rule.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Where it is.
    #[serde(flatten)]
    pub place: PlaceData,
    /// Other places that have to do with it.
    pub related: Vec<RelatedData>,
    /// In how many more pipelines the same is wrong.
    pub repeated: usize,
}

/// Another place, and what it has to do with the problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelatedData {
    /// What it has to do with it.
    pub message: String,
    /// Where it is.
    #[serde(flatten)]
    pub place: PlaceData,
}

/// A place three times: for people, for editors, for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceData {
    /// The file.
    pub file: PathBuf,
    /// Line of its start, from 1.
    pub line: usize,
    /// Column of its start in characters, from 1.
    pub column: usize,
    /// Start and end as the language server protocol counts: lines and UTF-16 units from 0.
    pub range: RangeData,
    /// First byte, and the byte behind the last.
    pub bytes: (usize, usize),
}

/// A range as the language server protocol writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RangeData {
    /// Where it begins.
    pub start: PointData,
    /// Where it ends, exclusive.
    pub end: PointData,
}

/// A point as the language server protocol writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PointData {
    /// Line, from 0.
    pub line: usize,
    /// UTF-16 units before it in the line.
    pub character: usize,
}

/// The data of `diagnostic`.
pub fn data(diagnostic: &Diagnostic, files: &FileSet) -> DiagnosticData {
    let related = |(span, message): &(Span, String)| RelatedData {
        message: message.clone(),
        place: place(*span, files),
    };
    DiagnosticData {
        code: diagnostic.code,
        severity: render::word(diagnostic.severity),
        message: diagnostic.message.clone(),
        help: diagnostic.help.clone(),
        place: place(diagnostic.span, files),
        related: diagnostic.related.iter().map(related).collect(),
        repeated: diagnostic.repeated,
    }
}

/// The data of a span.
pub fn place(span: Span, files: &FileSet) -> PlaceData {
    let file = files.file(span.file);
    let (start, end) = (file.position(span.range().start), file.position(span.range().end));
    let point = |at: crate::text::files::Position| PointData { line: at.line - 1, character: at.utf16 };
    PlaceData {
        file: file.path.clone(),
        line: start.line,
        column: start.column,
        range: RangeData { start: point(start), end: point(end) },
        bytes: (span.range().start, span.range().end),
    }
}
