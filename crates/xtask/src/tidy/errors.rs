//! Errors are types. A string cannot be told from another one, so that a caller can only show it.

use crate::finding::Finding;
use crate::tidy::code::product_code;
use crate::workspace::SourceFile;

/// Finds results outside of tests whose error is a string.
pub fn check(sources: &[SourceFile]) -> Vec<Finding> {
    sources.iter().filter(|source| !source.is_test()).flat_map(check_file).collect()
}

fn check_file(source: &SourceFile) -> Vec<Finding> {
    let code = product_code(&source.text);
    let results = code.match_indices("Result<").filter(|(at, name)| {
        matches!(*arguments(&code[at + name.len()..]), [_, .., "String" | "std::string::String"])
    });
    let finding = |(at, _): (usize, &str)| {
        let line = 1 + code[..at].matches('\n').count();
        Finding::at(&source.path, line, "an error that is a string: give it a type (`thiserror`)")
    };
    results.map(finding).collect()
}

/// The arguments of a generic type. `text` begins behind the opening bracket.
fn arguments(text: &str) -> Vec<&str> {
    let (mut arguments, mut start, mut depth, mut before) = (Vec::new(), 0, 0_usize, ' ');
    for (at, character) in text.char_indices() {
        // The arrow of a function's type closes nothing.
        let closes = matches!(character, ')' | ']') || (character == '>' && before != '-');
        if depth == 0 && (closes || character == ',') {
            arguments.push(text[start..at].trim());
            start = at + 1;
        }
        match character {
            _ if closes && depth == 0 => break,
            _ if closes => depth -= 1,
            '<' | '(' | '[' => depth += 1,
            _ => {}
        }
        before = character;
    }
    arguments.retain(|argument| !argument.is_empty());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let file = SourceFile { path: path.to_owned(), text: text.to_owned() };
        check(&[file]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_error_that_is_a_string_is_found_with_its_line() {
        let text = "fn read() -> Result<Vec<u8>, Error> {}\n\nfn parse() -> Result<Value, String> {}\n";
        let wanted = "crates/a/src/a.rs:3: an error that is a string: give it a type (`thiserror`)";
        assert_eq!(found("crates/a/src/a.rs", text), [wanted]);
    }

    #[test]
    fn it_is_found_wherever_it_hides() {
        for text in [
            "Vec<Result<(), String>>",
            "Result<Result<(), String>, Error>",
            "std::result::Result<BTreeMap<A, B>, String>",
            "Result<(A, B), String>",
            "Result<Box<dyn Fn() -> A>, String>",
            "Result<\n    Long<A, B>,\n    String,\n>",
        ] {
            assert_eq!(found("crates/a/src/a.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_value_may_be_a_string_and_an_error_may_hold_one() {
        for text in [
            "Result<String>",
            "Result<String, Error>",
            "Result<Map<A, String>, Error>",
            "Result<(A, String), Error>",
            "Result<Map<A, String>>",
            "Result<A, Error<String>>",
            "// Result<A, String>",
        ] {
            assert_eq!(found("crates/a/src/a.rs", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn tests_may_have_errors_without_a_type() {
        let text = "fn work() -> Result<(), String> {}\n";
        assert_eq!(found("crates/a/tests/it/a.rs", text), [""; 0]);
        assert_eq!(found("crates/a/src/a.rs", &format!("#[cfg(test)]\nmod tests {{\n{text}}}\n")), [""; 0]);
    }
}
