//! Where a piece of a scalar's text stands in its file, for errors inside scripts and substitutions.
//!
//! Exact for literal blocks and for texts of one line without escapes. Elsewhere the n-th visible character of the
//! text is looked for in the file, which folding and line breaks do not disturb.

use super::node::Style;
use crate::text::files::{SourceFile, Span};

/// The line on which a scalar's text begins, from 1, and the characters before it on each of its lines.
pub(crate) fn start(file: &SourceFile, span: Span, style: Style, text: &str) -> (usize, usize) {
    let at = file.position(span.range().start);
    match style {
        Style::Plain => (at.line, at.column - 1),
        Style::SingleQuoted | Style::DoubleQuoted => (at.line, at.column),
        Style::Literal | Style::Folded => {
            let blank = text.lines().take_while(|line| line.trim().is_empty()).count();
            let first =
                (at.line..).find(|line| !file.line(*line).trim().is_empty() || *line > at.line + blank);
            let first = first.unwrap_or(at.line);
            let wanted = text.lines().nth(blank).unwrap_or_default();
            let extra = wanted.len() - wanted.trim_start().len();
            let source = file.line(first);
            let indent = (source.len() - source.trim_start().len()).saturating_sub(extra);
            (first.saturating_sub(blank).max(1), indent)
        }
    }
}

/// The byte in the file of `line` and `column` of the text, both from 1, the column in characters.
pub(crate) fn locate(
    file: &SourceFile,
    span: Span,
    style: Style,
    text: &str,
    line: usize,
    column: usize,
) -> usize {
    let simple = !file.text.get(span.range()).unwrap_or_default().contains(['\n', '\\'])
        && (style != Style::SingleQuoted || !text.contains('\''));
    let (first, indent) = start(file, span, style, text);
    if style == Style::Literal || (simple && line == 1 && style != Style::Folded) {
        return file.offset(first + line - 1, indent + column);
    }
    let before = text.lines().nth(line - 1).map_or(text, |wanted| {
        let until = wanted.char_indices().nth(column.saturating_sub(1)).map_or(wanted.len(), |(at, _)| at);
        let begin = wanted.as_ptr() as usize - text.as_ptr() as usize;
        &text[..begin + until]
    });
    let visible = before.chars().filter(|c| !c.is_whitespace()).count();
    nth_visible(file, span, style, visible)
}

/// The byte at which the visible character number `wanted`, from 0, of a scalar is written.
fn nth_visible(file: &SourceFile, span: Span, style: Style, wanted: usize) -> usize {
    let source = file.text.get(span.range()).unwrap_or_default();
    let (body, skipped) = match style {
        Style::SingleQuoted | Style::DoubleQuoted => {
            (source.get(1..source.len().saturating_sub(1)).unwrap_or(""), 1)
        }
        _ => (source, 0),
    };
    let mut seen = 0;
    let mut rest = body;
    while let Some(next) = rest.chars().next() {
        let (length, visible) = match (style, next) {
            (Style::SingleQuoted, '\'') => (2, true),
            (Style::DoubleQuoted, '\\') => escape(rest),
            _ => (next.len_utf8(), !next.is_whitespace()),
        };
        if visible && seen == wanted {
            break;
        }
        seen += usize::from(visible);
        rest = rest.get(length..).unwrap_or_default();
    }
    span.range().start + skipped + body.len() - rest.len()
}

/// How long an escape is that begins `rest`, and whether it stands for something visible.
fn escape(rest: &str) -> (usize, bool) {
    let kind = rest.chars().nth(1).unwrap_or(' ');
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    let unseen = matches!(kind, 'n' | 't' | 'r' | ' ' | '\t' | '\n' | '_' | 'N' | 'L' | 'P' | 'v' | 'f');
    (1 + kind.len_utf8() + digits, !unseen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Diagnostics;
    use crate::load::yaml;
    use crate::text::files::FileSet;
    use crate::text::node::{Content, Node};

    /// Puts `|` before every visible character found through its line and column in the text of `code`.
    fn check(yaml: &str, needle: char, expected: &str) {
        let mut files = FileSet::default();
        let id = files.add("a.yaml".into(), yaml.into());
        let root = yaml::parse(id, yaml, &mut Diagnostics::default()).expect("YAML");
        let node: &Node = root.get("code").expect("a code");
        let Content::Text(text, style) = &node.content else { panic!("a text") };
        let (line, column) = text
            .lines()
            .enumerate()
            .find_map(|(line, text)| Some((line + 1, text.chars().position(|c| c == needle)? + 1)))
            .expect("the needle");
        let at = locate(files.file(id), node.span, *style, text, line, column);
        assert_eq!(format!("{}|{}", &yaml[..at], &yaml[at..]), expected);
    }

    #[test]
    fn a_place_in_a_text_is_found_whatever_the_quotes() {
        check("code: a b X c\n", 'X', "code: a b |X c\n");
        check("code: 'a b X c'\n", 'X', "code: 'a b |X c'\n");
        check("code: 'it''s X c'\n", 'X', "code: 'it''s |X c'\n");
        check("code: \"é\\n \\\"X c\"\n", 'X', "code: \"é\\n \\\"|X c\"\n");
        check("code: a\n  b X\n", 'X', "code: a\n  b |X\n");
        check("code: |\n  a\n    é X\n", 'X', "code: |\n  a\n    é |X\n");
        check("code: |\n\n  a\n    X\n", 'X', "code: |\n\n  a\n    |X\n");
        check("code: |2-\n    a\n  X\n", 'X', "code: |2-\n    a\n  |X\n");
        check("code: >\n  a b\n  c\n\n  d X\n", 'X', "code: >\n  a b\n  c\n\n  d |X\n");
    }
}
