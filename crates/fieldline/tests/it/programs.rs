//! The pages of `tests/programs`: what is wrong between nodes and pipelines that are each right, as the program says it.
//! `UPDATE=1 cargo test -p fieldline programs` rewrites what they show.

use std::path::Path;

use crate::pages;
use crate::program::{fieldline, workspace};

#[test]
fn every_clash_in_a_program_is_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    pages::compare(
        &folder,
        "programs",
        |_| true,
        |path, actual| {
            assert!(actual.contains("\nhelp: "), "nothing is wrong in {}:\n{actual}", path.display());
        },
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
        // A template without a station: the README shows the station file, which names the user's own broker.
        let said = said.replace(
            "warning[unused]: no pipeline uses this template, which asks for `endpoint` and `certs`",
            "",
        );
        assert!(!said.contains("warning["), "{root}:\n{said}");
    }
}
