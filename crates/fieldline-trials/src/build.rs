//! Builds what is measured: the program, and with the profile `measure` what it is measured with.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Builds examples of a package; gives back their programs, in the order of `names`.
pub(super) fn examples(root: &Path, package: &str, names: &[&str]) -> Result<Vec<PathBuf>> {
    let mut arguments = vec!["--profile", "measure", "--package", package];
    for name in names {
        arguments.extend(["--example", name]);
    }
    let messages = build(root, &arguments)?;
    names.iter().map(|name| executable(&messages, name)).collect()
}

/// Builds the program as it is released, but with the names of its functions.
pub(super) fn program(root: &Path) -> Result<PathBuf> {
    executable(&build(root, &["--profile", "named", "--bin", "fieldline"])?, "fieldline")
}

/// What cargo says of all it has built, a JSON text each.
fn build(root: &Path, arguments: &[&str]) -> Result<Vec<Value>> {
    let mut command = Command::new("cargo");
    command.current_dir(root).args(["build", "--quiet", "--message-format", "json-render-diagnostics"]);
    let output = command.args(arguments).stderr(Stdio::inherit()).output();
    let output = output.context("`cargo` does not start")?;
    ensure!(output.status.success(), "`cargo build {}` fails", arguments.join(" "));
    let lines = String::from_utf8(output.stdout)?;
    Ok(lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn executable(messages: &[Value], name: &str) -> Result<PathBuf> {
    let is_it = |message: &&Value| message["target"]["name"] == *name && message["executable"].is_string();
    let path = messages.iter().find(is_it).and_then(|message| message["executable"].as_str());
    path.map(PathBuf::from).with_context(|| format!("cargo does not say where `{name}` is"))
}
