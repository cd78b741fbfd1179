//! What a person or a probe can ask of a running program.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fieldline_compiler::{Fingerprint, NodeId};
use fieldline_core::connection::Standing;
use fieldline_core::{Balance, EventError, Kind, Redactor, Value};
use jiff::Timestamp;

/// How a node is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// Started, and not yet connected.
    Starting,
    /// At work.
    Running,
    /// Something failed and will be tried again.
    Retrying {
        /// Why.
        error: String,
        /// How many tries have failed in a row.
        failures: u32,
    },
    /// It ended with an error that no try can mend.
    Failed(String),
    /// It has done all it had to do.
    Finished,
}

impl NodeState {
    /// A node whose buffer's disk fails is not well, even where its events go on through memory.
    pub(crate) fn with_fault(self, fault: Option<&str>) -> Self {
        match (self, fault) {
            (NodeState::Starting | NodeState::Running, Some(fault)) => {
                NodeState::Retrying { error: format!("disk buffer: {fault}"), failures: 1 }
            }
            (state, _) => state,
        }
    }

    /// One word for tables and metrics.
    pub fn word(&self) -> &'static str {
        match self {
            NodeState::Starting => "starting",
            NodeState::Running => "running",
            NodeState::Retrying { .. } => "retrying",
            NodeState::Failed(_) => "failed",
            NodeState::Finished => "finished",
        }
    }
}

/// An event that a node failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedEvent {
    /// A bounded word, such as `script_error`.
    pub reason: &'static str,
    /// The error as the dead letter has it, up to [`FailedEvent::LONGEST`] characters.
    pub message: String,
}

impl FailedEvent {
    /// Number of characters that are kept of a message.
    pub const LONGEST: usize = 300;
}

/// Events of a source that told of faults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Number of them.
    pub events: u64,
    /// The first since the last reading; none where the last event was a reading.
    pub first: Option<String>,
}

/// One node at one moment.
#[derive(Clone, Debug)]
pub struct NodeStatus {
    /// Its full name.
    pub id: NodeId,
    /// The part it plays.
    pub kind: Kind,
    /// Its `type:`.
    pub component: &'static str,
    /// How it is doing.
    pub state: NodeState,
    /// How often it was started anew after a panic.
    pub restarts: u64,
    /// The first event that this version of it has failed.
    pub first_failure: Option<FailedEvent>,
    /// The events of this version, a source, that told of faults instead of readings.
    pub faults: Faults,
    /// Its account.
    pub balance: Balance,
    /// What it remembers; only transforms do.
    pub memory: Option<MemoryStatus>,
    /// What waits for it; only sinks have a buffer.
    pub buffer: Option<BufferStatus>,
    /// Its settings that a command has changed.
    pub settings: Vec<SettingStatus>,
}

impl NodeStatus {
    /// Takes secrets out of its errors.
    pub(crate) fn redact(&mut self, redactor: &Redactor) {
        match &mut self.state {
            NodeState::Retrying { error, .. } | NodeState::Failed(error) => redactor.clean(error),
            NodeState::Starting | NodeState::Running | NodeState::Finished => {}
        }
        let failure = self.first_failure.as_mut().map(|failure| &mut failure.message);
        let memory = self.memory.as_mut().and_then(|memory| memory.fault.as_mut());
        let buffer = self.buffer.as_mut().and_then(|buffer| buffer.fault.as_mut());
        let fault = self.faults.first.as_mut();
        failure.into_iter().chain(fault).chain(memory).chain(buffer).for_each(|text| redactor.clean(text));
    }
}

/// A setting of a node that differs from its config at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingStatus {
    /// The field it stands for.
    pub name: &'static str,
    /// Its value.
    pub value: Value,
    /// How it is configured.
    pub configured: Value,
    /// How long it still holds; `None` until it is set again.
    pub left: Option<Duration>,
}

/// What a transform remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryStatus {
    /// What it is: `its \`state\``.
    pub what: &'static str,
    /// Whether it is kept on disk, so that it outlives the program.
    pub is_kept: bool,
    /// When what is on disk was remembered; `None` while nothing is.
    pub saved_at: Option<Timestamp>,
    /// Why it could not be written last.
    pub fault: Option<String>,
}

/// What waits for a sink at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BufferStatus {
    /// Events that wait, without the batch that is being written.
    pub records: u64,
    /// Bytes they take: of memory, with the batch that is being written, or of the disk with all overhead.
    pub bytes: u64,
    /// Bytes of memory taken by events that a disk buffer's disk does not take.
    pub overflow: u64,
    /// How long the one that came first has waited.
    pub oldest: Option<Duration>,
    /// Events beside those: in the queue before the buffer, and in the batch that is being written.
    pub on_the_way: u64,
    /// What is wrong with the disk.
    pub fault: Option<String>,
    /// Set while the sink does not take what it is given.
    pub outage: Option<OutageStatus>,
    /// What a disk buffer has cost the card; `None` for one in memory.
    pub wear: Option<WearStatus>,
    /// The card a disk buffer is on; `None` for one in memory, and until it is opened.
    pub card: Option<CardStatus>,
}

/// The file system that a disk buffer is on, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardStatus {
    /// Bytes that can still be written.
    pub free: u64,
    /// Whether that is less than the buffer leaves to others by its priority, so that it does not grow.
    pub is_short: bool,
}

/// A disk buffer in the data folder that belongs to no sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedBuffer {
    /// The sink it belonged to, by its folder.
    pub node: NodeId,
    /// Where it is.
    pub folder: PathBuf,
    /// The events in it; `None` if it cannot be read.
    pub records: Option<u64>,
    /// Bytes on disk.
    pub bytes: u64,
}

/// How long a sink has not taken what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutageStatus {
    /// Time since the first try that failed.
    pub lasts: Duration,
    /// Time to the next try; zero while it is being made.
    pub next_try: Duration,
}

/// What a disk buffer has cost the card since its node was first started. The file system's journal comes on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WearStatus {
    /// Bytes handed to the file system.
    pub bytes_written: u64,
    /// Fsyncs of files and directories.
    pub syncs: u64,
    /// How long it has been counted.
    pub elapsed: Duration,
    /// Bytes of the day that is running: as it would end; in its first hour, so far.
    pub bytes_today: u64,
    /// Fsyncs of that day.
    pub syncs_today: u64,
    /// Whether that day is over the budget of the buffer.
    pub is_over_budget: bool,
}

impl WearStatus {
    /// The bytes a day of this would write; `None` in the first minute, which says nothing about a day.
    pub fn bytes_per_day(&self) -> Option<u64> {
        self.per_day(self.bytes_written)
    }

    /// The fsyncs a day of this would take; `None` in the first minute.
    pub fn syncs_per_day(&self) -> Option<u64> {
        self.per_day(self.syncs)
    }

    fn per_day(&self, count: u64) -> Option<u64> {
        let days = self.elapsed.as_secs_f64() / 86_400.0;
        (self.elapsed >= Duration::from_secs(60)).then(|| (count as f64 / days).round() as u64)
    }
}

/// The program at one moment.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Counts the plans applied since the program started, from 1.
    pub generation: u64,
    /// Of the plan that runs.
    pub fingerprint: Fingerprint,
    /// When that plan was applied.
    pub applied_at: Timestamp,
    /// All nodes, in the plan's order.
    pub nodes: Vec<NodeStatus>,
    /// Disk buffers of sinks that are not there.
    pub unused_buffers: Vec<UnusedBuffer>,
}

impl Status {
    /// Whether every node is at work or has finished.
    pub fn is_ready(&self) -> bool {
        self.nodes.iter().all(|node| matches!(node.state, NodeState::Running | NodeState::Finished))
    }

    /// Whether no node has failed for good.
    pub fn is_healthy(&self) -> bool {
        !self.nodes.iter().any(|node| matches!(node.state, NodeState::Failed(_)))
    }
}

/// A node's state as its driver writes it and everyone may read it. Each version of a node has one of its own.
#[derive(Clone)]
pub(crate) struct Monitor(Arc<Mutex<Seen>>);

/// What was seen of a node.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) state: NodeState,
    pub(crate) restarts: u64,
    pub(crate) first_failure: Option<FailedEvent>,
    pub(crate) faults: Faults,
}

impl Monitor {
    pub(crate) fn new() -> Self {
        let faults = Faults::default();
        let seen = Seen { state: NodeState::Starting, restarts: 0, first_failure: None, faults };
        Monitor(Arc::new(Mutex::new(seen)))
    }

    pub(crate) fn set(&self, state: NodeState) {
        self.seen().state = state;
    }

    /// Takes over what a connection says of itself.
    pub(crate) fn connection_stands(&self, standing: Standing) {
        let mut seen = self.seen();
        seen.state = match (standing, &seen.state) {
            (Standing::Up, _) => NodeState::Running,
            (Standing::Down(error), NodeState::Retrying { failures, .. }) => {
                NodeState::Retrying { error, failures: failures + 1 }
            }
            (Standing::Down(error), _) => NodeState::Retrying { error, failures: 1 },
        };
    }

    pub(crate) fn restarted(&self) {
        self.seen().restarts += 1;
    }

    /// Remembers the first event that fails.
    pub(crate) fn failed(&self, error: &EventError) {
        self.seen().first_failure.get_or_insert_with(|| FailedEvent {
            reason: error.reason,
            message: error.message.chars().take(FailedEvent::LONGEST).collect(),
        });
    }

    /// Counts events that tell of a fault.
    pub(crate) fn faulted(&self, events: u64, fault: &str) {
        let mut seen = self.seen();
        seen.faults.events += events;
        seen.faults.first.get_or_insert_with(|| fault.chars().take(FailedEvent::LONGEST).collect());
    }

    /// The source gives readings again.
    pub(crate) fn reads_again(&self) {
        self.seen().faults.first = None;
    }

    pub(crate) fn read(&self) -> Seen {
        self.seen().clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_kept_and_its_message_is_bounded() {
        let monitor = Monitor::new();
        monitor.failed(&EventError::new("script_error", "x".repeat(1_000)));
        monitor.failed(&EventError::new("refused", "later"));
        let message = "x".repeat(FailedEvent::LONGEST);
        assert_eq!(monitor.read().first_failure, Some(FailedEvent { reason: "script_error", message }));
    }
}
