//! What came of a reload, for the API and the log.

use std::collections::BTreeMap;

use fieldline_api as api;
use fieldline_api::ReloadOutcome;
use fieldline_compiler::NodeId;
use fieldline_compiler::change::{Backlog, Refusal, Unit};
use fieldline_core::Redactor;
use fieldline_runtime::{Applied, ApplyError};

/// A change that was made, as the API tells it.
pub(crate) fn applied(applied: &Applied) -> ReloadOutcome {
    let of_units = |units: &[Unit]| names(units.iter().flat_map(Unit::members));
    ReloadOutcome::Applied(api::Applied {
        generation: applied.generation,
        kept: of_units(&applied.kept),
        started: of_units(&applied.started),
        stopped: of_units(&applied.stopped),
        moved: names(&applied.moved),
        inherited: names(&applied.inherited),
        renewed: names(&applied.renewed),
        cut_off: of_units(&applied.cut_off),
        held_ms: u64::try_from(applied.held.as_millis()).unwrap_or(u64::MAX),
        carried: by_name(&applied.carried),
        dropped: by_name(&applied.dropped),
        dead_lettered: by_name(&applied.dead_lettered),
        errors: Vec::new(),
    })
}

fn by_name(events: &BTreeMap<NodeId, u64>) -> BTreeMap<String, u64> {
    events.iter().map(|(id, events)| (id.as_str().to_owned(), *events)).collect()
}

/// A reload that has changed nothing, for one reason.
pub(crate) fn rejected(reason: &dyn std::fmt::Display) -> ReloadOutcome {
    ReloadOutcome::rejected(vec![reason.to_string()])
}

/// An outcome with the errors of the files that continue as they run beside it.
pub(crate) fn beside(outcome: ReloadOutcome, errors: Vec<String>) -> ReloadOutcome {
    match outcome {
        ReloadOutcome::Applied(applied) => ReloadOutcome::Applied(api::Applied { errors, ..applied }),
        outcome => outcome,
    }
}

fn names<'a>(ids: impl IntoIterator<Item = &'a NodeId>) -> Vec<String> {
    ids.into_iter().map(|id| id.as_str().to_owned()).collect()
}

/// A change that was not made; `redactor` knows its secrets.
pub(crate) fn not_applied(error: &ApplyError, redactor: &Redactor) -> ReloadOutcome {
    let ApplyError::Refused(refusals) = error else { return rejected(&redactor.text(&error.to_string())) };
    ReloadOutcome::Rejected {
        reasons: refusals.iter().map(refused).collect(),
        waiting: refusals.iter().map(|one| (one.node.as_str().to_owned(), one.events)).collect(),
    }
}

/// Why a change is refused, and how to have it all the same.
pub(crate) fn refused(refusal: &Refusal) -> String {
    let ways = match refusal.backlog {
        Backlog::Redirected { .. } => {
            "`fieldline reload --carry-over` sends them there, `--accept-loss` drops them"
        }
        _ => "`fieldline reload --carry-over` puts them into the dead letter, `--accept-loss` drops them",
    };
    format!("{refusal}; {ways}")
}

/// Writes an outcome to the log.
pub(crate) fn log(outcome: &ReloadOutcome) {
    match outcome {
        ReloadOutcome::Applied(applied) => tracing::info!(
            generation = applied.generation,
            kept = applied.kept.len(),
            started = applied.started.len(),
            stopped = applied.stopped.len(),
            moved = applied.moved.len(),
            renewed = applied.renewed.len(),
            carried = applied.carried.values().sum::<u64>(),
            dropped = applied.dropped.values().sum::<u64>(),
            dead_lettered = applied.dead_lettered.values().sum::<u64>(),
            held_ms = applied.held_ms,
            "reload: applied"
        ),
        ReloadOutcome::Unchanged => tracing::debug!("reload: unchanged"),
        ReloadOutcome::Rejected { reasons, .. } => {
            for reason in reasons {
                tracing::error!(reason, "reload: rejected; what runs goes on as it is");
            }
        }
        ReloadOutcome::RolledBack { reasons } => {
            for reason in reasons {
                tracing::error!(reason, "reload: rolled back; the version before runs again");
            }
        }
    }
}
