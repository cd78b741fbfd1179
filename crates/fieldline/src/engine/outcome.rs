//! What came of a reload, for the log, the metrics, `/reload` and `/status`.

use fieldline_runtime::Applied;
use fieldline_runtime::unit::Unit;
use serde_json::{Value, json};

/// What came of a reload.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// Something changed, as told.
    Applied(Applied),
    /// The files say what runs already.
    Unchanged,
    /// Nothing was changed; with the reasons, one line each.
    Rejected(Vec<String>),
    /// A change was taken back; with the reason.
    RolledBack(String),
}

impl Outcome {
    /// Every [`Outcome::word`].
    pub(crate) const WORDS: [&'static str; 4] = ["applied", "unchanged", "rejected", "rolled_back"];

    /// One word for metrics.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Outcome::Applied(_) => "applied",
            Outcome::Unchanged => "unchanged",
            Outcome::Rejected(_) => "rejected",
            Outcome::RolledBack(_) => "rolled_back",
        }
    }

    /// Whether what runs is something else than the files say.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self, Outcome::Rejected(_) | Outcome::RolledBack(_))
    }

    /// As data.
    pub(crate) fn to_json(&self) -> Value {
        let result = self.word();
        match self {
            Outcome::Applied(applied) => json!({
                "result": result,
                "generation": applied.generation,
                "kept": names(&applied.kept),
                "started": names(&applied.started),
                "stopped": names(&applied.stopped),
                "moved": applied.moved.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
                "inherited": applied.inherited.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
                "renewed": applied.renewed.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
                "cut_off": names(&applied.cut_off),
            }),
            Outcome::Unchanged => json!({ "result": result }),
            Outcome::Rejected(reasons) => json!({ "result": result, "reasons": reasons }),
            Outcome::RolledBack(reason) => json!({ "result": result, "reasons": [reason] }),
        }
    }

    /// Writes it to the log.
    pub(crate) fn log(&self) {
        match self {
            Outcome::Applied(applied) => tracing::info!(
                generation = applied.generation,
                kept = applied.kept.len(),
                started = applied.started.len(),
                stopped = applied.stopped.len(),
                moved = applied.moved.len(),
                renewed = applied.renewed.len(),
                "reload: applied"
            ),
            Outcome::Unchanged => tracing::debug!("reload: unchanged"),
            Outcome::Rejected(reasons) => {
                for reason in reasons {
                    tracing::error!(reason, "reload: rejected; what runs goes on as it is");
                }
            }
            Outcome::RolledBack(reason) => {
                tracing::error!(reason, "reload: rolled back; the version before runs again");
            }
        }
    }
}

fn names(units: &[Unit]) -> Vec<&str> {
    units.iter().flat_map(|unit| unit.members().iter().map(|id| id.as_str())).collect()
}
