//! Pages in Markdown that show files and what the compiler says of them with the real components.
//!
//! A case is one or more ```` ```yaml ```` blocks, each with its name behind the language (`pipeline.yaml` without), then a
//! ```` ```text ```` block.

use std::path::{Path, PathBuf};

use fieldline_compiler::diagnostics::render::{Color, render};
use fieldline_compiler::{MemoryFiles, MemoryVariables, Overrides, Request, compile};
use fieldline_core::Registry;

use crate::program::{files, read, updates, write};

/// Compares every page in `folder` that is `wanted` with what the compiler says, or rewrites it; `check` is given each as
/// it should be. `test` is the name by which it can be run alone.
pub(crate) fn compare(
    folder: &Path,
    test: &str,
    wanted: impl Fn(&Path) -> bool,
    check: impl Fn(&Path, &str),
) {
    let mut stale = Vec::new();
    for path in files(folder, "md").into_iter().filter(|path| wanted(path)) {
        let page = read(&path);
        let actual = shown_on(&page);
        check(&path, &actual);
        if updates() {
            write(&path, &actual);
        } else if actual != page {
            stale.push(actual);
        }
    }
    assert!(
        stale.is_empty(),
        "`UPDATE=1 cargo test -p fieldline {test}` accepts this:\n{}",
        stale.join("\n")
    );
}

/// The page with what the compiler says in its text blocks.
fn shown_on(page: &str) -> String {
    let mut result = String::new();
    let mut files = MemoryFiles::default();
    let mut roots = Vec::new();
    let mut blocks = page.split_inclusive('\n');
    while let Some(line) = blocks.next() {
        result += line;
        let Some(title) = line.strip_prefix("```").map(str::trim) else { continue };
        let text: String = blocks.by_ref().take_while(|line| *line != "```\n").collect();
        if title == "text" {
            result += &format!("{}\n", shown(&std::mem::take(&mut files), &std::mem::take(&mut roots)));
        } else {
            result += &text;
            let name = title.split_once(' ').map_or("pipeline.yaml", |(_, name)| name);
            files = files.with(name, written_out(&text));
            if title.starts_with("yaml") {
                roots.push(PathBuf::from(name));
            }
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

/// What a person sees of the diagnostics of a program of these files.
fn shown(files: &MemoryFiles, roots: &[PathBuf]) -> String {
    let variables = MemoryVariables {
        secrets: [("plant".to_owned(), Ok("hunter2-is-secret".to_owned()))].into(),
        ..MemoryVariables::default()
    };
    let compiled = compile(&Request {
        roots,
        files,
        variables: &variables,
        registry: &Registry::new(fieldline_components::all()),
        overrides: Overrides::default(),
    });
    if compiled.diagnostics.is_empty() {
        return "nothing is wrong".into();
    }
    let all = compiled.diagnostics.iter().map(|each| render(each, &compiled.files, Color::Never));
    all.collect::<Vec<_>>().join("\n\n")
}
