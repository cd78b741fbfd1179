//! The pages of topics, such as `scripts` and `buffer`: prose in a file here, and in it tables that are made from
//! definitions or worked out by running examples.
//!
//! A line such as `{{fields Buffer}}` stands for a table. A line with ` :: ` is a row whose results are worked out.

mod conditions;
mod definitions;
mod numbers;
mod scripts;

use std::path::PathBuf;

use fieldline_core::Registry;
use serde_json::Value;

use crate::program::{fieldline, files, folder, read, workspace};

const TOP: &str =
    "<!-- Written from `crates/fieldline/tests/it/topics`; `UPDATE=1 cargo test` writes it anew. -->\n";

fn sources() -> Vec<PathBuf> {
    files(&workspace().join("crates/fieldline/tests/it/topics"), "md")
}

/// All pages by name, in the order of the alphabet.
pub(crate) fn topics() -> Vec<(String, String)> {
    let schema = fieldline_compiler::schema::schema(&Registry::new(fieldline_components::all()));
    let mut pages: Vec<_> =
        sources().iter().map(|path| (name(path), written(&read(path), &schema))).collect();
    let exit_codes = fieldline(&workspace(), &["explain", "exit-codes"]).out;
    pages.push(("exit-codes".to_owned(), format!("{TOP}{exit_codes}")));
    pages.sort();
    pages
}

fn name(path: &std::path::Path) -> String {
    path.file_stem().expect("a page has a name").display().to_string()
}

/// The page with its tables in place.
fn written(source: &str, schema: &Value) -> String {
    let page = source.split_once('\n').expect("a page begins with its heading").0;
    let mut text = String::from(TOP);
    for line in source.lines() {
        let directive = line.strip_prefix("{{").and_then(|line| line.strip_suffix("}}"));
        text += &match (directive, page) {
            (Some(directive), _) => table(directive, schema),
            (None, "# conditions") if line.contains(" :: ") => conditions::row(line),
            (None, "# numbers") if line.contains(" :: ") => numbers::row(line),
            (None, _) => format!("{line}\n"),
        };
    }
    text
}

fn table(directive: &str, schema: &Value) -> String {
    match directive.split(' ').collect::<Vec<_>>()[..] {
        ["functions"] => scripts::own(),
        ["interpreter"] => scripts::interpreter(),
        ["limits"] => scripts::limits(),
        ["durations"] => numbers::durations(),
        ["sizes"] => numbers::sizes(),
        ["fields", name] => definitions::fields(name, schema),
        ["field", block, name] => definitions::field(block, name, schema),
        ["description", name] => definitions::description(name, schema),
        _ => panic!("there is no table `{directive}`"),
    }
}

/// A row of a table; bars within cells do not divide them.
fn cells<const N: usize>(cells: [&str; N]) -> String {
    format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

/// Text in backticks.
fn code(text: &str) -> String {
    format!("`{text}`")
}

#[test]
fn every_pipeline_on_a_page_passes_its_tests() {
    let mut wrong = Vec::new();
    for path in sources() {
        let page = read(&path);
        for block in page.split("```yaml\n").skip(1) {
            let pipeline = block.split("```").next().unwrap_or_default();
            let folder = folder(&[("pipeline.yaml", pipeline)]);
            let command = if pipeline.contains("\ntests:") { "test" } else { "check" };
            let done = fieldline(folder.path(), &[command, "pipeline.yaml"]);
            if done.code != 0 || done.errors.contains("warning") {
                wrong.push(format!("{}\n{}{}", path.display(), done.out, done.errors));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_topic_is_explained_by_its_name_and_listed() {
    let list = fieldline(&workspace(), &["explain"]).out;
    for (name, page) in topics() {
        let done = fieldline(&workspace(), &["explain", &name]);
        assert!(done.out.contains(page.strip_prefix(TOP).expect("its first line").trim_end()), "{name}");
        assert!(list.contains(&format!("  {name} ")), "{name}");
    }
    let done = fieldline(&workspace(), &["explain", "buffr"]);
    assert!(done.errors.contains("did you mean `buffer`?"), "{}", done.errors);
    assert_eq!(fieldline(&workspace(), &["explain", "topic", "retry"]).code, 0);
}
