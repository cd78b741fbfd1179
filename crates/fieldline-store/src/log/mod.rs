//! The log: opening it, and what it says of itself. Writing is in `append.rs`, reading in `read.rs`, letting
//! records go in `settle.rs`, and finding one's feet after a crash in `recover.rs`.

mod active;
mod append;
mod read;
mod recover;
mod settle;

use std::collections::VecDeque;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cursor::{self, Cursor, Position};
use crate::error::StoreError;
use crate::frame;
use crate::holes::Holes;
use crate::options::{MIN_MAX_SIZE, Options};
use crate::record::{Oldest, Tally};
use crate::segment::{BEGINNINGS, HEADER_SIZE, SEQUENCE_SPAN, Segment};
use crate::stats::Stats;
use crate::storage::{Storage, whole_pages};
use active::Active;
use read::Reader;
pub use recover::Recovered;
use recover::Walk;

const LOCK_NAME: &str = "lock";

/// A bounded queue of records on disk, with one owner.
///
/// Records are appended at one end, read in order, and let go at the other: by acknowledgement, by age, or to
/// make room. A record is in the page cache when [`append`](Self::append) returns (killing the process loses
/// nothing) and on the medium when [`sync`](Self::sync) returns. Acknowledgements are kept in memory until
/// [`note`](Self::note) and [`checkpoint`](Self::checkpoint): a crash delivers some records again, and loses none that
/// was durable. What was noted and is not there when the log is opened is counted as missing.
///
/// The caller decides when to sync, to note and to checkpoint
/// ([`DEFAULT_SYNC_INTERVAL`](crate::DEFAULT_SYNC_INTERVAL) has the price), and gives the time, in milliseconds
/// of the Unix epoch. All methods block.
pub struct Log {
    storage: Arc<dyn Storage>,
    directory: PathBuf,
    options: Options,
    segment_size: u64,
    /// In order of their sequences. The last one is never deleted while it is the last: its name is what keeps
    /// sequences from being given twice.
    segments: VecDeque<Segment>,
    /// The writing end of the last segment; `None` until the first append of this session.
    active: Option<Active>,
    /// Where `read_after` stands.
    stream: Option<Reader>,
    /// Where the head stands; apart from `stream`, so that looking at the oldest record doesn't rewind it.
    front: Option<Reader>,
    /// The record at the head when it was last looked at.
    oldest: Option<Oldest>,
    cursor: Cursor,
    holes: Holes,
    /// The first sequence that isn't settled.
    head: u64,
    /// The sequence of the next record.
    next: u64,
    /// Evicted since the last append that succeeded.
    unreported: Tally,
    has_unsynced_removals: bool,
    stats: Stats,
    /// The boot of the machine that lasts.
    boot: Option<u128>,
    /// Records turned out to be lost that the durable position still asks for: they must not be missed again.
    is_note_urgent: bool,
    _lock: Box<dyn Send>,
}

impl Log {
    /// Opens the log in `directory`, which is created if it is missing, and recovers what a crash left.
    ///
    /// Reads the headers of all segments and the records of the last one, and writes the end of that one again,
    /// up to [`MAX_UNSYNCED_BYTES`](crate::MAX_UNSYNCED_BYTES) and a record, so that what is recovered is durable
    /// even if the process before died of a failed sync. Where these are not as many as were noted, all records are read.
    /// Otherwise damage inside older segments is found when they are read.
    ///
    /// # Errors
    /// [`StoreError::TooSmall`], [`StoreError::InUse`], [`StoreError::Version`], [`StoreError::UsedUp`],
    /// [`StoreError::ReadOnly`], [`StoreError::DiskFull`] or [`StoreError::Io`].
    pub fn open(
        storage: Arc<dyn Storage>,
        directory: impl Into<PathBuf>,
        options: Options,
    ) -> Result<(Self, Recovered), StoreError> {
        let directory = directory.into();
        if options.max_size < MIN_MAX_SIZE {
            return Err(StoreError::TooSmall { max_size: options.max_size, minimum: MIN_MAX_SIZE });
        }
        storage
            .create_directory(&directory)
            .map_err(|error| StoreError::from_io("create", &directory, error))?;
        let lock_path = directory.join(LOCK_NAME);
        let lock = storage
            .lock(&lock_path)
            .map_err(|error| StoreError::from_io("lock", &lock_path, error))?
            .ok_or_else(|| StoreError::InUse { directory: directory.clone() })?;
        let cursor = Cursor::open(storage.as_ref(), &directory)?;
        if cursor.durable().is_none() {
            // The file may be new, and a position in a file without a durable name is soon lost.
            storage
                .sync_directory(&directory)
                .map_err(|error| StoreError::from_io("sync", &directory, error))?;
        }
        let found = recover::scan(storage.as_ref(), &directory, Walk::AsNeeded)?;

        let last = found.segments.back();
        let position = cursor.durable();
        let boot = storage.boot();
        let first = found.segments.front().map(|segment| segment.first);
        let head = first.max(position.map(|position| position.head));
        let next =
            match head.max(last.map(|segment| segment.first)).max(position.map(|position| position.end)) {
                Some(known) => known + SEQUENCE_SPAN,
                None => 1,
            };
        if !BEGINNINGS.contains(&next) {
            return Err(StoreError::UsedUp { directory });
        }
        let mut log = Self {
            segment_size: options.segment_size(),
            storage,
            directory,
            options,
            segments: found.segments,
            active: None,
            stream: None,
            front: None,
            oldest: None,
            cursor,
            holes: found.holes,
            head: head.unwrap_or(next),
            next,
            unreported: Tally::default(),
            has_unsynced_removals: false,
            stats: Stats::default(),
            boot,
            is_note_urgent: false,
            _lock: lock,
        };
        let mut recovered = found.recovered;
        let (owed_end, owed_records) = position.map_or((log.head, 0), |position| position.owed(boot));
        if log.count(log.head..owed_end) != owed_records {
            let found = recover::scan(log.storage.as_ref(), &log.directory, Walk::Everything)?;
            (log.segments, log.holes) = (found.segments, found.holes);
            recovered = Recovered { torn_bytes: recovered.torn_bytes, ..found.recovered };
        }
        let gaps = log.holes.count(&(owed_end..log.next));
        log.move_head(log.head);
        log.stats.recovered = log.len();
        let missing_records = gaps + owed_records.saturating_sub(log.count(log.head..owed_end));
        log.is_note_urgent = missing_records > 0;
        let is_position_lost = log.cursor.is_lost();
        let recovered = Recovered { records: log.len(), missing_records, is_position_lost, ..recovered };
        Ok((log, recovered))
    }

    /// How many records wait to be acknowledged.
    pub fn len(&self) -> u64 {
        self.count(self.head..self.next)
    }

    /// The last sequence that is settled; 0 if none is.
    pub fn settled(&self) -> u64 {
        self.head - 1
    }

    /// Whether no record waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the log occupies on disk, in bytes of whole pages, with all overhead; never over `max_size`.
    pub fn bytes_used(&self) -> u64 {
        cursor::FILE_SIZE + self.segment_bytes()
    }

    /// The largest payload this log takes, in bytes.
    pub fn max_payload(&self) -> u64 {
        self.segment_size - HEADER_SIZE - frame::OVERHEAD as u64
    }

    /// The counters since the log was opened.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// What the log holds now.
    fn position(&self) -> Position {
        let durable_end = self.active.as_ref().map_or(self.next, |active| active.durable_end);
        Position { head: self.head, end: self.next, durable_end, records: self.len(), boot: self.boot }
    }

    fn segment_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| whole_pages(segment.bytes)).sum()
    }

    /// How many records in `range` exist: sequences between segments and in holes don't count.
    fn count(&self, range: Range<u64>) -> u64 {
        let stored: u64 = self
            .segments
            .iter()
            .map(|segment| segment.end.min(range.end).saturating_sub(segment.first.max(range.start)))
            .sum();
        stored - self.holes.count(&range)
    }

    fn sync_directory(&mut self) -> Result<(), StoreError> {
        self.stats.syncs += 1;
        self.storage
            .sync_directory(&self.directory)
            .map_err(|error| StoreError::from_io("sync", &self.directory, error))?;
        self.stats.pages_written += 1;
        self.has_unsynced_removals = false;
        Ok(())
    }
}
