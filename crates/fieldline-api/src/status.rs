//! [`Status`]: a running program at one moment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::node::NodeStatus;
use crate::reload::ReloadOutcome;

/// A running program and the files it was started from, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The program.
    #[serde(flatten)]
    pub program: ProgramStatus,
    /// The files.
    #[serde(flatten)]
    pub files: FilesStatus,
}

/// A running program at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProgramStatus {
    /// Number of plans applied since the program started, from 1.
    pub generation: u64,
    /// Hash of the configuration that runs.
    pub config: String,
    /// Time at which that configuration was applied, in RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub applied_at: String,
    /// Whether every node is running or has finished.
    pub ready: bool,
    /// Whether no node has failed for good.
    pub healthy: bool,
    /// The clock of the machine.
    pub clock: ClockStatus,
    /// All nodes, in the order of the configuration.
    pub nodes: Vec<NodeStatus>,
    /// Disk buffers with events that belong to no sink of the configuration.
    pub unused_buffers: Vec<UnusedBuffer>,
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockStatus {
    /// Whether the clock was set since the machine started.
    pub standing: ClockState,
    /// Number of jumps by more than a second since the program started.
    pub jumps: u64,
    /// Size of the last jump in seconds; negative if it went back.
    pub last_jump_seconds: Option<f64>,
}

/// Whether the clock of the machine was set since the machine started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// The machine does not tell.
    #[default]
    Unknown,
    /// It waits to be set; its time is wrong.
    Unset,
    /// It was set.
    Set,
}

/// A disk buffer that belongs to no sink of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnusedBuffer {
    /// The sink it belonged to.
    pub node: String,
    /// Its folder.
    pub folder: String,
    /// Number of events in it; `null` if it cannot be read.
    pub records: Option<u64>,
    /// Bytes on disk.
    pub bytes: u64,
}

/// The files on disk compared with the configuration that runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FilesStatus {
    /// Whether the files say something else than the configuration that runs.
    pub files_differ: bool,
    /// Files with errors.
    pub broken: Vec<String>,
    /// The errors, one line each.
    pub errors: Vec<String>,
    /// Outcome of the last reload that was not `unchanged`.
    pub last_reload: Option<ReloadOutcome>,
}
