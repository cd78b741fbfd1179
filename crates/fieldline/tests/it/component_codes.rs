//! The pages of what components complain about, in `fieldline-components/tests/diagnostics`: prose, a pipeline, and what the
//! compiler says of it with the real components. `UPDATE=1 cargo test -p fieldline component_codes` rewrites the latter.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fieldline_compiler::diagnostics::codes as compiler_codes;
use fieldline_components::codes::CODES;

use crate::pages;
use crate::program::{files, read, workspace};

/// What is only said by programs that were built with other features than this one.
fn is_of_another_build(code: &str) -> bool {
    match code {
        "no-embedded-broker" => cfg!(feature = "broker"),
        "no-json-schema" => cfg!(feature = "json-schema"),
        "bad-schema" => !cfg!(feature = "json-schema"),
        _ => false,
    }
}

fn components() -> PathBuf {
    workspace().join("crates/fieldline-components")
}

#[test]
fn every_page_shows_what_the_program_says() {
    let code = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    pages::compare(
        &components().join("tests/diagnostics"),
        "component_codes",
        |path| !is_of_another_build(&code(path)),
        |path, actual| {
            let code = code(path);
            assert!(actual.contains(&format!("\nerror[{code}]: ")), "no case gives `{code}`:\n{actual}");
        },
    );
}

#[test]
fn every_code_has_a_page_and_every_page_is_listed() {
    let pages: Vec<String> = files(&components().join("tests/diagnostics"), "md")
        .iter()
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(CODES.iter().map(|(code, _)| *code).collect::<Vec<_>>(), pages);
    for (code, page) in CODES {
        assert!(page.starts_with(&format!("# {code}\n\n")), "{code}");
        assert!(compiler_codes::page(code).is_none(), "`{code}` has a page in the compiler too");
    }
}

#[test]
fn every_code_in_the_source_has_a_page_and_every_page_a_use() {
    let mut used = BTreeSet::new();
    for path in files(&components().join("src"), "rs") {
        used.extend(codes_in(&path));
    }
    assert!(used.len() > 10, "hardly a code was found: {used:?}");
    let unknown: Vec<_> = used
        .iter()
        .filter(|code| compiler_codes::page(code).is_none() && !CODES.iter().any(|(known, _)| known == code))
        .collect();
    assert!(unknown.is_empty(), "write `tests/diagnostics/CODE.md` and list it in `codes.rs`: {unknown:?}");
    let unused: Vec<_> = CODES.iter().map(|(code, _)| code).filter(|code| !used.contains(**code)).collect();
    assert!(unused.is_empty(), "nothing reports {unused:?}");
}

/// The codes in calls of `CheckCx::error`, `error_at` and `warning`.
fn codes_in(path: &Path) -> Vec<String> {
    let text = read(path);
    let calls = [".error(", ".error_at(", ".warning("];
    let behind = calls.iter().flat_map(|call| text.split(call).skip(1));
    let literal = behind.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
    let is_code = |text: &&str| {
        text.contains('-')
            && text
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
    };
    literal.filter(is_code).map(str::to_owned).collect()
}
