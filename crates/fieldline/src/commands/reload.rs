//! `fieldline reload`: makes a running program read its files again, and tells the outcome.

use std::collections::BTreeSet;
use std::time::Duration;

use fieldline_api::{Applied, Losses, Operation, ReloadOutcome, ReloadRequest};
use fieldline_core::amount;

use super::ask::ask;
use crate::cli::{AskOptions, Format, ReloadOptions};
use crate::exit::Exit;
use crate::output::{self, WAITS};

/// A shorter hold of sources is not worth a line.
const LONG_HOLD_MS: u64 = 100;

/// Makes the program read its files again and tells what came of it.
pub(crate) fn reload(options: &ReloadOptions) -> anyhow::Result<Exit> {
    let losses = match (options.accept_loss, options.carry_over) {
        (true, _) => Losses::AcceptLoss,
        (false, true) => Losses::CarryOver,
        (false, false) => Losses::Refuse,
    };
    let request = serde_json::to_string(&ReloadRequest { losses })?;
    let AskOptions { admin, format } = options.ask;
    let outcome: ReloadOutcome = ask(admin, Operation::Reload, &request, Duration::from_secs(120))?;
    output::print(match format {
        Format::Json => serde_json::to_string_pretty(&outcome)?,
        Format::Human => text(&outcome),
    });
    Ok(code(&outcome))
}

fn code(outcome: &ReloadOutcome) -> Exit {
    match outcome {
        ReloadOutcome::Applied(applied) if !applied.cut_off.is_empty() => Exit::Loss,
        ReloadOutcome::Applied(applied) if !applied.errors.is_empty() => Exit::BadConfig,
        ReloadOutcome::Applied(_) | ReloadOutcome::Unchanged => Exit::Done,
        ReloadOutcome::Rejected { .. } => Exit::BadConfig,
        ReloadOutcome::RolledBack { .. } => Exit::RolledBack,
    }
}

/// The outcome for people: its word, then a line for each thing that matters.
fn text(outcome: &ReloadOutcome) -> String {
    let mut lines = vec![outcome.result().to_string()];
    if let ReloadOutcome::Applied(applied) = outcome {
        lines.extend(effects(applied));
    }
    lines.extend_from_slice(outcome.reasons());
    if outcome.waits() {
        lines.push(WAITS.to_owned());
    }
    lines.join("\n")
}

fn effects(applied: &Applied) -> Vec<String> {
    let mut lines = vec![nodes(applied)];
    for (sink, events) in &applied.carried {
        let events = amount(*events, "waiting event", "waiting events");
        lines.push(format!("`{sink}` has taken {events} over from its version before"));
    }
    for (sink, events) in &applied.dropped {
        lines.push(format!("dropped with `{sink}`: {}", amount(*events, "waiting event", "waiting events")));
    }
    for (sink, events) in &applied.dead_lettered {
        lines.push(format!(
            "put into the dead letter with `{sink}`: {}",
            amount(*events, "waiting event", "waiting events")
        ));
    }
    if !applied.cut_off.is_empty() {
        let cut_off = applied.cut_off.join("`, `");
        lines.push(format!(
            "cut off, as it did not run empty in time; the events in it are lost: `{cut_off}`"
        ));
    }
    if applied.held_ms > LONG_HOLD_MS {
        lines.push(format!("sources were held for {} ms", applied.held_ms));
    }
    lines.extend(output::errors_beside(&applied.errors));
    lines
}

/// How many nodes restarted, started, stopped and continued.
fn nodes(applied: &Applied) -> String {
    let (started, stopped): (BTreeSet<_>, BTreeSet<_>) =
        (applied.started.iter().collect(), applied.stopped.iter().collect());
    let both = started.intersection(&stopped).count();
    let counts = [
        (both.saturating_sub(applied.moved.len()), "restarted"),
        (started.len() - both, "started"),
        (stopped.len() - both, "stopped"),
        (applied.moved.len(), "moved with their state"),
        (applied.kept.len(), "continued"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    format!("nodes: {}", counts.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
        names.map(str::to_owned).to_vec()
    }

    #[test]
    fn a_reload_that_changes_one_node_takes_two_lines() {
        let applied = Applied {
            started: names(["p/work"]),
            stopped: names(["p/work"]),
            kept: names(["p/tick", "p/out"]),
            held_ms: 100,
            ..Applied::default()
        };
        let outcome = ReloadOutcome::Applied(applied);
        assert_eq!(text(&outcome), "applied\nnodes: 1 restarted, 2 continued");
        assert_eq!(code(&outcome), Exit::Done);
    }

    #[test]
    fn all_that_a_reload_has_done_to_events_and_files_is_told() {
        let applied = Applied {
            started: names(["p/a", "p/b", "p/new"]),
            stopped: names(["p/a", "p/b", "p/old"]),
            moved: names(["p/b"]),
            carried: [("p/a".to_owned(), 12)].into(),
            dropped: [("p/old".to_owned(), 1)].into(),
            dead_lettered: [("p/older".to_owned(), 3)].into(),
            cut_off: names(["p/old"]),
            held_ms: 250,
            errors: names(["q.yaml:1:7: error: no"]),
            ..Applied::default()
        };
        let mut outcome = ReloadOutcome::Applied(applied);
        let expected = [
            "applied",
            "nodes: 1 restarted, 1 started, 1 stopped, 1 moved with their state",
            "`p/a` has taken 12 waiting events over from its version before",
            "dropped with `p/old`: 1 waiting event",
            "put into the dead letter with `p/older`: 3 waiting events",
            "cut off, as it did not run empty in time; the events in it are lost: `p/old`",
            "sources were held for 250 ms",
            "files with errors continue as they run:",
            "    q.yaml:1:7: error: no",
        ];
        assert_eq!(text(&outcome).lines().collect::<Vec<_>>(), expected);
        assert_eq!(code(&outcome), Exit::Loss);
        if let ReloadOutcome::Applied(applied) = &mut outcome {
            applied.cut_off.clear();
        }
        assert_eq!(code(&outcome), Exit::BadConfig);
    }
}
