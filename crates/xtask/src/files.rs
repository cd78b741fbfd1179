//! The one place of this tool that touches files.

use std::path::Path;

use anyhow::Context;

/// The text of a file; bytes that are no UTF-8 become replacement characters.
#[expect(clippy::disallowed_methods, reason = "a developer's tool, not part of any pipeline")]
pub(crate) fn read_text(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Replaces or makes a file.
#[expect(clippy::disallowed_methods, reason = "a developer's tool, not part of any pipeline")]
pub(crate) fn write_text(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}
