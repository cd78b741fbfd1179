//! [`Change`]: the effect of a reload on each node, before or after it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The effect of a reload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Whether state or events get lost or go elsewhere.
    pub loses: bool,
    /// The effect on each node.
    pub nodes: Vec<NodeChange>,
    /// Remarks on whole pipelines.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Errors in the files, one line each. Pipelines of a file with errors continue as they run.
    #[serde(default)]
    pub errors: Vec<String>,
}

/// The effect of a reload on one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeChange {
    /// The full name of the node, `pipeline/node`.
    pub node: String,
    /// Its fate.
    #[serde(rename = "action")]
    pub fate: Fate,
    /// The reasons; empty for a node that is kept.
    pub reasons: Vec<String>,
    /// Remarks on its state, its buffer and its topics.
    pub notes: Vec<String>,
    /// State that gets lost.
    pub lost: Option<String>,
    /// Number of waiting events that would be lost or misdirected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u64>,
}

/// The fate of a node in a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Continues with its connection, buffer and state.
    Keep,
    /// Continues with other inputs.
    Rewire,
    /// A connection that continues with other files.
    Renew,
    /// Continues in another task, with its state.
    Move,
    /// Restarts with its new configuration and the state of the version before.
    Inherit,
    /// Restarts.
    Restart,
    /// Starts for the first time.
    Start,
    /// Stops.
    Stop,
}

impl Fate {
    /// All fates.
    pub const ALL: [Fate; 8] = [
        Fate::Keep,
        Fate::Rewire,
        Fate::Renew,
        Fate::Move,
        Fate::Inherit,
        Fate::Restart,
        Fate::Start,
        Fate::Stop,
    ];

    /// Its word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Fate::Keep => "keep",
            Fate::Rewire => "rewire",
            Fate::Renew => "renew",
            Fate::Move => "move",
            Fate::Inherit => "inherit",
            Fate::Restart => "restart",
            Fate::Start => "start",
            Fate::Stop => "stop",
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// The answer to the question for the effect of a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PlanPreview {
    /// The effect.
    Change(Change),
    /// A reload would be rejected.
    Rejected {
        /// The reasons, one line each.
        reasons: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_word_of_a_fate_is_the_word_in_json() {
        for fate in Fate::ALL {
            assert_eq!(serde_json::to_value(fate).expect("JSON"), fate.as_str());
        }
    }

    #[test]
    fn a_preview_is_told_apart_by_its_members() {
        let read = |json| serde_json::from_value::<PlanPreview>(json).expect("a preview");
        assert_eq!(read(json!({ "loses": false, "nodes": [] })), PlanPreview::Change(Change::default()));
        let rejected = PlanPreview::Rejected { reasons: vec!["no".into()] };
        assert_eq!(read(json!({ "reasons": ["no"] })), rejected);
    }
}
