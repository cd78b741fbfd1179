//! [`Card`]: a small file system of its own in memory that can be filled, where this machine lets us mount one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::broker::write;

/// A file system that goes with its owner.
pub(super) struct Card {
    folder: PathBuf,
    size: usize,
}

impl Card {
    /// Mounts a file system of `size` bytes at `folder`, which is there; the error says why this cannot be done.
    pub(super) fn mount(folder: &Path, size: usize) -> Result<Self> {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(folder);
        let output = command.stdin(Stdio::null()).output().context("`mount` does not start")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(Card { folder: folder.to_owned(), size })
    }

    /// Leaves no byte for anybody else.
    pub(super) fn fill(&self) {
        // It ends with the error that the disk is full, which is what is wanted.
        let _full = write(&self.filler(), &"x".repeat(self.size));
    }

    /// Gives the room back.
    pub(super) fn free(&self) -> Result<()> {
        std::fs::remove_file(self.filler()).context("the disk was not full")
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        let _left_to_the_system = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}
