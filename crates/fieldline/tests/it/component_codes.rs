//! The pages of what components complain about, in `fieldline-components/tests/diagnostics`: prose, a pipeline, and what the
//! compiler says of it with the real components. `UPDATE=1 cargo test -p fieldline component_codes` rewrites the latter.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fieldline_compiler::diagnostics::codes as compiler_codes;
use fieldline_compiler::diagnostics::render::{Color, render};
use fieldline_compiler::{MemoryFiles, MemoryVariables, Overrides, Request, compile};
use fieldline_components::codes::CODES;
use fieldline_core::Registry;

use crate::program::{files, read, updates, workspace, write};

/// What is only said by a program that was built without a feature of this one.
const OF_OTHER_BUILDS: &[&str] = if cfg!(feature = "broker") { &["no-embedded-broker"] } else { &[] };

fn components() -> PathBuf {
    workspace().join("crates/fieldline-components")
}

/// The page with what the compiler says in its text blocks.
fn run(page: &str) -> String {
    let mut result = String::new();
    let mut files = MemoryFiles::default();
    let mut blocks = page.split_inclusive('\n');
    while let Some(line) = blocks.next() {
        result += line;
        let Some(title) = line.strip_prefix("```").map(str::trim) else { continue };
        let text: String = blocks.by_ref().take_while(|line| *line != "```\n").collect();
        if title == "text" {
            result += &format!("{}\n", shown(std::mem::take(&mut files)));
        } else {
            result += &text;
            let name = title.split_once(' ').map_or("pipeline.yaml", |(_, name)| name);
            files = files.with(name, written_out(&text));
        }
        result += "```\n";
    }
    result
}

/// The text with `# … and 2 more like it` replaced by the line before, twice, with other numbers.
fn written_out(text: &str) -> String {
    let mut all = String::new();
    let mut last = "";
    for line in text.lines() {
        let more = line.trim().strip_prefix("# … and ").and_then(|rest| rest.strip_suffix(" more like it"));
        match more {
            None => all += &format!("{line}\n"),
            Some(more) => {
                for number in 1..=more.parse().expect("a number of lines") {
                    all += &format!("{}\n", last.replace('0', &u32::to_string(&number)));
                }
            }
        }
        last = line;
    }
    all
}

/// What a person sees of the diagnostics of `pipeline.yaml`.
fn shown(files: MemoryFiles) -> String {
    let variables = MemoryVariables {
        secrets: [("plant".to_owned(), Ok("hunter2-is-secret".to_owned()))].into(),
        ..MemoryVariables::default()
    };
    let compiled = compile(&Request {
        roots: &["pipeline.yaml".into()],
        files: &files,
        variables: &variables,
        registry: &Registry::new(fieldline_components::all()),
        overrides: Overrides::default(),
    });
    let all = compiled.diagnostics.iter().map(|each| render(each, &compiled.files, Color::Never));
    all.collect::<Vec<_>>().join("\n\n")
}

#[test]
fn every_page_shows_what_the_program_says() {
    let mut stale = Vec::new();
    for path in files(&components().join("tests/diagnostics"), "md") {
        let code = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if OF_OTHER_BUILDS.contains(&code.as_str()) {
            continue;
        }
        let page = read(&path);
        let actual = run(&page);
        assert!(actual.contains(&format!("\nerror[{code}]: ")), "no case gives `{code}`:\n{actual}");
        if updates() {
            write(&path, &actual);
        } else if actual != page {
            stale.push(actual);
        }
    }
    assert!(
        stale.is_empty(),
        "`UPDATE=1 cargo test -p fieldline component_codes` accepts this:\n{}",
        stale.join("\n")
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
