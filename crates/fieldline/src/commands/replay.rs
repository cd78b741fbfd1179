//! `fieldline replay`: puts the events of a dead letter file in again, each once.
//!
//! The program may be writing to the file, so what was put in is noted beside it, in a file for the whole folder: a
//! file that is put aside under another name keeps its marks.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context;
use fieldline_api::{Operation, ReplayOutcome};
use fieldline_compiler::Fingerprint;
use fieldline_core::amount;

use super::ask::ask;
use crate::cli::{Format, ReplayOptions};
use crate::exit::Exit;
use crate::{disk, output};

/// The file in the folder of the dead letters that has a line for each letter that was put in.
const MARKS: &str = ".replayed";

/// Puts the events of a dead letter file in again, at the nodes that failed them.
pub(crate) fn replay(options: &ReplayOptions) -> anyhow::Result<Exit> {
    let text = disk::read_text(&options.file)?;
    let marks_path = options.file.with_file_name(MARKS);
    let marked: HashSet<String> =
        if options.again { HashSet::new() } else { disk::read_lines(&marks_path)?.into_iter().collect() };
    let lines: Vec<&str> = text.lines().collect();
    let is_marked = |line: &str| marked.contains(&mark(line));
    let before = lines.iter().filter(|line| is_marked(line)).count();
    // A line that is left out leaves an empty one: so the numbers in the answer are those of the file.
    let left: Vec<&str> = lines.iter().map(|line| if is_marked(line) { "" } else { line }).collect();
    let outcome: ReplayOutcome =
        ask(options.admin, Operation::Replay, &left.join("\n"), Duration::from_secs(120))?;
    let put_in = (1..).zip(&lines).filter(|(number, _)| outcome.lines.binary_search(number).is_ok());
    let marks: String = put_in.map(|(_, line)| mark(line) + "\n").collect();
    disk::append(&marks_path, &marks)
        .context("the events are put in, but another replay will repeat them")?;
    if options.format == Format::Json {
        output::print(serde_json::to_string_pretty(&outcome)?);
    } else {
        print(&outcome, before);
    }
    let has_failed = outcome.not_replayed > 0 || outcome.unreadable_lines > 0;
    Ok(if has_failed { Exit::Failed } else { Exit::Done })
}

fn print(outcome: &ReplayOutcome, before: usize) {
    let not = outcome.not_replayed + outcome.unreadable_lines;
    output::print(format!("{} put in again, {not} not", amount(outcome.replayed, "event", "events")));
    if before > 0 {
        output::print(format!(
            "{} put in by an earlier replay; `--again` repeats them",
            amount(before, "event was", "events were")
        ));
    }
    outcome.refused.iter().chain(&outcome.unreadable).for_each(output::print);
    let untold = outcome.unreadable_lines.saturating_sub(outcome.unreadable.len() as u64);
    if untold > 0 {
        output::print(amount(untold, "more line is no dead letter", "more lines are no dead letters"));
    }
}

/// The mark of a letter, the same on every machine. A letter that was mended has another one.
fn mark(line: &str) -> String {
    format!("{:032x}", Fingerprint::of(line.trim()).0)
}

#[cfg(test)]
mod tests {
    use super::mark;

    #[test]
    fn a_mark_is_the_same_in_every_version() {
        assert_eq!(mark(""), "6c62272e07bb014262b821756295c58d");
        assert_eq!(mark("a"), "d228cb696f1a8caf78912b704e4a8964");
        assert_eq!(mark("a\r"), mark("a"));
    }
}
