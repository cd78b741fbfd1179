//! [`ReloadRequest`] and [`ReloadOutcome`]: a reload of the files and its result.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A reload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReloadRequest {
    /// What to do if waiting events would get lost or go elsewhere.
    #[serde(default)]
    pub losses: Losses,
}

/// What to do if a reload would lose or misdirect waiting events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Losses {
    /// Reject the reload.
    #[default]
    Refuse,
    /// Apply it and give the events up.
    AcceptLoss,
    /// Apply it and send the events where the new configuration sends its own.
    CarryOver,
}

/// The result of a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "there is one for a reload, and it is read at once")]
pub enum ReloadOutcome {
    /// The new configuration runs.
    Applied(Applied),
    /// The files say what runs already.
    Unchanged,
    /// Nothing has changed.
    Rejected {
        /// The reasons, one line each.
        reasons: Vec<String>,
        /// Number of waiting events in each sink for which the reload is refused. The files are applied without
        /// another request once these events are sent.
        #[serde(default)]
        waiting: BTreeMap<String, u64>,
    },
    /// The new configuration did worse; the one before runs again.
    RolledBack {
        /// The reasons, one line each.
        reasons: Vec<String>,
    },
}

/// The effect of a reload on the nodes, by full name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// Number of plans applied since the program started, this one included.
    pub generation: u64,
    /// Nodes that continued undisturbed.
    pub kept: Vec<String>,
    /// Nodes that were started.
    pub started: Vec<String>,
    /// Nodes that were stopped.
    pub stopped: Vec<String>,
    /// Transforms that moved with their state.
    pub moved: Vec<String>,
    /// Transforms that restarted with the state of the version before.
    pub inherited: Vec<String>,
    /// Connections that continued with other files.
    pub renewed: Vec<String>,
    /// Nodes that did not drain in time.
    pub cut_off: Vec<String>,
    /// Milliseconds for which sources were held.
    #[serde(default)]
    pub held_ms: u64,
    /// Number of waiting events that each sink which could not send them left to its next version.
    #[serde(default)]
    pub carried: BTreeMap<String, u64>,
    /// Number of waiting events that were dropped with each sink which could not send them, as the request accepted.
    #[serde(default)]
    pub dropped: BTreeMap<String, u64>,
    /// Number of waiting events of each sink which could not send them that went to the dead letter.
    #[serde(default)]
    pub dead_lettered: BTreeMap<String, u64>,
    /// Errors in the files, one line each. Pipelines of a file with errors continue as they run.
    #[serde(default)]
    pub errors: Vec<String>,
}

impl ReloadOutcome {
    /// A reload that has changed nothing, and waits for nothing.
    pub fn rejected(reasons: Vec<String>) -> Self {
        ReloadOutcome::Rejected { reasons, waiting: BTreeMap::new() }
    }

    /// The result without details.
    pub fn result(&self) -> ReloadResult {
        match self {
            ReloadOutcome::Applied(_) => ReloadResult::Applied,
            ReloadOutcome::Unchanged => ReloadResult::Unchanged,
            ReloadOutcome::Rejected { .. } => ReloadResult::Rejected,
            ReloadOutcome::RolledBack { .. } => ReloadResult::RolledBack,
        }
    }

    /// The reasons of a reload that was rejected or rolled back.
    pub fn reasons(&self) -> &[String] {
        match self {
            ReloadOutcome::Rejected { reasons, .. } | ReloadOutcome::RolledBack { reasons } => reasons,
            ReloadOutcome::Applied(_) | ReloadOutcome::Unchanged => &[],
        }
    }

    /// Whether the files are applied without another request once waiting events are sent.
    pub fn waits(&self) -> bool {
        matches!(self, ReloadOutcome::Rejected { waiting, .. } if !waiting.is_empty())
    }

    /// Whether the program does not run what the files say.
    pub fn is_refused(&self) -> bool {
        matches!(self, ReloadOutcome::Rejected { .. } | ReloadOutcome::RolledBack { .. })
    }
}

/// The result of a reload, one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadResult {
    /// The new configuration runs.
    Applied,
    /// The files say what runs already.
    Unchanged,
    /// Nothing has changed.
    Rejected,
    /// The configuration before runs again.
    RolledBack,
}

impl ReloadResult {
    /// All results.
    pub const ALL: [ReloadResult; 4] =
        [ReloadResult::Applied, ReloadResult::Unchanged, ReloadResult::Rejected, ReloadResult::RolledBack];

    /// Its word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            ReloadResult::Applied => "applied",
            ReloadResult::Unchanged => "unchanged",
            ReloadResult::Rejected => "rejected",
            ReloadResult::RolledBack => "rolled_back",
        }
    }
}

impl fmt::Display for ReloadResult {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_result_is_the_word_in_json() {
        let outcomes = [
            ReloadOutcome::Applied(Applied::default()),
            ReloadOutcome::Unchanged,
            ReloadOutcome::rejected(Vec::new()),
            ReloadOutcome::RolledBack { reasons: Vec::new() },
        ];
        for (outcome, result) in outcomes.iter().zip(ReloadResult::ALL) {
            assert_eq!(outcome.result(), result);
            assert_eq!(serde_json::to_value(outcome).expect("JSON")["result"], result.as_str());
        }
    }

    #[test]
    fn a_rejected_reload_waits_only_for_events_that_it_names() {
        let read = |json| serde_json::from_str::<ReloadOutcome>(json).expect("an outcome");
        let rejected = read(r#"{"result":"rejected","reasons":["no"]}"#);
        assert_eq!((rejected.waits(), rejected), (false, ReloadOutcome::rejected(vec!["no".into()])));
        assert!(read(r#"{"result":"rejected","reasons":["no"],"waiting":{"p/o":7}}"#).waits());
    }

    #[test]
    fn a_reload_without_a_word_on_losses_refuses_them() {
        let request: ReloadRequest = serde_json::from_str("{}").expect("a request");
        assert_eq!(request.losses, Losses::Refuse);
        let request: ReloadRequest = serde_json::from_str(r#"{"losses":"carry_over"}"#).expect("a request");
        assert_eq!(request.losses, Losses::CarryOver);
        assert!(serde_json::from_str::<ReloadRequest>(r#"{"loses":"carry_over"}"#).is_err());
    }
}
