//! `fieldline plan`: what a change would do. Asks the running program, or compares two states of the files.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use bytes::Bytes;
use fieldline_compiler::{FileSource, Overrides, Request, compile};

use crate::cli::{BAD_CONFIG, Format, Paths, PlanOptions, STATE_LOST};
use crate::commands::ask;
use crate::disk::{self, Machine};
use crate::{output, preview};

/// Prints what would be kept, rewired, restarted, started and stopped; the exit code says whether anything is lost.
pub(crate) fn plan(options: &PlanOptions) -> anyhow::Result<ExitCode> {
    let answer = match (&options.from, &options.since) {
        (Some(from), _) => compare(&disk::compile_paths(&paths(from)), &options.paths)?,
        (None, Some(revision)) => compare(&at_revision(revision, &options.paths)?, &options.paths)?,
        (None, None) => Some(ask::preview(options.admin)?),
    };
    let Some(answer) = answer else { return Ok(BAD_CONFIG.into()) };
    if let Some(reasons) = answer["reasons"].as_array() {
        reasons.iter().filter_map(|reason| reason.as_str()).for_each(output::print);
        return Ok(BAD_CONFIG.into());
    }
    match options.format {
        Format::Json => output::print(serde_json::to_string_pretty(&answer)?),
        Format::Human => output::print(preview::text(&answer)),
    }
    Ok(if answer["loses"] == true { STATE_LOST.into() } else { ExitCode::SUCCESS })
}

fn paths(path: &Path) -> Paths {
    Paths { paths: vec![path.to_owned()], secrets: None }
}

/// What would change from `before` to the files as they are; `None` if these have errors.
fn compare(
    before: &fieldline_compiler::Compiled,
    now: &[PathBuf],
) -> anyhow::Result<Option<serde_json::Value>> {
    if now.is_empty() {
        bail!("name the files or folders to compare with");
    }
    let after = disk::compile_paths(&Paths { paths: now.to_vec(), secrets: None });
    output::diagnostics(&after, Format::Human);
    Ok(after.is_ok().then(|| preview::preview(&before.plan, &after.plan).to_json()))
}

/// Compiles the files as they were in a revision of git.
fn at_revision(revision: &str, now: &[PathBuf]) -> anyhow::Result<fieldline_compiler::Compiled> {
    let files = Git { revision: revision.to_owned() };
    git(&["rev-parse", "--verify", &format!("{revision}^{{commit}}")])
        .context("git knows no such revision")?;
    Ok(compile(&Request {
        roots: now,
        files: &files,
        variables: &Machine::new(None),
        registry: &disk::registry(),
        overrides: Overrides::default(),
    }))
}

/// The files of a revision, below the current folder.
struct Git {
    revision: String,
}

impl FileSource for Git {
    fn read(&self, path: &Path) -> Result<Bytes, String> {
        git(&["show", &format!("{}:./{}", self.revision, path.display())])
            .map(Bytes::from)
            .map_err(|_| format!("it is not in {}", self.revision))
    }

    fn list(&self, path: &Path) -> Option<Vec<PathBuf>> {
        let folder = format!("{}:./{}", self.revision, path.display());
        let names = git(&["ls-tree", "--name-only", &folder]).ok()?;
        Some(String::from_utf8_lossy(&names).lines().map(|name| path.join(name)).collect())
    }
}

fn git(arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let done = Command::new("git").args(arguments).output().context("git cannot be run")?;
    if !done.status.success() {
        bail!("{}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(done.stdout)
}
