//! Fields of log lines. The text of `Debug` is Rust, which no operator reads: a field is a number, a text or `Display`.

use crate::finding::Finding;
use crate::tidy::code::product_code;
use crate::workspace::SourceFile;

const MACROS: [&str; 5] = ["error!(", "warn!(", "info!(", "debug!(", "trace!("];

/// Finds fields `?name` and `name = ?value` in the lines that the product logs.
pub fn check(sources: &[SourceFile]) -> Vec<Finding> {
    sources.iter().filter(|source| !source.is_test()).flat_map(check_file).collect()
}

fn check_file(source: &SourceFile) -> Vec<Finding> {
    let code = product_code(&source.text);
    let calls = MACROS.iter().flat_map(|name| code.match_indices(name));
    let fields = calls.flat_map(|(at, name)| {
        let start = at + name.len();
        debug_fields(&code[start..]).into_iter().map(move |field| start + field)
    });
    let finding = |at: usize| {
        let line = 1 + code[..at].matches('\n').count();
        Finding::at(&source.path, line, "a field of a log line in the text of `Debug`: write a number or `%`")
    };
    fields.map(finding).collect()
}

/// Where the marks of such fields are. `text` begins behind the opening bracket; a `?` behind a value is no mark.
fn debug_fields(text: &str) -> Vec<usize> {
    let (mut fields, mut depth, mut before) = (Vec::new(), 0_usize, ',');
    for (at, character) in text.char_indices() {
        match character {
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '(' | '[' | '{' => depth += 1,
            '?' if matches!(before, ',' | '=') => fields.push(at),
            _ => {}
        }
        if !character.is_whitespace() {
            before = character;
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> usize {
        check(&[SourceFile { path: "crates/a/src/a.rs".to_owned(), text: text.to_owned() }]).len()
    }

    #[test]
    fn fields_in_the_text_of_debug_are_found_and_questions_behind_values_are_not() {
        assert_eq!(lines("fn a() { warn!(?error, \"no\"); }"), 1);
        assert_eq!(lines("fn a() { tracing::info!(\n  node,\n  pause = ?self.pause,\n  \"a?\"); }"), 1);
        assert_eq!(lines("fn a() { warn!(error = %read(a)?, n = a.b()?, \"= ?x\"); f(x, ?y) }"), 0);
    }
}
