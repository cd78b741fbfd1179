//! [`Store`]: a log on disk that holds events and keeps their node's ledger right. Every method blocks; see
//! `disk.rs` for who calls it from where.

use std::sync::Arc;

use fieldline_core::{Door, Event, Ledger, Meta, Value};
use fieldline_store::{Appended, Log, MAX_UNSYNCED_BYTES, Stats, StoreError, WhenFull};

use super::in_hand::InHand;
use super::pending::Pending;
use super::place::Place;
use super::reserve::Reserve;
use crate::books::Kept;
use crate::node::ages::Now;
use crate::node::meter::Meter;
use crate::record::{self, RecordError, time};
use crate::status::CardStatus;

/// The most receipts that wait for a sync: bounds memory, and what a power cut makes a source send again.
const MAX_PENDING: usize = 4096;

/// The most bytes of payload read at once.
const READ_BYTES: usize = 1 << 20;

/// A log of events.
pub(crate) struct Store {
    log: Log,
    place: Place,
    reserve: Reserve,
    ledger: Arc<Ledger>,
    meter: Arc<Meter>,
    pending: Pending,
    unsynced_bytes: usize,
    /// The last record that was read.
    taken: u64,
    /// How many records have been read, are not acknowledged and are still in the log.
    in_hand: u64,
    /// What of the log's counters is booked in the ledger.
    booked: Stats,
    /// What of the log's counters is in the meter.
    measured: Stats,
}

/// An event that the log did not take, and why.
pub(crate) struct Refused {
    pub(crate) event: Event,
    pub(crate) error: StoreError,
}

/// Records that were read. Dropped, they are on disk still.
pub(crate) struct Taken {
    /// Those that are events again.
    pub(crate) batch: InHand,
    /// Those that are not, as they are on disk, and why.
    pub(crate) unreadable: Vec<(InHand, RecordError)>,
    /// The sequence of each event of the batch.
    pub(crate) sequences: Vec<u64>,
    /// The sequence to acknowledge when all of them have come to their end.
    pub(crate) upto: u64,
}

impl Taken {
    /// Whether nothing was there to be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.batch.events.is_empty() && self.unreadable.is_empty()
    }
}

impl Store {
    /// Opens the log. Records the ledger does not know of are booked as created, and those it knows and the log
    /// has no more as lost. The log itself says so where a run ended without closing its books.
    pub(crate) fn open(place: Place, ledger: Arc<Ledger>, meter: Arc<Meter>) -> Result<Self, StoreError> {
        let (log, recovered) = Log::open(place.storage.clone(), &place.directory, place.options.clone())?;
        let node = &*place.node;
        if recovered.torn_bytes > 0 {
            tracing::info!(node, bytes = recovered.torn_bytes, "cut off a write that a crash had torn");
        }
        if recovered.is_position_lost {
            tracing::warn!(node, "the disk buffer forgot what was written; it is written again");
        }
        let (pending, booked) = (Pending::default(), log.stats());
        let mut store = Store {
            log,
            reserve: Reserve::new(place.priority),
            place,
            ledger,
            meter,
            pending,
            unsynced_bytes: 0,
            taken: 0,
            in_hand: 0,
            booked,
            measured: Stats::default(),
        };
        if !std::mem::replace(&mut store.meter.figures().is_restored, true) {
            let kept = store.place.books.restore(&store.ledger);
            store.expect(kept, recovered.missing_records);
        }
        let (lost, segments) = (store.reconcile(Door::Damaged), recovered.damaged_segments.len());
        if lost > 0 || segments > 0 {
            let node = &*store.place.node;
            tracing::error!(node, lost, segments, "the disk buffer is damaged; what can be read is kept");
        }
        store.note();
        Ok(store)
    }

    /// Books as created what should be there: what was kept at an orderly close, else what is found and the gaps in it.
    /// What was kept is forgotten on disk, as the next record makes it untrue.
    fn expect(&mut self, kept: Option<Kept>, missing: u64) {
        let records = match kept {
            Some(kept) => {
                self.log.ack(kept.settled);
                kept.records
            }
            None => self.log.len() + missing,
        };
        self.ledger.create_many(records);
        self.meter.figures().parked = records;
        if kept.is_some() {
            self.save_books();
        }
    }

    /// Stores an event: parked, until it is taken. Its receipt is settled when it is safe. A sync that is due by
    /// the bounds is made here; if it fails, the event is stored all the same, and the next one tells.
    #[expect(
        clippy::result_large_err,
        reason = "the event is handed back as it came; a box would only move it"
    )]
    pub(crate) fn append(&mut self, event: Event, now: Now) -> Result<(), Refused> {
        match (self.reserve.limit(), self.place.options.when_full) {
            (None, _) | (_, WhenFull::DropOldest) => {}
            (Some(_), WhenFull::Block) => return Err(Refused { event, error: self.card_is_short() }),
            (Some(_), WhenFull::DropNewest) => {
                event.finish(Door::Dropped("drop_newest"));
                return Ok(());
            }
        }
        let bytes = match record::encode(event.meta(), event.body()) {
            Ok(bytes) => bytes,
            Err(error) => {
                let error = StoreError::Io {
                    action: "encode an event for",
                    path: self.place.directory.clone(),
                    source: std::io::Error::other(error),
                };
                return Err(Refused { event, error });
            }
        };
        let appended = self.append_or_evict(&bytes, now);
        self.book();
        match appended {
            Ok(Appended::Stored { sequence, .. }) => {
                let (_body, _meta, receipt) = event.park();
                self.pending.push(sequence, receipt);
                self.meter.figures().park(sequence, now);
                self.unsynced_bytes += bytes.len();
                Ok(())
            }
            Ok(Appended::Dropped) => {
                event.finish(Door::Dropped("drop_newest"));
                Ok(())
            }
            Err(error) => Err(Refused { event, error }),
        }
    }

    /// Appends; where others have filled the card and the policy lets the oldest go, they go.
    fn append_or_evict(&mut self, bytes: &[u8], now: Now) -> Result<Appended, StoreError> {
        loop {
            match self.log.append(bytes, now.wall) {
                Err(error @ StoreError::DiskFull { .. })
                    if self.place.options.when_full == WhenFull::DropOldest =>
                {
                    if self.log.evict_oldest()?.records == 0 {
                        return Err(error);
                    }
                }
                result => {
                    let appended = result?;
                    self.keep_within_reserve();
                    return Ok(appended);
                }
            }
        }
    }

    /// Lets the oldest go while the card is short and the buffer has grown. If they cannot be deleted it has grown by
    /// a record, and the next one tries again.
    fn keep_within_reserve(&mut self) {
        let Some(limit) = self.reserve.limit() else { return };
        while self.log.bytes_used() > limit {
            if !self.log.evict_oldest().is_ok_and(|evicted| evicted.records > 0) {
                return;
            }
        }
    }

    /// Finds out whether the card is so full that the buffer must not grow.
    pub(crate) fn look_at_card(&mut self) {
        // A file system that does not answer is taken for one with room; it will say so when it is full.
        let Ok(space) = self.place.storage.space(&self.place.directory) else { return };
        let node = &*self.place.node;
        match self.reserve.look(space, self.log.bytes_used()) {
            Some(true) => {
                tracing::warn!(node, free = space.free, total = space.total, priority = %self.place.priority, "the card is nearly full; the disk buffer does not grow, so that others of a higher priority can")
            }
            Some(false) => {
                tracing::info!(node, free = space.free, "the card has room again for the disk buffer")
            }
            None => {}
        }
        let is_short = self.reserve.limit().is_some();
        self.meter.figures().card = Some(CardStatus { free: space.free, is_short });
    }

    fn card_is_short(&self) -> StoreError {
        let source = std::io::Error::other("the rest of the card is left to buffers of a higher priority");
        StoreError::DiskFull { path: self.place.directory.clone(), source }
    }

    /// Whether so much waits for a sync that it should be made now.
    pub(crate) fn is_sync_due(&self) -> bool {
        self.pending.len() >= MAX_PENDING || self.unsynced_bytes >= MAX_UNSYNCED_BYTES
    }

    /// Makes everything safe and tells the sources.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        let upto = self.log.sync()?;
        self.unsynced_bytes = 0;
        self.pending.settle(upto);
        Ok(())
    }

    /// The next records, at most `most`, after those that have grown too old. To be called when nothing is in hand.
    pub(crate) fn take(&mut self, most: usize, now: Now) -> Result<Taken, StoreError> {
        let meter = &self.meter;
        let expired = self.log.expire(|record| meter.figures().ages(now).age(record, now.instant));
        self.book();
        expired?;
        let records = self.log.read_after(self.taken, most, READ_BYTES);
        self.book();
        let records = records?;
        self.in_hand = records.len() as u64;
        {
            let mut figures = self.meter.figures();
            figures.parked = figures.parked.saturating_sub(self.in_hand);
        }
        let upto = records.last().map_or(self.taken, |record| record.sequence);
        self.taken = upto;
        let mut taken =
            Taken { batch: self.in_hand_of(Vec::new()), unreadable: Vec::new(), sequences: Vec::new(), upto };
        for record in records {
            match record::decode(&record.payload) {
                Ok((meta, body)) => {
                    taken.batch.events.push(Event::resume(body, meta, &self.ledger));
                    taken.sequences.push(record.sequence);
                }
                Err(error) => {
                    let meta = Meta::new(time(record.appended_at), self.place.node.clone());
                    let body = Value::Bytes(record.payload.into());
                    let event = Event::resume(body, meta, &self.ledger);
                    taken.unreadable.push((self.in_hand_of(vec![event]), error));
                }
            }
        }
        Ok(taken)
    }

    /// Everything up to and including `upto` has come to its end.
    pub(crate) fn ack(&mut self, upto: u64) {
        self.log.ack(upto);
        self.in_hand = 0;
        self.settle(upto);
    }

    /// Tells the sources of everything up to and including `upto`; does no I/O.
    pub(crate) fn settle(&mut self, upto: u64) {
        self.pending.settle(upto);
        if self.pending.is_empty() {
            self.unsynced_bytes = 0;
        }
    }

    fn in_hand_of(&self, events: Vec<Event>) -> InHand {
        InHand::of_disk(events, self.meter.clone())
    }

    /// Gives up records that the medium does not return; they are booked as lost.
    pub(crate) fn abandon(&mut self, sequence: u64) -> Result<u64, StoreError> {
        let lost = self.log.abandon(sequence);
        self.book();
        lost
    }

    /// Makes acknowledgements survive a crash.
    pub(crate) fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.log.checkpoint()
    }

    /// Writes down what the log holds, so that it is missed if somebody takes it away.
    pub(crate) fn note(&mut self) {
        // A disk that refuses this is told of with the next record; until then an older note counts.
        drop(self.log.note());
    }

    /// Saves the ledger.
    pub(crate) fn save_books(&self) {
        self.place.books.save(&self.ledger, None);
    }

    /// Saves the ledger with what the log holds; nothing may follow.
    pub(crate) fn close_books(&self) {
        let (settled, records) = (self.log.settled(), self.log.len());
        self.place.books.save(&self.ledger, Some(Kept { settled, records }));
    }

    /// Whether no record waits to be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.log.len() <= self.in_hand
    }

    /// Whether receipts wait for a sync.
    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether a source stands still until the next sync.
    pub(crate) fn is_awaited(&self) -> bool {
        self.pending.is_awaited()
    }

    /// Reads from the oldest record on again: what was in hand was not written. Of that, what had to make room
    /// meanwhile is gone.
    pub(crate) fn rewind(&mut self) {
        self.taken = 0;
        self.in_hand = 0;
        let gone = self.reconcile(Door::Dropped("drop_oldest"));
        if gone > 0 {
            tracing::error!(node = %self.place.node, records = gone, "records made room while they were in hand");
        }
    }

    /// Brings the ledger in line with the log while nothing is in hand: records it does not know of are created
    /// here, and those it knows and the log has no more have left by `door`. Returns how many have.
    fn reconcile(&mut self, door: Door) -> u64 {
        let found = self.log.len();
        let parked = std::mem::replace(&mut self.meter.figures().parked, found);
        self.ledger.create_many(found.saturating_sub(parked));
        let gone = parked.saturating_sub(found);
        if gone > 0 {
            self.ledger.leave_many(door, gone);
        }
        gone
    }

    /// Writes down what it holds and what it has cost since the last time.
    pub(crate) fn measure(&mut self) {
        let stats = self.log.stats();
        let oldest = if self.is_empty() { None } else { self.log.oldest().ok().flatten() };
        let oldest = oldest.map(|oldest| time(oldest.appended_at));
        let mut figures = self.meter.figures();
        figures.records = self.log.len() - self.in_hand.min(self.log.len());
        figures.bytes = self.log.bytes_used();
        figures.oldest = oldest;
        if let Some(wear) = &mut figures.wear {
            let bytes_written = stats.bytes_written - self.measured.bytes_written;
            wear.add(bytes_written, stats.syncs - self.measured.syncs);
        }
        self.measured = stats;
    }

    /// Books what the log itself let go. Its victims come from the front, where the records in hand are: those
    /// end by what becomes of their events.
    fn book(&mut self) {
        let stats = self.log.stats();
        let booked = std::mem::replace(&mut self.booked, stats);
        let gone = [
            (Door::Dropped("drop_oldest"), stats.evicted.records - booked.evicted.records),
            (Door::Expired, stats.expired - booked.expired),
            (Door::Damaged, stats.damaged - booked.damaged),
        ];
        for (door, count) in gone {
            let spared = count.min(self.in_hand);
            self.in_hand -= spared;
            let count = count - spared;
            if count == 0 {
                continue;
            }
            if door == Door::Damaged {
                tracing::error!(node = %self.place.node, records = count, "records on disk cannot be read and are lost");
            }
            self.ledger.leave_many(door, count);
            let mut figures = self.meter.figures();
            figures.parked = figures.parked.saturating_sub(count);
        }
    }
}
