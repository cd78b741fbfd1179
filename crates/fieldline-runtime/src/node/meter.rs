//! [`Meter`]: what a sink's buffer holds and what it costs, as its driver writes it and everyone may read it.
//! It outlives the driver, so that a node that is started anew knows what its ledger still holds as in flight.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fieldline_core::Clock;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::ages::{Ages, Now};
use super::wear::Wear;
use crate::status::{BufferStatus, CardStatus, OutageStatus};

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
    /// The card as it was seen last; only for disk buffers.
    pub(crate) card: Option<CardStatus>,
    /// What is wrong with the disk.
    pub(crate) fault: Option<String>,
    /// Set while the sink fails.
    pub(crate) outage: Option<Outage>,
    /// When the write under way began.
    pub(crate) writing_since: Option<Instant>,
    /// Records on disk that the ledger holds as in flight and that no batch in hand has.
    pub(crate) parked: u64,
    /// By which the records on disk are aged.
    ages: Option<Ages>,
    /// Whether the counters of earlier runs are in the ledger.
    pub(crate) is_restored: bool,
}

impl Figures {
    /// A record was stored.
    pub(crate) fn park(&mut self, sequence: u64, now: Now) {
        self.parked += 1;
        self.ages(now).appended(sequence, now);
    }

    /// By which the records on disk are aged; begun `now` where the buffer is used for the first time in this run.
    pub(crate) fn ages(&mut self, now: Now) -> &mut Ages {
        self.ages.get_or_insert_with(|| Ages::new(now))
    }
}

/// A sink that fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outage {
    /// When the first try failed.
    pub(crate) since: Instant,
    /// When the next is made.
    pub(crate) next_try: Instant,
}

/// [`Figures`], shared.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    figures: Mutex<Figures>,
    /// Told when a write has ended.
    written: Notify,
}

impl Meter {
    /// The figures, to be read or changed.
    pub(crate) fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sink has failed and is tried again after `wait`.
    pub(crate) fn fails(&self, now: Instant, wait: Duration) {
        let mut figures = self.figures();
        let since = figures.outage.map_or(now, |outage| outage.since);
        figures.outage = Some(Outage { since, next_try: now + wait });
    }

    /// The sink takes what it is given.
    pub(crate) fn works(&self) {
        self.figures().outage = None;
    }

    /// A write begins.
    pub(crate) fn begins(&self, now: Instant) {
        self.figures().writing_since = Some(now);
    }

    /// The write has ended, well or not.
    pub(crate) fn ends(&self) {
        self.figures().writing_since = None;
        self.written.notify_waiters();
    }

    /// Waits until the write under way has ended; not at all while there is none.
    pub(crate) async fn written(&self) {
        let written = self.written.notified();
        if self.is_writing() {
            written.await;
        }
    }

    /// Whether a write is under way.
    pub(crate) fn is_writing(&self) -> bool {
        self.figures().writing_since.is_some()
    }

    /// How long the write under way has taken; `None` while there is none.
    pub(crate) fn written_for(&self, now: Instant) -> Option<Duration> {
        self.figures().writing_since.map(|since| now.saturating_duration_since(since))
    }

    /// The figures as they are shown, of a node with so many events in flight.
    pub(crate) fn status(&self, clock: &Clock, in_flight: i128) -> BufferStatus {
        let figures = self.figures().clone();
        let now = clock.instant();
        let age = |oldest: Timestamp| clock.time().duration_since(oldest).try_into().unwrap_or_default();
        BufferStatus {
            records: figures.records,
            bytes: figures.bytes,
            overflow: figures.overflow,
            oldest: figures.oldest.map(age),
            on_the_way: u64::try_from(in_flight - i128::from(figures.records)).unwrap_or(0),
            fault: figures.fault,
            outage: figures.outage.map(|outage| OutageStatus {
                lasts: now.saturating_duration_since(outage.since),
                next_try: outage.next_try.saturating_duration_since(now),
            }),
            wear: figures.wear.map(|wear| wear.status(now)),
            card: figures.card,
        }
    }
}
