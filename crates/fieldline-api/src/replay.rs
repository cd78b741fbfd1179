//! [`ReplayOutcome`]: dead letters that were put in again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The result of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayOutcome {
    /// Number of events that were put in again.
    pub replayed: u64,
    /// The numbers of their lines in the request, from 1: whoever keeps the letters marks these.
    #[serde(default)]
    pub lines: Vec<u64>,
    /// Number of events that no node takes.
    #[serde(default)]
    pub not_replayed: u64,
    /// The reasons for that, each once with the number of events.
    pub refused: Vec<String>,
    /// The first lines that are no dead letters, with the reason.
    #[serde(default)]
    pub unreadable: Vec<String>,
    /// Number of lines that are no dead letters.
    #[serde(default)]
    pub unreadable_lines: u64,
}
