//! The pages in `tests/diagnostics`: prose, and cases that are compiled and compared.
//!
//! A case is one or more ```` ```yaml ```` blocks, each after the first with a file name as its title, followed by a
//! ```` ```text ```` block. `UPDATE=1 cargo test -p fieldline-compiler` rewrites the text blocks.

use std::path::{Path, PathBuf};

use fieldline_compiler::diagnostics::codes::{CODES, explain};
use fieldline_compiler::{MemoryFiles, Overrides};

use crate::support::{compile_files, shown};

/// A fenced block: its language, its title, its text, and the lines it spans without the fences.
struct Block {
    language: String,
    title: Option<String>,
    text: String,
    lines: std::ops::Range<usize>,
}

fn blocks(page: &str) -> Vec<Block> {
    let lines: Vec<&str> = page.lines().collect();
    let mut blocks = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if let Some(info) = lines[at].strip_prefix("```") {
            let (language, title) =
                info.split_once(' ').map_or((info, None), |(word, title)| (word, Some(title)));
            let end = (at + 1..lines.len()).find(|line| lines[*line] == "```").expect("a fence is closed");
            let text: String = lines[at + 1..end].iter().map(|line| format!("{line}\n")).collect();
            let title = title.map(|title| title.trim_matches(['`', '"']).to_owned());
            blocks.push(Block { language: language.to_owned(), title, text, lines: at + 1..end });
            at = end;
        }
        at += 1;
    }
    blocks
}

/// Every file on a page that is a case by itself.
pub(crate) fn single_files() -> Vec<String> {
    let mut files = Vec::new();
    for (_, page) in pages() {
        let mut case = Vec::new();
        for block in blocks(&page) {
            match block.language.as_str() {
                "text" if case.len() == 1 => files.append(&mut case),
                "text" => case.clear(),
                _ => case.push(block.text),
            }
        }
    }
    files
}

/// What the cases of a page give: the lines of each text block, what they should be and what they are.
fn run(page: &str) -> Vec<(std::ops::Range<usize>, String, String)> {
    let mut results = Vec::new();
    let mut files = MemoryFiles::default();
    let mut roots: Vec<String> = Vec::new();
    for block in blocks(page) {
        match block.language.as_str() {
            "text" => {
                // Several files are a folder of them.
                let folder = roots.len() > 1;
                let roots_now: Vec<&str> =
                    if folder { vec!["."] } else { roots.iter().map(String::as_str).collect() };
                let compiled = compile_files(&files, &roots_now, Overrides::default());
                let mut actual = shown(&compiled);
                if actual.is_empty() {
                    actual = "nothing is wrong".into();
                }
                results.push((block.lines, block.text.trim_end().to_owned(), actual));
                files = MemoryFiles::default();
                roots.clear();
            }
            _ => {
                let name = block.title.unwrap_or_else(|| "pipeline.yaml".into());
                if block.language == "yaml" {
                    roots.push(name.clone());
                }
                files = files.with(name, bytes(&block.text));
            }
        }
    }
    results
}

/// The bytes of a block: `⟪FF⟫` stands for the byte FF.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut parts = text.split('⟪');
    bytes.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        let (byte, rest) = part.split_once('⟫').expect("a byte is closed");
        bytes.push(u8::from_str_radix(byte, 16).expect("a byte in hexadecimal"));
        bytes.extend(rest.bytes());
    }
    bytes
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

#[expect(clippy::disallowed_methods, reason = "the pages are files of this crate")]
fn pages() -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(folder()).expect("the folder of pages");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).expect("a page"))).collect()
}

#[expect(clippy::disallowed_methods, reason = "the pages are files of this crate")]
fn rewrite(path: &Path, page: &str, results: &[(std::ops::Range<usize>, String, String)]) {
    let mut lines: Vec<String> = page.lines().map(str::to_owned).collect();
    for (range, _, actual) in results.iter().rev() {
        lines.splice(range.clone(), actual.lines().map(str::to_owned));
    }
    std::fs::write(path, lines.join("\n") + "\n").expect("the page can be written");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment to rewrite their pages")]
fn every_case_on_a_page_gives_what_the_page_says() {
    let update = std::env::var("UPDATE").is_ok();
    let mut failures = Vec::new();
    for (path, page) in pages() {
        let results = run(&page);
        let code = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let about = results.iter().any(|(_, _, actual)| actual.contains(&format!("[{code}]")));
        assert!(
            about,
            "no case of {} gives `{code}`:\n{}",
            path.display(),
            results.iter().map(|r| r.2.clone()).collect::<String>()
        );
        if update {
            rewrite(&path, &page, &results);
            continue;
        }
        for (_, expected, actual) in results {
            if expected != actual {
                failures.push(format!("{}\nexpected:\n{expected}\nactual:\n{actual}", path.display()));
            }
        }
    }
    assert!(failures.is_empty(), "UPDATE=1 accepts this:\n{}", failures.join("\n\n"));
}

#[test]
fn every_diagnostic_on_a_page_says_what_to_do() {
    let mut without = Vec::new();
    for (path, page) in pages() {
        for (_, _, actual) in run(&page) {
            let mut helped = true;
            for line in actual.lines().chain(["error[end]"]) {
                if line.starts_with("error[") || line.starts_with("warning[") {
                    assert!(helped, "a diagnostic before this one has no help: {}\n{actual}", path.display());
                    helped = false;
                }
                helped |= line.starts_with("help: ");
            }
            if actual.contains("help: `fieldline explain ") {
                without.push(format!("{}\n{actual}", path.display()));
            }
        }
    }
    assert!(without.is_empty(), "the compiler can do better than to name a page:\n{}", without.join("\n\n"));
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let mut pages: Vec<String> =
        pages().iter().filter_map(|(path, _)| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    pages.sort();
    let codes: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, pages);
    for (code, page) in CODES {
        assert!(page.starts_with(&format!("# {code}\n\n")), "{code}");
        let explained = explain(code).expect("a page");
        assert!(explained.contains("```text\n"), "`{code}` is explained without an example:\n{explained}");
    }
}
