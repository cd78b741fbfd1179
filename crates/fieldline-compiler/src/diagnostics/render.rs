//! A diagnostic as rustc would show it, and as one line.

use std::ops::Range;

use annotate_snippets::renderer::DEFAULT_TERM_WIDTH;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use fieldline_core::amount;
use fieldline_core::report::Severity;

use super::Diagnostic;
use crate::text::files::{FileId, FileSet, SourceFile, Span};

/// Whether terminal colours are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// Plain text.
    Never,
    /// ANSI escapes.
    Always,
}

/// The diagnostic with an excerpt of its file, carets, related places and the help line. Ends without a newline.
pub fn render(diagnostic: &Diagnostic, files: &FileSet, color: Color) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group =
        level.primary_title(&diagnostic.message).id(diagnostic.code).elements(Vec::<Origin<'_>>::new());
    for (file, annotations) in by_file(diagnostic) {
        let source = files.file(file);
        let path = source.path.display().to_string();
        group = if source.text.is_empty() {
            group.element(Origin::path(path))
        } else {
            let (window, first_line) = window(source, &annotations);
            let snippet = Snippet::source(&source.text[window.clone()]).line_start(first_line).path(path);
            let shown = annotations.into_iter().map(|each| annotation(each, source, &window));
            group.element(snippet.annotations(shown))
        };
    }
    let mut groups = vec![group];
    let repeated = repetition(diagnostic);
    if let Some(repeated) = &repeated {
        groups.push(Group::with_title(Level::NOTE.secondary_title(repeated)));
    }
    groups.push(Group::with_title(Level::HELP.secondary_title(&diagnostic.help)));
    let renderer = match color {
        Color::Never => Renderer::plain(),
        Color::Always => Renderer::styled(),
    };
    let text = renderer.term_width(DEFAULT_TERM_WIDTH).render(&groups);
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The diagnostic in one line: `file:line:column: error[code]: message; help`.
pub fn line(diagnostic: &Diagnostic, files: &FileSet) -> String {
    let file = files.file(diagnostic.span.file);
    let at = file.position(diagnostic.span.start as usize);
    let word = word(diagnostic.severity);
    format!(
        "{}:{}:{}: {word}[{}]: {}; help: {}",
        file.path.display(),
        at.line,
        at.column,
        diagnostic.code,
        diagnostic.message,
        diagnostic.help
    )
}

/// `error` or `warning`.
pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn repetition(diagnostic: &Diagnostic) -> Option<String> {
    match diagnostic.repeated {
        0 => None,
        more => {
            let others = amount(more, "more pipeline that uses", "more pipelines that use");
            Some(format!("the same is wrong in {others} this file"))
        }
    }
}

type Place<'d> = (AnnotationKind, Span, &'d str);

/// The places of a diagnostic file by file, that of the problem itself first.
fn by_file(diagnostic: &Diagnostic) -> Vec<(FileId, Vec<Place<'_>>)> {
    let primary = (AnnotationKind::Primary, diagnostic.span, diagnostic.label.as_str());
    let mut files = vec![(diagnostic.span.file, vec![primary])];
    for (span, label) in &diagnostic.related {
        let place = (AnnotationKind::Context, *span, label.as_str());
        match files.iter_mut().find(|(file, _)| *file == span.file) {
            Some((_, places)) => places.push(place),
            None => files.push((span.file, vec![place])),
        }
    }
    files
}

/// The whole lines that the places touch, and the number of the first; the rest of a large file is not looked at.
fn window(file: &SourceFile, places: &[Place<'_>]) -> (Range<usize>, usize) {
    let starts = || places.iter().map(|(_, span, _)| file.position(span.range().start).line);
    let (first, last) = (starts().min().unwrap_or(1), starts().max().unwrap_or(1));
    (file.offset(first, 1)..file.offset(last, usize::MAX), first)
}

/// Shows a span of several lines by its first alone, which is where a person looks.
fn annotation<'d>(
    (kind, span, label): Place<'d>,
    file: &SourceFile,
    window: &Range<usize>,
) -> Annotation<'d> {
    let text = &file.text;
    let from = window.start;
    // A line ends before its carriage returns, among which a place may be.
    let start = text.floor_char_boundary(span.range().start.min(window.end));
    let end = text.ceil_char_boundary(span.range().end.clamp(start, text.len()));
    let shown = text[start..end].lines().next().unwrap_or_default().trim_end().len();
    let annotation = kind.span(start - from..start - from + shown);
    if label.is_empty() { annotation } else { annotation.label(label) }
}
