//! Every file says what it is, and the code map of `crates/README.md` names only files that are there.

use crate::finding::Finding;
use crate::workspace::SourceFile;

/// Finds files that do not begin with a module doc.
pub fn check_modules(sources: &[SourceFile]) -> Vec<Finding> {
    let bare = sources.iter().filter(|source| !begins_with_doc(&source.text));
    bare.map(|source| Finding::new(&source.path, "does not begin with a `//!` doc")).collect()
}

fn begins_with_doc(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("//!").is_some_and(|doc| !doc.trim().is_empty())
}

/// Finds files and folders of our crates that `readme` names in backticks and that do not exist; `exists` is asked
/// for paths relative to `crates`.
pub fn check_code_map(readme: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in readme.lines().enumerate() {
        let quoted = line.split('`').skip(1).step_by(2);
        for path in quoted.filter(|quoted| quoted.starts_with("fieldline") || quoted.starts_with("xtask")) {
            if path.contains('/') && !exists(path) {
                findings.push(Finding::at("crates/README.md", index + 1, format!("there is no `{path}`")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documented(text: &str) -> bool {
        let file = SourceFile { path: "crates/a/src/lib.rs".to_owned(), text: text.to_owned() };
        check_modules(&[file]).is_empty()
    }

    #[test]
    fn a_file_must_begin_with_a_doc_that_says_something() {
        assert!(documented("//! What it is.\n\nuse std::fmt;\n"));
        assert!(!documented("use std::fmt;\n"));
        assert!(!documented("// What it is.\n"));
        assert!(!documented("//!\n"));
        assert!(!documented(""));
    }

    #[test]
    fn a_file_on_the_map_that_does_not_exist_is_found() {
        let readme = "Read `fieldline/src/main.rs`,\nthen `xtask/src/gone.rs`; `mod.rs`, `fieldline run`.\n";
        let findings = check_code_map(readme, |path| path == "fieldline/src/main.rs");
        assert_eq!(findings, [Finding::at("crates/README.md", 2, "there is no `xtask/src/gone.rs`")]);
    }
}
