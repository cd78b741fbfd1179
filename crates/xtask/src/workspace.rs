//! [`Workspace`]: what the checks look at, read once: packages, sources, and what git keeps.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::files::read_text;

/// The tree as the checks see it. Paths are relative to its root, with `/`.
#[derive(Debug)]
pub struct Workspace {
    /// The folder with the top `Cargo.toml`.
    pub root: PathBuf,
    /// The members, by name.
    pub packages: Vec<Package>,
    /// Every `.rs` file under `crates`, by path.
    pub sources: Vec<SourceFile>,
    /// What git keeps; `None` outside a git checkout, where nobody can say what is committed.
    pub committed: Option<Vec<String>>,
}

/// A member of the workspace.
#[derive(Debug)]
pub struct Package {
    /// The name in its manifest.
    pub name: String,
    /// Its folder, such as `crates/fieldline-core`.
    pub folder: String,
    /// The text of its manifest.
    pub manifest: String,
    /// The packages its library and program need, without those of tests only.
    pub dependencies: Vec<String>,
}

/// A Rust source file.
#[derive(Debug)]
pub struct SourceFile {
    /// Its path, such as `crates/fieldline-core/src/event.rs`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl SourceFile {
    /// Whether it belongs to tests or benchmarks as a whole.
    pub fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.contains("/benches/")
    }

    /// Its text without a module `tests` that closes the file.
    pub fn product(&self) -> &str {
        let Some(start) = self.text.rfind("\n#[cfg(test)]\nmod tests {") else { return &self.text };
        let tests = self.text[start..].trim_end();
        match tests.find("\n}") {
            Some(end) if end + "\n}".len() == tests.len() => &self.text[..=start],
            _ => &self.text,
        }
    }
}

/// The root of the workspace this tool was built in.
pub fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in `crates`");
    crates.parent().expect("`crates` lies in the root").to_owned()
}

impl Workspace {
    /// Reads the tree under `root`. Fails when cargo cannot read the manifests or a file cannot be read.
    pub fn load(root: &Path) -> anyhow::Result<Self> {
        let mut sources = Vec::new();
        read_sources(root, &root.join("crates"), &mut sources)?;
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Workspace {
            root: root.to_owned(),
            packages: packages(root)?,
            sources,
            committed: committed(root),
        })
    }

    /// The text of a file of the tree.
    pub fn read(&self, path: &str) -> anyhow::Result<String> {
        read_text(&self.root.join(path))
    }
}

fn read_sources(root: &Path, folder: &Path, sources: &mut Vec<SourceFile>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type()?.is_dir() {
            if name != "target" {
                read_sources(root, &path, sources)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(SourceFile { path: relative(root, &path), text: read_text(&path)? });
        }
    }
    Ok(())
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn packages(root: &Path) -> anyhow::Result<Vec<Package>> {
    let output = Command::new("cargo")
        .current_dir(root)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .output()
        .context("`cargo` does not start")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).context("`cargo metadata` is no JSON")?;
    let packages = metadata["packages"].as_array().context("`cargo metadata` has no packages")?;
    packages.iter().map(|package| read_package(root, package)).collect()
}

fn read_package(root: &Path, package: &Value) -> anyhow::Result<Package> {
    let name = package["name"].as_str().context("a package has a name")?;
    let manifest = Path::new(package["manifest_path"].as_str().context("a package has a manifest")?);
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    Ok(Package {
        name: name.to_owned(),
        folder: relative(root, manifest.parent().unwrap_or(root)),
        manifest: read_text(manifest)?,
        dependencies: dependencies
            .filter(|dependency| dependency["kind"] != "dev")
            .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
            .collect(),
    })
}

/// The paths git keeps. An owner other than the caller, as in containers, is no reason to refuse.
fn committed(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .current_dir(root)
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let paths = String::from_utf8_lossy(&output.stdout).into_owned();
    let paths: Vec<String> = paths.split_terminator('\0').map(str::to_owned).collect();
    // A source archive unpacked inside some other checkout: git answers, but keeps none of this.
    (!paths.is_empty()).then_some(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product_of(text: &str) -> String {
        let file = SourceFile { path: "crates/a/src/lib.rs".to_owned(), text: text.to_owned() };
        file.product().to_owned()
    }

    #[test]
    fn a_closing_tests_module_is_no_part_of_the_product() {
        let text = "//! Doc.\nfn work() {\n}\n\n#[cfg(test)]\nmod tests {\n    fn a() {\n    }\n}\n";
        assert_eq!(product_of(text), "//! Doc.\nfn work() {\n}\n\n");
    }

    #[test]
    fn a_tests_module_with_code_behind_it_counts() {
        let text = "//! Doc.\n\n#[cfg(test)]\nmod tests {\n}\n\nfn work() {\n}\n";
        assert_eq!(product_of(text), text);
    }
}
