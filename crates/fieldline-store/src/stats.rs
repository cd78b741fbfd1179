//! Counters of one log since it was opened: the ledger of its records and the wear of the card.

use crate::record::Tally;

/// Counters since the log was opened; they only grow.
///
/// At any time `recovered + appended = acked + evicted.records + expired + damaged + Log::len()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Records found when the log was opened, not yet acknowledged.
    pub recovered: u64,
    /// Records stored.
    pub appended: u64,
    /// Records acknowledged.
    pub acked: u64,
    /// Records dropped to make room, and the bytes of their payloads.
    pub evicted: Tally,
    /// Records dropped because they outlived `max_age`.
    pub expired: u64,
    /// Records that were counted once and turned out to be unreadable.
    pub damaged: u64,
    /// Records refused by `DropNewest`; they were never in the log.
    pub dropped: u64,
    /// Bytes handed to the file system.
    pub bytes_written: u64,
    /// Pages of 4 KiB that syncs had to write for these bytes: what an SD card wears by, without the journal.
    pub pages_written: u64,
    /// Fsyncs of files and directories, including failed ones.
    pub syncs: u64,
    /// Fsyncs of data that failed; each was followed by writing the data again.
    pub failed_syncs: u64,
    /// Acknowledged segments that couldn't be deleted yet; tried again with every acknowledgement.
    pub failed_removals: u64,
}
