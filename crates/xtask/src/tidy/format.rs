//! Formatting is rustfmt's business; this only asks it.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::finding::Finding;

/// What rustfmt says.
#[derive(Debug, PartialEq, Eq)]
pub enum Formatting {
    /// Nothing to do.
    Right,
    /// Some files would change.
    Wrong(Finding),
    /// There is no rustfmt, so nobody knows.
    Unknown,
}

/// Asks rustfmt about every member of the workspace at `root`. Fails when cargo does not start.
pub fn check(root: &Path) -> anyhow::Result<Formatting> {
    let cargo = |arguments: &[&str]| {
        Command::new("cargo").current_dir(root).args(arguments).output().context("`cargo` does not start")
    };
    if !cargo(&["fmt", "--version"])?.status.success() {
        return Ok(Formatting::Unknown);
    }
    let output = cargo(&["fmt", "--all", "--check", "--", "--files-with-diff"])?;
    if output.status.success() {
        return Ok(Formatting::Right);
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Ok(Formatting::Wrong(Finding::new("cargo fmt", format!("would change, so run it:\n{said}"))))
}
