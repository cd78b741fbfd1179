//! What came of a reload, for the API and the log.

use fieldline_api as api;
use fieldline_api::ReloadOutcome;
use fieldline_compiler::NodeId;
use fieldline_runtime::Applied;
use fieldline_runtime::unit::Unit;

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
        held_ms: 0,
    })
}

fn names<'a>(ids: impl IntoIterator<Item = &'a NodeId>) -> Vec<String> {
    ids.into_iter().map(|id| id.as_str().to_owned()).collect()
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
            "reload: applied"
        ),
        ReloadOutcome::Unchanged => tracing::debug!("reload: unchanged"),
        ReloadOutcome::Rejected { reasons } => {
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
