//! [`NodeStatus`]: one node at one moment.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One node at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeStatus {
    /// Its full name, `pipeline/node`.
    pub node: String,
    /// Its kind.
    pub kind: Kind,
    /// Its `type:`.
    #[serde(rename = "type")]
    pub component: String,
    /// Its state.
    pub state: NodeState,
    /// The error of a node that is retrying or has failed.
    pub error: Option<String>,
    /// Number of restarts after a panic.
    pub restarts: u64,
    /// Its account of events.
    #[serde(flatten)]
    pub balance: Balance,
    /// State of a transform that remembers something.
    pub memory: Option<Memory>,
    /// Events that wait for a sink.
    pub buffer: Option<Buffer>,
    /// Settings that a command has changed.
    pub settings: Vec<Setting>,
}

impl NodeStatus {
    /// The name of its pipeline.
    pub fn pipeline(&self) -> &str {
        self.node.split_once('/').map_or("", |(pipeline, _)| pipeline)
    }

    /// Its name within the pipeline.
    pub fn name(&self) -> &str {
        self.node.split_once('/').map_or(&self.node, |(_, name)| name)
    }
}

/// The kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A connection that sources and sinks share.
    Connection,
    /// A source of events.
    Source,
    /// A step between sources and sinks.
    Transform,
    /// A receiver of events.
    Sink,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 4] = [Kind::Connection, Kind::Source, Kind::Transform, Kind::Sink];

    /// Its word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Connection => "connection",
            Kind::Source => "source",
            Kind::Transform => "transform",
            Kind::Sink => "sink",
        }
    }
}

/// The state of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Started, not yet connected.
    Starting,
    /// Running.
    Running,
    /// At work, and at least half of its events fail.
    Degraded,
    /// All its events fail, its sensor is not there, or it has not been connected for long.
    Failing,
    /// Failed, and will be tried again.
    Retrying,
    /// Failed for good.
    Failed,
    /// Done.
    Finished,
}

impl NodeState {
    /// All states.
    pub const ALL: [NodeState; 7] = [
        NodeState::Starting,
        NodeState::Running,
        NodeState::Degraded,
        NodeState::Failing,
        NodeState::Retrying,
        NodeState::Failed,
        NodeState::Finished,
    ];

    /// Its word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            NodeState::Starting => "starting",
            NodeState::Running => "running",
            NodeState::Degraded => "degraded",
            NodeState::Failing => "failing",
            NodeState::Retrying => "retrying",
            NodeState::Failed => "failed",
            NodeState::Finished => "finished",
        }
    }

    /// Whether the node runs or has done all it had to do. One that is degraded runs.
    pub fn is_up(self) -> bool {
        matches!(self, NodeState::Running | NodeState::Degraded | NodeState::Finished)
    }
}

impl fmt::Display for NodeState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// The account of a node. Received and created events are those that left and those in flight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Balance {
    /// Events that came in.
    pub received: u64,
    /// Events that began here.
    pub created: u64,
    /// Events handed on or written.
    pub delivered: u64,
    /// Events taken out on purpose.
    pub filtered: u64,
    /// Events that became part of later events.
    pub absorbed: u64,
    /// Events that failed and were kept in the dead letter.
    pub dead_lettered: u64,
    /// Events thrown away by a named policy.
    pub dropped: u64,
    /// Events that grew too old.
    pub expired: u64,
    /// Events without an account.
    pub lost: u64,
    /// Events in the node or its queue.
    pub in_flight: i64,
    /// Counts of filtered, dead-lettered and dropped events by reason.
    #[serde(default)]
    pub reasons: Vec<Reason>,
}

impl Balance {
    /// The counters that only grow, with their names.
    pub fn counters(&self) -> [(&'static str, u64); 9] {
        [
            ("received", self.received),
            ("created", self.created),
            ("delivered", self.delivered),
            ("filtered", self.filtered),
            ("absorbed", self.absorbed),
            ("dead_lettered", self.dead_lettered),
            ("dropped", self.dropped),
            ("expired", self.expired),
            ("lost", self.lost),
        ]
    }
}

/// How many events left a node for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// `filtered`, `dead_lettered` or `dropped`.
    pub door: String,
    /// The reason, one word.
    pub reason: String,
    /// Number of events.
    pub count: u64,
}

/// State of a transform, in memory and on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Memory {
    /// The state in words.
    pub what: String,
    /// Whether it is kept over a restart of the program.
    pub kept: bool,
    /// Time of the last save, in RFC 3339; `null` before the first.
    #[schemars(extend("format" = "date-time"))]
    pub saved_at: Option<String>,
    /// Error of the last save.
    pub fault: Option<String>,
}

/// Events that wait for a sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Buffer {
    /// Number of events, without the batch in flight.
    pub records: u64,
    /// Bytes they take.
    pub bytes: u64,
    /// Bytes of memory taken by events that the disk does not take.
    pub overflow_bytes: u64,
    /// Age of the oldest event in seconds.
    pub oldest_seconds: Option<u64>,
    /// Time since the sink began to fail, in seconds; `null` while it works.
    pub sink_fails_for_seconds: Option<u64>,
    /// What a disk buffer uses; `null` for a buffer in memory.
    pub disk: Option<DiskUsage>,
}

/// What a disk buffer uses of its disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiskUsage {
    /// Bytes written since the sink was first started.
    pub written_bytes: u64,
    /// Fsyncs since then.
    pub syncs: u64,
    /// Bytes of today: as the day will end; in its first hour, so far.
    pub written_bytes_today: u64,
    /// Fsyncs of today.
    pub syncs_today: u64,
    /// Whether today exceeds the budget of the buffer.
    pub over_budget: bool,
    /// Free bytes of the file system.
    pub card_free_bytes: Option<u64>,
    /// Whether the buffer does not grow, to leave space to others.
    pub card_short: bool,
}

/// A setting that a command has changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// The field.
    pub name: String,
    /// Its value.
    pub value: serde_json::Value,
    /// Its value in the configuration.
    pub configured: serde_json::Value,
    /// Seconds until it ends; `null` if it has no end.
    pub seconds_left: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_a_table_is_the_word_in_json() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.as_str());
        }
        for state in NodeState::ALL {
            assert_eq!(serde_json::to_value(state).expect("JSON"), state.as_str());
        }
    }

    #[test]
    fn the_counters_of_a_balance_have_the_names_of_its_fields() {
        let balance = Balance { received: 1, lost: 9, ..Balance::default() };
        let json = serde_json::to_value(&balance).expect("JSON");
        for (name, count) in balance.counters() {
            assert_eq!(json[name], count, "{name}");
        }
    }
}
