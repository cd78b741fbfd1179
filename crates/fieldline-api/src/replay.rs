//! [`ReplayOutcome`]: dead letters that were put in again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The result of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayOutcome {
    /// Number of events that were put in again.
    pub replayed: u64,
    /// Number of events that no node takes.
    #[serde(default)]
    pub not_replayed: u64,
    /// The reasons for that, each once with the number of events.
    pub refused: Vec<String>,
    /// Lines that are no dead letters, with the reason.
    #[serde(default)]
    pub unreadable: Vec<String>,
}
