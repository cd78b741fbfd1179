//! Words that do not belong into the tree: marks of unfinished work, and calls that go round the architecture.
//! Clippy refuses some of them too, but an `expect` silences clippy, and nothing silences this.

use crate::finding::Finding;
use crate::workspace::SourceFile;

/// This file has to spell the words.
const THIS_FILE: &str = "crates/xtask/src/tidy/words.rs";

/// A text that is refused in code.
struct Banned {
    text: &'static str,
    /// Whether tests may use it.
    free_in_tests: bool,
    /// The one file where it belongs.
    home: &'static str,
    instead: &'static str,
}

const BACKOFF: &str = "crates/fieldline-backoff/src/lib.rs";

const BANNED: &[Banned] = &[
    Banned {
        text: "struct Backoff ",
        free_in_tests: true,
        home: BACKOFF,
        instead: "take the one of `fieldline-backoff`",
    },
    Banned {
        text: "jitter",
        free_in_tests: true,
        home: BACKOFF,
        instead: "waits are spread by `fieldline-backoff`",
    },
    Banned {
        text: "saturating_mul(1 <<",
        free_in_tests: true,
        home: BACKOFF,
        instead: "waits are doubled by `fieldline-backoff`",
    },
    Banned { text: "unbounded_channel", free_in_tests: true, home: "", instead: "every queue has a bound" },
    Banned {
        text: "[allow(",
        free_in_tests: false,
        home: "",
        instead: "`#[expect(lint, reason = \"...\")]`",
    },
    Banned { text: "macro_rules!", free_in_tests: false, home: "", instead: "a function" },
    Banned { text: "#[ignore", free_in_tests: false, home: "", instead: "repair the test or take it out" },
    Banned {
        text: "fn test_",
        free_in_tests: false,
        home: "",
        instead: "a sentence says what the test proves",
    },
];

/// Finds banned calls in code, and marks of unfinished work anywhere.
pub fn check(sources: &[SourceFile]) -> Vec<Finding> {
    sources.iter().filter(|source| source.path != THIS_FILE).flat_map(check_file).collect()
}

fn check_file(source: &SourceFile) -> Vec<Finding> {
    let product = if source.is_test() { 0 } else { source.product().lines().count() };
    let mut findings = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        if !line.trim_start().starts_with("//") {
            let banned =
                BANNED.iter().filter(|banned| line.contains(banned.text) && banned.home != source.path);
            for banned in banned.filter(|banned| index < product || !banned.free_in_tests) {
                let problem = format!("`{}` is banned: {}", banned.text, banned.instead);
                findings.push(Finding::at(&source.path, index + 1, problem));
            }
        }
        if let Some(mark) = unfinished(line) {
            let problem = format!("`{mark}` without an issue: do it, or write `TODO(#number)`");
            findings.push(Finding::at(&source.path, index + 1, problem));
        }
    }
    findings
}

/// A mark of unfinished work that no issue keeps from being forgotten.
fn unfinished(line: &str) -> Option<&'static str> {
    let stands_alone = |mark: &str| line.split(|c: char| !c.is_alphanumeric()).any(|word| word == mark);
    let mark = ["TODO", "FIXME", "XXX"].into_iter().find(|mark| line.contains(mark) && stands_alone(mark))?;
    let issue = line.split_once("TODO(#").map(|(_, issue)| issue.starts_with(|c: char| c.is_ascii_digit()));
    (mark != "TODO" || issue != Some(true)).then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let file = SourceFile { path: path.to_owned(), text: text.to_owned() };
        check(&[file]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_fifth_back_off_is_found_outside_its_home() {
        let text = "struct Backoff {\n";
        let wanted = "crates/a/src/a.rs:1: `struct Backoff ` is banned: take the one of `fieldline-backoff`";
        assert_eq!(found("crates/a/src/a.rs", text), [wanted]);
        assert_eq!(found(BACKOFF, text), [""; 0]);
    }

    #[test]
    fn tests_may_queue_without_bound_but_not_silence_lints() {
        let text = "#[allow(dead_code)]\nfn work() {\n    unbounded_channel();\n}\n";
        assert_eq!(found("crates/a/tests/it/a.rs", text).len(), 1);
        let inside = format!(
            "//! Doc.\n\n#[cfg(test)]\nmod tests {{\n{}\n}}\n",
            text.replace('\n', "\n    ").trim_end()
        );
        assert_eq!(found("crates/a/src/a.rs", &inside).len(), 1);
    }

    #[test]
    fn every_banned_word_is_found_in_code_and_free_in_comments() {
        for banned in BANNED {
            assert_eq!(found("crates/a/src/a.rs", &format!("{}x", banned.text)).len(), 1, "{}", banned.text);
            assert_eq!(
                found("crates/a/src/a.rs", &format!("// {}x", banned.text)),
                [""; 0],
                "{}",
                banned.text
            );
        }
    }

    #[test]
    fn unfinished_work_needs_an_issue() {
        for line in ["// TODO later", "// TODO(me): later", "// FIXME", "// FIXME(#3)", "//! XXX", "\"TODO\""]
        {
            assert_eq!(found("crates/a/src/a.rs", line).len(), 1, "{line}");
        }
        for line in ["// TODO(#12): later", "let name = \"XXXXXX\";", "// todo in a list"] {
            assert_eq!(found("crates/a/src/a.rs", line), [""; 0], "{line}");
        }
    }
}
