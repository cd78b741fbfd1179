//! What goes into a log and comes out of it.

/// One record as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The number of this record: ascending, never given twice, not even after a crash. Every opening of the
    /// log leaves a gap.
    pub sequence: u64,
    /// When it was appended, in milliseconds of the Unix epoch, by the clock of the caller.
    pub appended_at: u64,
    /// The bytes that were appended; the store doesn't look into them.
    pub payload: Vec<u8>,
}

/// The record that has waited longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oldest {
    /// Its number.
    pub sequence: u64,
    /// When it was appended, in milliseconds of the Unix epoch.
    pub appended_at: u64,
}

impl Oldest {
    pub(crate) fn of(record: &Record) -> Self {
        Oldest { sequence: record.sequence, appended_at: record.appended_at }
    }
}

/// A number of records and the bytes of their payloads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many records.
    pub records: u64,
    /// The bytes of their payloads, without the overhead of the store.
    pub bytes: u64,
}

impl Tally {
    /// Adds another tally to this one.
    pub(crate) fn add(&mut self, other: Tally) {
        self.records += other.records;
        self.bytes += other.bytes;
    }
}

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a dropped or evicted record belongs in the ledger"]
pub enum Appended {
    /// The record is in the log; it is durable after the next sync.
    Stored {
        /// The number it was given.
        sequence: u64,
        /// What was dropped to make room since the last append that succeeded.
        evicted: Tally,
    },
    /// The log is full and `when_full` is `DropNewest`: the record was not stored.
    Dropped,
}
