//! [`Meter`]: what a sink's buffer holds and what it costs, as its driver writes it and everyone may read it.
//! It outlives the driver, so that a node that is started anew knows what its ledger still holds as in flight.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fieldline_core::Clock;
use jiff::Timestamp;

use crate::status::{BufferStatus, WearStatus};

/// The figures of one buffer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Events that wait, without the batch that is being written.
    pub(crate) records: u64,
    /// Bytes they take: of memory, or of the disk with all overhead.
    pub(crate) bytes: u64,
    /// Bytes of memory taken by events that a disk buffer's disk does not take.
    pub(crate) overflow: u64,
    /// When the one that waits longest came in.
    pub(crate) oldest: Option<Timestamp>,
    /// What was written to the card; only for disk buffers.
    pub(crate) wear: Option<Wear>,
    /// What is wrong with the disk.
    pub(crate) fault: Option<String>,
    /// Records on disk that the ledger holds as in flight and that no batch in hand has.
    pub(crate) parked: u64,
    /// Whether the counters of earlier runs are in the ledger.
    pub(crate) is_restored: bool,
}

/// What a disk buffer has cost the card since the node was first started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wear {
    /// Since when.
    pub(crate) since: Instant,
    /// Bytes handed to the file system.
    pub(crate) bytes_written: u64,
    /// Fsyncs.
    pub(crate) syncs: u64,
}

/// [`Figures`], shared.
#[derive(Debug, Default)]
pub(crate) struct Meter(Mutex<Figures>);

impl Meter {
    /// The figures, to be read or changed.
    pub(crate) fn figures(&self) -> MutexGuard<'_, Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The figures as they are shown.
    pub(crate) fn status(&self, clock: &Clock) -> BufferStatus {
        let figures = self.figures().clone();
        let age = |oldest: Timestamp| clock.time().duration_since(oldest).try_into().unwrap_or_default();
        BufferStatus {
            records: figures.records,
            bytes: figures.bytes,
            overflow: figures.overflow,
            oldest: figures.oldest.map(age),
            fault: figures.fault,
            wear: figures.wear.map(|wear| WearStatus {
                bytes_written: wear.bytes_written,
                syncs: wear.syncs,
                elapsed: clock.instant().saturating_duration_since(wear.since),
            }),
        }
    }
}
