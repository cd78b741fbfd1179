//! What a user may set on every sink and source, whatever its type: how events wait, are retried,
//! batched and numbered. The drivers carry it out; components never see it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::units::{Period, Size};

/// How a sink waits, batches and tries again.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SinkPolicy {
    /// Where events wait for the sink.
    pub buffer: Buffer,
    /// What happens after a write that may succeed later.
    pub retry: Retry,
    /// How many events are written at once.
    pub batch: BatchLimits,
    /// The most events written in any second, also when a backlog is drained; unlimited without it. A write has at
    /// most as many, and each try counts.
    #[schemars(range(min = 1))]
    pub max_rate: Option<u32>,
}

impl SinkPolicy {
    /// The most events of one write: what the batch and the rate allow.
    pub fn events_at_once(&self) -> usize {
        let rate = self.max_rate.and_then(|rate| usize::try_from(rate).ok());
        self.batch.max_events.min(rate.unwrap_or(usize::MAX))
    }
}

/// What a user may set on every source.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourcePolicy {
    /// How its events are numbered.
    pub sequence: Sequence,
}

/// How a source's events are numbered, in `meta.sequence`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sequence {
    /// Whether the numbers go on where they were after a restart, so that a consumer can prove that nothing is
    /// missing. A number is never given twice: a clean stop leaves no gap, a crash or power cut one of up to
    /// 1,000. Without it they begin with 1 whenever the source starts. An event keeps its number wherever it waits
    /// and however often it is sent, so `meta.source` and `meta.sequence` in the body are an id by which consumers
    /// drop what arrives twice. What a broker or device delivers again after a crash is a new event with a new number;
    /// there the id has to come with the message.
    pub persist: bool,
}

/// The file for failed events that no sink takes: JSON lines, put aside when it has grown to its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterFile {
    /// The folder of the file, relative to the data folder; `dead-letter` there without it.
    pub folder: Option<PathBuf>,
    /// The size at which a file is put aside.
    pub max_size: Size,
    /// How many files are kept, the one that is written included; at least 1.
    pub files: u32,
}

impl Default for LetterFile {
    fn default() -> Self {
        LetterFile { folder: None, max_size: Size(8 << 20), files: 2 }
    }
}

/// Where events wait for a sink.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Buffer {
    /// `memory` forgets when the program ends; `disk` survives that and a power cut.
    #[serde(rename = "type")]
    pub kind: BufferKind,
    /// The most events kept in a memory buffer; 1,000 by default.
    #[schemars(range(min = 1))]
    pub max_events: Option<usize>,
    /// The most bytes kept; 4 MiB in memory by default. A disk buffer must say it, at least 1MiB; it includes
    /// all overhead.
    pub max_size: Option<Size>,
    /// What happens to an event when the buffer is full.
    pub when_full: WhenFull,
    /// Events that have waited longer than this are not sent any more; kept for ever without it. Setting the wall clock
    /// makes no event older. Only over a restart it counts, on disk, unless it was not set: what it then stamped, or what
    /// it finds before it is set, has waited since the restart.
    pub max_age: Option<Period>,
    /// How much of a nearly full card a disk buffer leaves to others.
    pub priority: Priority,
    /// What a disk buffer may cost the card in a day. Beyond it, or when the day would end beyond it, the log warns
    /// once, and status and metrics show it; nothing is held back. A longer `sync_interval` costs less.
    pub budget: Option<Budget>,
    /// How long a disk buffer gathers events before it makes them safe with one sync; 30 s by default. Until
    /// then a source that can send again is not told that they are safe.
    pub sync_interval: Option<Period>,
}

/// How much of a nearly full card a disk buffer leaves to others. Below that it does not grow: it drops as
/// `when_full` says, or with `block` lets events wait in memory. It grows again when a quarter more is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Leaves a tenth of the file system free, at most 1 GiB.
    Low,
    /// Leaves a twentieth of the file system free, at most 512 MiB.
    #[default]
    Normal,
    /// Uses the last byte.
    High,
}

impl fmt::Display for Priority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Priority::Low => "low",
            Priority::Normal => "normal",
            Priority::High => "high",
        })
    }
}

/// What a disk buffer may cost the card in a day, beside the journal of the file system.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// The most bytes written.
    pub written: Option<Size>,
    /// The most fsyncs.
    #[schemars(range(min = 1))]
    pub syncs: Option<u64>,
}

/// The kinds of buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BufferKind {
    /// Kept in memory: fast, gone with the process.
    #[default]
    Memory,
    /// Kept on disk: survives a crash and a power cut.
    Disk,
}

/// What happens to an event when its buffer is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// The event waits, and its source with it.
    #[default]
    Block,
    /// The oldest events make room.
    DropOldest,
    /// The new event is dropped.
    DropNewest,
}

/// Exponential back-off with jitter.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// The first wait; each later one is twice as long.
    pub initial: Period,
    /// The longest wait.
    pub max: Period,
    /// How many times a batch is tried in all; for ever without it.
    #[schemars(range(min = 1))]
    pub attempts: Option<u32>,
}

/// How many events are written at once. A batch is what is there now: a sink never waits to fill one.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BatchLimits {
    /// The most events in a batch.
    #[schemars(range(min = 1))]
    pub max_events: usize,
}

impl Default for Retry {
    fn default() -> Self {
        let period = |seconds| Period(Duration::from_secs(seconds));
        Retry { initial: period(1), max: period(32), attempts: None }
    }
}

impl Default for BatchLimits {
    fn default() -> Self {
        BatchLimits { max_events: 256 }
    }
}
