//! `cargo xtask new` on a copy of the components; that the result compiles and keeps the contract is one of the
//! slow checks of `.ci/run`.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use xtask::new::{ComponentKind, create};
use xtask::tidy::{docs, naming, words};
use xtask::workspace::{SourceFile, root};

const KINDS: [ComponentKind; 3] = [ComponentKind::Source, ComponentKind::Transform, ComponentKind::Sink];
const COMPONENTS: &str = "crates/fieldline-components/src";

/// A tree that has nothing but the lists of components.
fn copy() -> TempDir {
    let copy = tempfile::tempdir().expect("there is room");
    for kind in KINDS {
        let folder = format!("{COMPONENTS}/{kind}s");
        std::fs::create_dir_all(copy.path().join(&folder)).expect("the copy is ours");
        let list = format!("{folder}/mod.rs");
        std::fs::copy(root().join(&list), copy.path().join(&list)).expect("every kind has a list");
    }
    copy
}

#[expect(clippy::disallowed_methods, reason = "the test looks at what the tool wrote")]
fn read(root: &Path, path: &str) -> SourceFile {
    let text = std::fs::read_to_string(root.join(path)).expect("it has been written");
    SourceFile { path: path.to_owned(), text }
}

#[test]
fn a_new_component_is_one_file_and_two_lines() {
    for kind in KINDS {
        let copy = copy();
        let list = format!("{COMPONENTS}/{kind}s/mod.rs");
        let before = read(copy.path(), &list).text;
        let written = create(copy.path(), kind, "moving_average").expect("the name is free");
        let file = format!("{COMPONENTS}/{kind}s/moving_average.rs");
        assert_eq!(written, [Path::new(&file), Path::new(&list)]);

        let after = read(copy.path(), &list).text;
        let added: Vec<&str> = after.lines().filter(|line| !before.lines().any(|old| old == *line)).collect();
        let wanted = ["mod moving_average;", "    Definition::of::<moving_average::MovingAverageConfig>(),"];
        assert_eq!(added, wanted);
        assert_eq!(after.lines().count(), before.lines().count() + 2);

        let component = [read(copy.path(), &file)];
        assert!(!component[0].text.contains('@'), "a placeholder is left");
        assert_eq!(docs::check_modules(&component), []);
        assert_eq!(naming::check_components(&component), []);
        assert_eq!(words::check(&component), []);
    }
}

#[test]
fn a_new_component_is_formatted() {
    if !Command::new("rustfmt").arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: rustfmt is not installed (`rustup component add rustfmt`)");
        return;
    }
    for kind in KINDS {
        let copy = copy();
        let written = create(copy.path(), kind, "moving_average").expect("the name is free");
        let output = Command::new("rustfmt")
            .args(["--check", "--edition", "2024", "--config-path"])
            .arg(root().join(".rustfmt.toml"))
            .arg(copy.path().join(&written[0]))
            .output()
            .expect("it has just started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_name_that_is_taken_or_none_changes_nothing() {
    let copy = copy();
    create(copy.path(), ComponentKind::Sink, "siren").expect("the name is free");
    let list = format!("{COMPONENTS}/sinks/mod.rs");
    let before = read(copy.path(), &list).text;
    for name in ["siren", "Siren", "", "1wire", "sir-en", "../siren"] {
        create(copy.path(), ComponentKind::Sink, name).expect_err(name);
    }
    assert_eq!(read(copy.path(), &list).text, before);
}
