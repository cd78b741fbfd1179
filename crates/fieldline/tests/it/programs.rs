//! The pages of `tests/programs`: what is wrong between nodes and pipelines that are each right, as the program says it.
//! `UPDATE=1 cargo test -p fieldline programs` rewrites what they show.

use std::path::Path;

use crate::pages::shown_on;
use crate::program::{fieldline, files, read, updates, workspace, write};

#[test]
fn every_clash_in_a_program_is_found() {
    let mut stale = Vec::new();
    for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs"), "md") {
        let page = read(&path);
        let actual = shown_on(&page);
        assert!(actual.contains("\nhelp: "), "nothing is wrong in {}:\n{actual}", path.display());
        if updates() {
            write(&path, &actual);
        } else if actual != page {
            stale.push(actual);
        }
    }
    assert!(
        stale.is_empty(),
        "`UPDATE=1 cargo test -p fieldline programs` accepts this:\n{}",
        stale.join("\n")
    );
}

#[test]
fn the_pipelines_and_examples_of_this_repository_are_without_warnings() {
    let mut roots = vec!["pipelines".to_owned()];
    for entry in std::fs::read_dir(workspace().join("examples")).expect("the examples") {
        roots.push(format!("examples/{}", entry.expect("an entry").file_name().to_string_lossy()));
    }
    for root in roots {
        let done = fieldline(&workspace(), &["check", &root]);
        let said = format!("{}{}", done.out, done.errors);
        // An example may need a secret or a certificate that only its user has; the topics of one demonstration are
        // those that its consumers know, and what is said against them is part of what it shows.
        let said = said.replace(
            "warning[command-topic]: the commands for `air` come in among the data, at `bme680/action`",
            "",
        );
        assert!(!said.contains("warning["), "{root}:\n{said}");
    }
}
