//! What a log is told when it is opened, and the defaults with their price in fsyncs.

use std::time::Duration;

use crate::cursor;
use crate::storage::PAGE_SIZE;

/// The smallest `max_size` a log accepts: 1 MiB.
pub const MIN_MAX_SIZE: u64 = 1024 * 1024;

/// The `max_size` of a log nobody configured: 64 MiB, three days of one 200-byte reading per second.
pub const DEFAULT_MAX_SIZE: u64 = 64 * 1024 * 1024;

/// How often a caller should [`sync`](crate::Log::sync) while records wait: every 30 s.
///
/// A power cut loses at most this much of what no upstream redelivers, and an acknowledgement to an upstream
/// that does redeliver waits at most this long. The shortest interval that keeps a whole day offline under
/// 3,000 fsyncs is 28.8 s; 30 s (2,880 syncs) leaves 120 for segment changes and restarts. A day of one 200-byte
/// reading per second then costs 19.4 MB written, 31 MB when every sync is rounded up to whole 4 KiB pages
/// (`tests/it/budget.rs` proves both). The system writes the page of what was [noted](crate::Log::note) about as often,
/// which makes 43 MB. The file system's journal comes on top and isn't counted: another 4 to 10 KB per sync were measured
/// on ext4. Killing the process loses nothing, because records reach the page cache at once.
pub const DEFAULT_SYNC_INTERVAL: Duration = Duration::from_secs(30);

/// How often a caller should [`checkpoint`](crate::Log::checkpoint) while records are acknowledged: every 60 s.
///
/// A power cut delivers again what was acknowledged since; the end of the process alone does not. Without acknowledgements a checkpoint costs nothing, and
/// while everything is acknowledged in time a sync costs nothing, so the two don't add up in a normal day.
pub const DEFAULT_CHECKPOINT_INTERVAL: Duration = Duration::from_secs(60);

/// How many bytes may wait for a sync before the log syncs by itself: 256 KiB. Bounds both the memory that
/// keeps them for a failed sync and the loss in a power cut during a burst.
pub const MAX_UNSYNCED_BYTES: usize = 256 * 1024;

const SEGMENTS_PER_LOG: u64 = 8;
const MIN_SEGMENT_SIZE: u64 = 64 * 1024;
const MAX_SEGMENT_SIZE: u64 = 4 * 1024 * 1024;

/// What never holds records: the cursor file, and a page for the header of a segment that replaces another.
const RESERVED: u64 = cursor::FILE_SIZE + PAGE_SIZE;

/// What happens to a record that doesn't fit under `max_size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The append fails with [`StoreError::Full`](crate::StoreError::Full) and changes nothing.
    Block,
    /// The oldest segment goes, with every record in it; the victims are counted.
    DropOldest,
    /// The new record isn't stored; it is counted.
    DropNewest,
}

/// How a log is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Hard cap in bytes on everything the log keeps on disk, in whole pages: headers, cursor, and segments
    /// that are partly acknowledged. The directory's own entry isn't counted. At least [`MIN_MAX_SIZE`].
    pub max_size: u64,
    /// What happens to a record that doesn't fit.
    pub when_full: WhenFull,
    /// How old a record may grow before [`Log::expire`](crate::Log::expire) drops it; `None` means for ever.
    pub max_age: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_size: DEFAULT_MAX_SIZE, when_full: WhenFull::Block, max_age: None }
    }
}

impl Options {
    /// The size of a segment in bytes, whole pages: an eighth of what may hold records, 64 KiB to 4 MiB.
    pub(crate) fn segment_size(&self) -> u64 {
        let share = (self.max_size - RESERVED) / SEGMENTS_PER_LOG;
        (share - share % PAGE_SIZE).clamp(MIN_SEGMENT_SIZE, MAX_SEGMENT_SIZE)
    }

    /// The bytes that segments may occupy together.
    pub(crate) fn segment_budget(&self) -> u64 {
        self.max_size - RESERVED
    }
}
