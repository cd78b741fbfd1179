//! The rules of the tree, one file each. Every check is a pure function from what was read to findings; only
//! [`mod@format`] starts a program.

pub mod layers;

pub mod size;

pub mod docs;

pub mod naming;

pub mod words;

pub mod manifest;

pub mod tree;

pub mod format;

pub mod circles;

pub mod homes;

pub mod errors;

pub mod fields;

mod table;

mod modules;

mod paths;

mod code;

use crate::finding::Finding;
use crate::workspace::Workspace;

/// Runs every check. Fails only when something cannot be read at all.
pub fn check(workspace: &Workspace) -> anyhow::Result<Vec<Finding>> {
    let readme = workspace.read("crates/README.md")?;
    let mut findings = layers::check(&readme, &workspace.packages);
    findings.extend(size::check(&workspace.sources, size::EXCEPTIONS));
    findings.extend(docs::check_modules(&workspace.sources));
    findings.extend(docs::check_code_map(&readme, |path| workspace.root.join("crates").join(path).exists()));
    findings.extend(naming::check_folders(&workspace.packages));
    findings.extend(naming::check_components(&workspace.sources));
    findings.extend(naming::check_tests(&workspace.sources));
    findings.extend(naming::check_paths(&workspace.sources));
    findings.extend(words::check(&workspace.sources));
    for homes in [homes::STARTS, homes::CLOCKS] {
        findings.extend(homes::check(&readme, &workspace.sources, &homes));
    }
    findings.extend(circles::check(&workspace.packages, &workspace.sources, circles::EXCEPTIONS));
    findings.extend(errors::check(&workspace.sources));
    findings.extend(fields::check(&workspace.sources));
    findings.extend(manifest::check(&workspace.packages));
    findings.extend(tree::check_required(|path| workspace.root.join(path).exists()));
    if let Some(committed) = &workspace.committed {
        findings.extend(tree::check_top_level(committed));
        findings.extend(tree::check_keys(committed, |path| workspace.read(path).ok()));
    }
    if let format::Formatting::Wrong(finding) = format::check(&workspace.root)? {
        findings.push(finding);
    }
    Ok(findings)
}
