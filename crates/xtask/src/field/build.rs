//! Builds what is measured beside the program, with the profile `measure`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Builds examples of a package; gives back their programs, in the order of `names`.
pub(super) fn examples(root: &Path, package: &str, names: &[&str]) -> Result<Vec<PathBuf>> {
    let mut command = Command::new("cargo");
    command.current_dir(root).args(["build", "--quiet", "--profile", "measure", "--package", package]);
    command.args(["--message-format", "json-render-diagnostics"]);
    for name in names {
        command.args(["--example", name]);
    }
    let output = command.stderr(Stdio::inherit()).output().context("`cargo` does not start")?;
    ensure!(output.status.success(), "the examples of `{package}` do not compile");
    let messages: Vec<Value> = String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let program = |name: &&str| {
        let is_it =
            |message: &&Value| message["target"]["name"] == **name && message["executable"].is_string();
        let path = messages.iter().find(is_it).and_then(|message| message["executable"].as_str());
        path.map(PathBuf::from).with_context(|| format!("cargo does not say where `{name}` is"))
    };
    names.iter().map(program).collect()
}
