//! Every member takes from the workspace what must be the same everywhere, the lints first of all.

use crate::finding::Finding;
use crate::workspace::Package;

const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

/// Finds manifests that go their own way.
pub fn check(packages: &[Package]) -> Vec<Finding> {
    packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let place = format!("{}/Cargo.toml", package.folder);
    let lines: Vec<&str> = package.manifest.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut findings = Vec::new();
    if !lines.windows(2).any(|pair| pair == ["[lints]", "workspace = true"]) {
        findings
            .push(Finding::new(&place, "does not take the workspace's lints: `[lints]` `workspace = true`"));
    }
    for key in INHERITED {
        if !lines.contains(&format!("{key}.workspace = true").as_str()) {
            findings.push(Finding::new(&place, format!("does not say `{key}.workspace = true`")));
        }
    }
    if !lines.iter().any(|line| line.starts_with("description = ")) {
        findings.push(Finding::new(&place, "has no `description`"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"a\"\ndescription = \"A.\"\nversion.workspace = true\n\
        edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\
        publish.workspace = true\n\n[lints]\nworkspace = true\n";

    fn found(manifest: &str) -> Vec<String> {
        let package = Package {
            name: "a".to_owned(),
            folder: "crates/a".to_owned(),
            manifest: manifest.to_owned(),
            dependencies: Vec::new(),
        };
        check(&[package]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_manifest_that_inherits_everything_passes() {
        assert_eq!(found(MANIFEST), [""; 0]);
    }

    #[test]
    fn each_missing_part_is_found() {
        let lines: Vec<&str> = MANIFEST.lines().collect();
        for (index, line) in lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.contains("workspace") || line.contains("description"))
        {
            let without = [&lines[..index], &lines[index + 1..]].concat().join("\n");
            assert_eq!(found(&without).len(), 1, "{line}");
        }
    }
}
