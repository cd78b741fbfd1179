//! `fieldline plan`: what a change would do. Asks the running program, or compares two states of the files.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use bytes::Bytes;
use fieldline_api::{Change, Fate, PlanPreview};
use fieldline_compiler::{Compiled, FileSource, Overrides, Request, compile};
use fieldline_core::{FileError, amount};
use fieldline_engine::preview::preview;

use crate::cli::{Format, Paths, PlanOptions};
use crate::commands::ask;
use crate::disk::{self, Machine};
use crate::exit::Exit;
use crate::output;

/// Prints what would be kept, rewired, restarted, started and stopped; the exit code says whether a file has errors, or
/// anything is lost.
pub(crate) fn plan(options: &PlanOptions) -> anyhow::Result<Exit> {
    let answer = match (&options.from, &options.since) {
        (Some(from), _) => compare(&disk::compile_paths(&paths(from)), &options.paths)?,
        (None, Some(revision)) => compare(&at_revision(revision, &options.paths)?, &options.paths)?,
        (None, None) => Some(ask::preview(options.admin)?),
    };
    let change = match answer {
        Some(PlanPreview::Change(change)) => change,
        Some(PlanPreview::Rejected { reasons }) => {
            reasons.iter().for_each(output::print);
            return Ok(Exit::BadConfig);
        }
        None => return Ok(Exit::BadConfig),
    };
    output::print(match options.format {
        Format::Json => serde_json::to_string_pretty(&change)?,
        Format::Human => text(&change),
    });
    Ok(match (change.errors.is_empty(), change.loses) {
        (false, _) => Exit::BadConfig,
        (true, true) => Exit::Loss,
        (true, false) => Exit::Done,
    })
}

/// The change for people: a line for each node that is not kept, a count, and the errors of files beside it.
fn text(change: &Change) -> String {
    let mut text = String::new();
    let changed = change.nodes.iter().filter(|node| node.fate != Fate::Keep);
    for node in changed.clone() {
        let sign = match node.fate {
            Fate::Start => '+',
            Fate::Stop => '-',
            _ => '~',
        };
        text += &format!("{sign} {:<8} {}: {}\n", node.fate, node.node, node.reasons.join("; "));
        for note in &node.notes {
            text += &format!("             {note}\n");
        }
    }
    change.notes.iter().for_each(|note| text += &format!("~ {note}\n"));
    let changed = changed.count();
    let kept = amount(change.nodes.len() - changed, "node runs on", "nodes run on");
    text += &match changed {
        0 if !change.notes.is_empty() => format!("no node changes, {kept} undisturbed"),
        0 => format!("nothing changes; {kept}"),
        _ => format!("{}, {kept} undisturbed", amount(changed, "node changes", "nodes change")),
    };
    output::errors_beside(&change.errors).iter().for_each(|line| text += &format!("\n{line}"));
    text
}

fn paths(path: &Path) -> Paths {
    Paths { paths: vec![path.to_owned()], secrets: None }
}

/// What would change from `before` to the files as they are; `None` if these have errors.
fn compare(before: &Compiled, now: &[PathBuf]) -> anyhow::Result<Option<PlanPreview>> {
    if now.is_empty() {
        bail!("name the files or folders to compare with");
    }
    let after = disk::compile_paths(&Paths { paths: now.to_vec(), secrets: None });
    output::diagnostics(&after, Format::Human);
    Ok(after.is_ok().then(|| PlanPreview::Change(preview(&before.plan, &after.plan))))
}

/// Compiles the files as they were in a revision of git.
fn at_revision(revision: &str, now: &[PathBuf]) -> anyhow::Result<Compiled> {
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
    fn read(&self, path: &Path) -> Result<Bytes, FileError> {
        git(&["show", &format!("{}:./{}", self.revision, path.display())])
            .map(Bytes::from)
            .map_err(|_| FileError::Other(format!("it is not in {}", self.revision)))
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

#[cfg(test)]
mod tests {
    use fieldline_api::NodeChange;

    use super::*;

    #[test]
    fn a_note_on_a_pipeline_and_errors_of_files_stand_beside_the_nodes() {
        let kept = NodeChange {
            node: "p/tick".to_owned(),
            fate: Fate::Keep,
            reasons: Vec::new(),
            notes: Vec::new(),
            lost: None,
            waiting: None,
        };
        let mut change = Change { nodes: vec![kept], ..Change::default() };
        assert_eq!(text(&change), "nothing changes; 1 node runs on");
        change.notes.push("failed events of pipeline `p` go to `p/out`".to_owned());
        change.errors.push("q.yaml:1:7: error: no".to_owned());
        let expected = [
            "~ failed events of pipeline `p` go to `p/out`",
            "no node changes, 1 node runs on undisturbed",
            "files with errors continue as they run:",
            "    q.yaml:1:7: error: no",
        ];
        assert_eq!(text(&change).lines().collect::<Vec<_>>(), expected);
    }
}
