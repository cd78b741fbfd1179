//! A thing is found under its name: packages in folders, components in files, tests in one binary a crate.

use crate::finding::Finding;
use crate::workspace::{Package, SourceFile};

const COMPONENTS: &str = "crates/fieldline-components/src/";
const NAME: &str = "const NAME: &'static str = \"";

/// Finds packages whose folder has another name.
pub fn check_folders(packages: &[Package]) -> Vec<Finding> {
    let strays = packages.iter().filter(|package| package.folder != format!("crates/{}", package.name));
    strays
        .map(|package| Finding::new(&package.folder, format!("holds the package `{}`", package.name)))
        .collect()
}

/// Finds components that are neither in the file nor in the folder of their name.
pub fn check_components(sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let Some(path) = source.path.strip_prefix(COMPONENTS) else { continue };
        let home = path.split('/').nth(1).map(|home| home.trim_end_matches(".rs"));
        for rest in source.product().split(NAME).skip(1) {
            let name = rest.split('"').next().unwrap_or_default();
            if home != Some(name) {
                findings.push(Finding::new(&source.path, format!("holds the component `{name}`")));
            }
        }
    }
    findings
}

/// Finds public modules whose names `lib.rs` shows a second time: a name has one path.
pub fn check_paths(sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with("/src/lib.rs")) {
        let text = source.product();
        let lines = || text.lines().zip(1..);
        let modules = lines().filter_map(|(line, _)| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        for module in modules {
            let shows = |line: &str| {
                let path = line.strip_prefix("pub use ").map(|path| path.trim_start_matches("crate::"));
                path.and_then(|path| path.strip_prefix(module)).is_some_and(|rest| rest.starts_with("::"))
            };
            for (_, line) in lines().filter(|(line, _)| shows(line)) {
                let problem =
                    format!("shows names of the public module `{module}` a second time: one path goes");
                findings.push(Finding::at(&source.path, line, problem));
            }
        }
    }
    findings
}

/// Finds integration tests outside `tests/it`, each of which would be linked as a program of its own.
pub fn check_tests(sources: &[SourceFile]) -> Vec<Finding> {
    let stray = |source: &&SourceFile| {
        let inside = source.path.split_once("/tests/").map(|(_, inside)| inside);
        inside.is_some_and(|inside| !inside.starts_with("it/"))
    };
    let strays = sources.iter().filter(stray);
    strays.map(|source| Finding::new(&source.path, "is outside `tests/it`: make it a module there")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    fn component(path: &str) -> Vec<Finding> {
        check_components(&[source(&format!("{COMPONENTS}{path}"), &format!("    {NAME}filter\";\n"))])
    }

    #[test]
    fn a_name_with_two_paths_is_found() {
        let file = |text: &str| source("crates/fieldline-core/src/lib.rs", text);
        assert_eq!(check_paths(&[file("mod event;\npub mod json;\npub use event::Event;\n")]), []);
        let found = check_paths(&[file("pub mod event;\npub use event::Event;\n")]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "crates/fieldline-core/src/lib.rs:2");
    }

    #[test]
    fn a_package_in_a_folder_with_another_name_is_found() {
        let package = |folder: &str| Package {
            name: "fieldline-core".to_owned(),
            folder: folder.to_owned(),
            manifest: String::new(),
            dependencies: Vec::new(),
        };
        assert_eq!(check_folders(&[package("crates/fieldline-core")]), []);
        let wanted = Finding::new("crates/core", "holds the package `fieldline-core`");
        assert_eq!(check_folders(&[package("crates/core")]), [wanted]);
    }

    #[test]
    fn a_component_is_in_the_file_or_folder_of_its_name() {
        assert_eq!(component("transforms/filter.rs"), []);
        assert_eq!(component("transforms/filter/mod.rs"), []);
        assert_eq!(component("transforms/filter/config.rs"), []);
        assert_eq!(component("transforms/sieve.rs").len(), 1);
        assert_eq!(component("transforms/sieve/filter.rs").len(), 1);
        assert_eq!(component("filter.rs").len(), 1);
    }

    #[test]
    fn a_test_binary_of_its_own_is_found() {
        assert_eq!(
            check_tests(&[source("crates/a/tests/it/main.rs", ""), source("crates/a/src/lib.rs", "")]),
            []
        );
        assert_eq!(check_tests(&[source("crates/a/tests/extra.rs", "")]).len(), 1);
    }
}
