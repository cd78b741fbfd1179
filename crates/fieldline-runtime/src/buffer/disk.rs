//! The disk buffer: a [`Store`] that is visited from the async world, and what happens when its disk fails.
//!
//! Events the disk does not take, because it is full or broken, wait in memory within the bounds of a memory
//! buffer, with their receipts: nothing is called safe that is not. As soon as the disk takes them they go there.
//! While it does not, and nothing older waits on it, they reach the sink from memory, so that a dead card does
//! not stop a sink that works.

use std::sync::Arc;
use std::time::Duration;

use fieldline_backoff::Backoff;
use fieldline_core::policy::{self, Retry, WhenFull};
use fieldline_core::{Clock, Event, EventError};
use fieldline_store::{DEFAULT_CHECKPOINT_INTERVAL, DEFAULT_SYNC_INTERVAL, Storage, StoreError};
use tokio::time::Instant;

use super::HASTE;
use super::in_hand::InHand;
use super::memory::MemoryBuffer;
use super::place::{Place, place};
use super::store::{Store, Taken};
use super::visit::{Report, Visit};
use crate::books::SAVE_INTERVAL;
use crate::dead_letter::{DeadLetters, Failure};
use crate::node::NodeHandle;
use crate::node::ages::Now;
use crate::node::meter::Meter;
use crate::node::wear::{Forecast, Wear};
use crate::record::{RecordError, millis};
use crate::supervise::{blocking, describe};

/// How long to wait before a record that could not be read is tried again.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// How often a record is read in vain before it is given up, with the rest of its segment.
const READ_TRIES: u32 = 5;

/// One sink's buffer on disk.
pub(crate) struct DiskBuffer {
    handle: Arc<NodeHandle>,
    clock: Clock,
    dead_letters: DeadLetters,
    place: Place,
    sync_interval: Duration,
    /// `None` until it is opened, and when that fails.
    store: Option<Box<Store>>,
    /// What the disk does not take.
    overflow: MemoryBuffer,
    out: Out,
    /// What was read ahead of the sink's asking for it.
    ready: Option<Taken>,
    /// What has come to its end and is to be acknowledged at the next visit.
    acked: Option<u64>,
    backoff: Backoff,
    write_again_at: Option<Instant>,
    read_again_at: Option<Instant>,
    unread: u32,
    /// Records to give up at the next visit.
    abandon: Option<u64>,
    sync_at: Option<Instant>,
    checkpoint_at: Option<Instant>,
    books_at: Instant,
}

/// Where the batch that is out came from.
enum Out {
    Nothing,
    /// The sequence of each event of the batch, and the one to acknowledge with it.
    Disk {
        sequences: Vec<u64>,
        upto: u64,
    },
    Overflow,
}

impl DiskBuffer {
    /// The buffer of the sink of `handle` under its data directory; nothing is opened yet.
    pub(crate) fn new(
        handle: Arc<NodeHandle>,
        clock: Clock,
        dead_letters: DeadLetters,
        storage: Arc<dyn Storage>,
    ) -> Self {
        let settings = &handle.node.policy.buffer;
        let in_memory = policy::Buffer { max_size: None, max_events: None, ..settings.clone() };
        handle.meter.figures().wear.get_or_insert_with(|| Wear::new(clock.instant()));
        let retry = Retry::default();
        DiskBuffer {
            place: place(&handle, storage),
            sync_interval: settings.sync_interval.map_or(DEFAULT_SYNC_INTERVAL, |period| period.0),
            overflow: MemoryBuffer::new(&in_memory, Arc::new(Meter::default())),
            handle,
            clock,
            dead_letters,
            store: None,
            out: Out::Nothing,
            ready: None,
            acked: None,
            backoff: Backoff::new(retry.initial.0, retry.max.0),
            write_again_at: None,
            read_again_at: None,
            unread: 0,
            abandon: None,
            sync_at: None,
            checkpoint_at: None,
            books_at: Instant::now() + SAVE_INTERVAL,
        }
    }

    pub(crate) fn has_room(&self) -> bool {
        match self.handle.node.policy.buffer.when_full {
            WhenFull::Block if self.write_again_at.is_none() => self.overflow.is_empty(),
            _ => self.overflow.has_room(),
        }
    }

    /// Stores events, and reads what the sink is to get next in the same visit if it has nothing in hand.
    pub(crate) async fn put(&mut self, events: Vec<Event>) {
        self.open().await;
        if self.may_write() && self.overflow.is_empty() {
            let is_idle = matches!(self.out, Out::Nothing) && self.ready.is_none();
            let take = (is_idle && self.may_read()).then_some(self.handle.node.policy.events_at_once());
            let taken = self.visit(Visit { events, take, ..Visit::default() }).await;
            self.ready = taken.filter(|taken| !taken.is_empty()).or(self.ready.take());
        } else {
            self.overflow.put(events, self.clock.instant());
        }
        self.hasten();
    }

    pub(crate) async fn take(&mut self, most: usize) -> Option<InHand> {
        self.open().await;
        let mut take = self.may_read().then_some(most);
        let mut ready = self.ready.take();
        while ready.is_some() || self.has_work(take.is_some()) {
            let taken = match ready.take() {
                Some(ready) => ready,
                None => {
                    let events = if self.may_write() { self.overflow.drain() } else { Vec::new() };
                    let Some(taken) = self.visit(Visit { events, take, ..Visit::default() }).await else {
                        break;
                    };
                    taken
                }
            };
            if !taken.is_empty() {
                self.acked = Some(taken.upto);
            } else {
                take = None;
            }
            self.set_aside(taken.unreadable).await;
            if !taken.batch.events.is_empty() {
                self.acked = None;
                self.out = Out::Disk { sequences: taken.sequences, upto: taken.upto };
                return Some(taken.batch);
            }
        }
        if self.store.as_ref().is_some_and(|store| !store.is_empty()) {
            return None;
        }
        let batch = self.overflow.take(most, self.clock.instant())?;
        self.out = Out::Overflow;
        Some(batch)
    }

    /// Sources hear of it now; the log does with the next visit, which need not be made for that alone.
    pub(crate) fn delivered(&mut self) {
        match std::mem::replace(&mut self.out, Out::Nothing) {
            Out::Nothing => {}
            Out::Overflow => self.overflow.delivered(),
            Out::Disk { upto, .. } => {
                self.acked = Some(upto);
                self.checkpoint_at.get_or_insert_with(|| Instant::now() + DEFAULT_CHECKPOINT_INTERVAL);
                if let Some(store) = &mut self.store {
                    store.settle(upto);
                    self.sync_at.take_if(|_| !store.has_pending());
                }
            }
        }
    }

    /// What has ended at the front of the batch is not read again.
    pub(crate) async fn given_up(&mut self, mut rest: InHand) {
        match std::mem::replace(&mut self.out, Out::Nothing) {
            Out::Nothing => {}
            Out::Overflow => self.overflow.given_up(std::mem::take(&mut rest.events)),
            Out::Disk { sequences, upto } => {
                self.acked = Some(sequences.get(rest.ended).map_or(upto, |first| first - 1));
                drop(rest);
                self.visit(Visit { rewind: true, ..Visit::default() }).await;
            }
        }
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        let waits = self.store.is_none() || !self.overflow.is_empty();
        let write_again = self.write_again_at.filter(|_| waits);
        let books = Some(self.books_at);
        [write_again, self.read_again_at, self.sync_at, self.checkpoint_at, books].into_iter().flatten().min()
    }

    pub(crate) async fn upkeep(&mut self) {
        let now = Instant::now();
        let is_past = |at: &mut Option<Instant>| at.take_if(|at| *at <= now).is_some();
        let (sync, checkpoint) = (is_past(&mut self.sync_at), is_past(&mut self.checkpoint_at));
        is_past(&mut self.read_again_at);
        let books = self.books_at <= now;
        if books {
            self.books_at = now + SAVE_INTERVAL;
        }
        self.open().await;
        let events = if self.may_write() { self.overflow.drain() } else { Vec::new() };
        if sync || checkpoint || books || !events.is_empty() {
            self.visit(Visit { events, sync, checkpoint, books, ..Visit::default() }).await;
        }
    }

    pub(crate) fn hasten(&mut self) {
        let soon = Instant::now() + HASTE;
        let is_later = self.sync_at.is_some_and(|at| at > soon);
        if is_later && self.write_again_at.is_none() && self.store.as_ref().is_some_and(|s| s.is_awaited()) {
            self.sync_at = Some(soon);
        }
    }

    pub(crate) fn is_safe(&self) -> bool {
        self.overflow.is_empty()
    }

    /// Whether nothing is left in it, as far as its disk can be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.overflow.is_empty() && self.store.as_ref().is_some_and(|store| store.is_empty())
    }

    pub(crate) async fn close(&mut self) -> Vec<Event> {
        self.ready = None;
        let events = self.overflow.drain();
        self.visit(Visit { events, sync: true, checkpoint: true, closes: true, ..Visit::default() }).await;
        self.store = None;
        self.overflow.drain()
    }

    /// Whether the disk may be tried, as far as is known.
    fn may_write(&self) -> bool {
        self.store.is_some() && self.write_again_at.is_none_or(|at| at <= Instant::now())
    }

    fn may_read(&self) -> bool {
        self.read_again_at.is_none()
    }

    /// Whether a visit would do anything; asking costs no I/O.
    fn has_work(&self, reads: bool) -> bool {
        let Some(store) = &self.store else { return false };
        (reads && !store.is_empty()) || (self.may_write() && !self.overflow.is_empty())
    }

    /// Opens the log if it is not open and it is time to try.
    async fn open(&mut self) {
        if self.store.is_some() || self.write_again_at.is_some_and(|at| at > Instant::now()) {
            return;
        }
        let (place, ledger) = (self.place.clone(), self.handle.ledger.clone());
        let meter = self.handle.meter.clone();
        let opened = blocking(move || {
            let mut store = Store::open(place, ledger, meter)?;
            store.measure();
            Ok::<_, StoreError>(store)
        });
        match opened.await {
            Ok(Ok(store)) => {
                self.store = Some(Box::new(store));
                self.works();
            }
            Ok(Err(error)) => self.fails(&describe(&error)),
            Err(panic) => self.fails(&panic.message),
        }
    }

    /// Does what is asked at the disk, beside what waits anyway; gives back what was read.
    async fn visit(&mut self, mut visit: Visit) -> Option<Taken> {
        let Some(mut store) = self.store.take() else {
            self.overflow.restore(visit.events);
            return None;
        };
        visit.ack = self.acked.take();
        visit.abandon = self.abandon.take();
        let now = Now { instant: self.clock.instant(), wall: millis(self.clock.time()) };
        let made = blocking(move || {
            let report = visit.make(&mut store, now);
            (store, report)
        });
        let report = match made.await {
            Ok((store, report)) => {
                self.store = Some(store);
                report
            }
            Err(panic) => {
                self.fails(&panic.message);
                return None;
            }
        };
        self.take_note(report).await
    }

    /// Draws the consequences of a visit.
    async fn take_note(&mut self, mut report: Report) -> Option<Taken> {
        self.overflow.restore(std::mem::take(&mut report.rest));
        for (event, error) in report.outsized {
            self.dead_letter(event, EventError::new("too_large", error.to_string())).await;
        }
        match &report.write_fault {
            Some(error) => self.fails(&describe(error)),
            None if report.has_written || (report.has_synced && self.overflow.is_empty()) => self.works(),
            None => {}
        }
        match &report.read_fault {
            Some(error) => self.cannot_read(error),
            None if report.taken.is_some() => self.unread = 0,
            None => {}
        }
        let has_pending = self.store.as_ref().is_some_and(|store| store.has_pending());
        if has_pending {
            let next = self.write_again_at.unwrap_or_else(|| Instant::now() + self.sync_interval);
            self.sync_at.get_or_insert(next);
        } else {
            self.sync_at = None;
        }
        self.handle.meter.figures().overflow = self.overflow.bytes();
        self.watch_budget();
        report.taken
    }

    /// Warns once a day of a card that wears out faster than the user allows.
    fn watch_budget(&self) {
        let Some(budget) = &self.handle.node.policy.buffer.budget else { return };
        let mut figures = self.handle.meter.figures();
        let forecast = figures.wear.as_mut().and_then(|wear| wear.check(self.clock.instant(), budget));
        if let Some(Forecast { bytes_written, syncs }) = forecast {
            let node = &self.handle.node.id;
            tracing::warn!(%node, bytes_written, syncs, "the disk buffer costs the card more in a day than its `budget`; a longer `sync_interval` costs less");
        }
    }

    /// Puts records that are no events into the dead letter.
    async fn set_aside(&mut self, unreadable: Vec<(InHand, RecordError)>) {
        for (mut record, error) in unreadable {
            for event in record.events.drain(..) {
                self.dead_letter(event, EventError::new("unreadable_record", error.to_string())).await;
            }
        }
    }

    async fn dead_letter(&mut self, event: Event, error: EventError) {
        let failure = Failure { node: &self.handle.node.id, error: &error, attempts: 1 };
        self.dead_letters.put(event, failure, &self.clock).await;
    }

    /// The disk could not be written: names it, and tries again after a while.
    fn fails(&mut self, error: &str) {
        if self.backoff.failures() == 0 {
            tracing::error!(node = %self.handle.node.id, error, "the disk buffer fails; events wait in memory and are not called safe");
        }
        self.write_again_at = Some(Instant::now() + self.backoff.fail(fastrand::f64()));
        self.handle.meter.figures().fault = Some(error.to_owned());
    }

    fn works(&mut self) {
        self.write_again_at = None;
        if self.backoff.failures() > 0 {
            tracing::info!(node = %self.handle.node.id, "the disk buffer works again");
            self.backoff.succeed();
            self.handle.meter.figures().fault = None;
        }
    }

    /// A record could not be read: tries again a few times, then gives it up with the rest of its segment.
    fn cannot_read(&mut self, error: &StoreError) {
        self.unread += 1;
        tracing::error!(node = %self.handle.node.id, error = describe(error), tries = self.unread, "the disk buffer cannot be read");
        self.read_again_at = Some(Instant::now() + READ_AGAIN);
        if let (StoreError::Unreadable { sequence, .. }, READ_TRIES..) = (error, self.unread) {
            self.abandon = Some(*sequence);
        }
    }
}
