//! The tree keeps its own rules.

use std::sync::LazyLock;

use xtask::finding::Finding;
use xtask::tidy::format::Formatting;
use xtask::tidy::{circles, docs, errors, format, homes, layers, manifest, naming, size, tree, words};
use xtask::workspace::{Workspace, root};

static WORKSPACE: LazyLock<Workspace> =
    LazyLock::new(|| Workspace::load(&root()).expect("the tree can be read"));

fn nothing_in(findings: &[Finding]) {
    let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

fn readme() -> String {
    WORKSPACE.read("crates/README.md").expect("the page is there")
}

fn exists(path: &str) -> bool {
    WORKSPACE.root.join(path).exists()
}

#[expect(clippy::print_stdout, reason = "a check that is skipped says so")]
fn committed() -> &'static [String] {
    WORKSPACE.committed.as_deref().unwrap_or_else(|| {
        println!("skipped: this is no git checkout, so nothing is committed");
        &[]
    })
}

#[test]
fn the_tree_is_seen_at_all() {
    assert!(WORKSPACE.packages.iter().any(|package| package.name == "fieldline-core"));
    assert!(WORKSPACE.sources.iter().any(|source| source.path == "crates/xtask/src/main.rs"));
}

#[test]
fn crates_depend_on_each_other_as_the_layer_table_says() {
    nothing_in(&layers::check(&readme(), &WORKSPACE.packages));
}

#[test]
fn no_file_is_longer_than_one_can_read() {
    println!("{}", size::summary(&WORKSPACE.sources));
    nothing_in(&size::check(&WORKSPACE.sources, size::EXCEPTIONS));
}

#[test]
fn every_file_says_what_it_is() {
    nothing_in(&docs::check_modules(&WORKSPACE.sources));
}

#[test]
fn the_code_map_names_files_that_exist() {
    nothing_in(&docs::check_code_map(&readme(), |path| exists(&format!("crates/{path}"))));
}

#[test]
fn crates_components_and_tests_are_found_under_their_names() {
    nothing_in(&naming::check_folders(&WORKSPACE.packages));
    nothing_in(&naming::check_components(&WORKSPACE.sources));
    nothing_in(&naming::check_tests(&WORKSPACE.sources));
    nothing_in(&naming::check_paths(&WORKSPACE.sources));
}

#[test]
fn no_banned_word_and_no_unfinished_work_is_left() {
    nothing_in(&words::check(&WORKSPACE.sources));
}

#[test]
fn tasks_and_threads_are_started_where_the_page_says() {
    nothing_in(&homes::check(&readme(), &WORKSPACE.sources, &homes::STARTS));
}

#[test]
fn clocks_are_asked_where_the_page_says() {
    nothing_in(&homes::check(&readme(), &WORKSPACE.sources, &homes::CLOCKS));
}

#[test]
fn the_modules_of_a_crate_form_no_circle() {
    nothing_in(&circles::check(&WORKSPACE.packages, &WORKSPACE.sources, circles::EXCEPTIONS));
}

#[test]
fn every_error_has_a_type() {
    nothing_in(&errors::check(&WORKSPACE.sources));
}

#[test]
fn every_crate_takes_its_lints_from_the_workspace() {
    nothing_in(&manifest::check(&WORKSPACE.packages));
}

#[test]
fn the_pages_of_the_project_are_there() {
    nothing_in(&tree::check_required(exists));
}

#[test]
fn nothing_else_lies_at_the_top_of_the_tree() {
    nothing_in(&tree::check_top_level(committed()));
}

#[test]
fn no_private_key_is_committed() {
    nothing_in(&tree::check_keys(committed(), |path| WORKSPACE.read(path).ok()));
}

#[test]
fn every_file_is_formatted() {
    match format::check(&WORKSPACE.root).expect("cargo starts") {
        Formatting::Right => {}
        Formatting::Wrong(finding) => nothing_in(&[finding]),
        Formatting::Unknown => println!("skipped: rustfmt is not installed (`rustup component add rustfmt`)"),
    }
}
