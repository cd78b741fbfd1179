//! [`Visit`]: everything that is to be done at a disk at one time, so that it costs one change of thread.

use fieldline_core::Event;
use fieldline_store::StoreError;

use super::store::{Refused, Store, Taken};
use crate::node::ages::Now;

/// What is to be done, in this order.
#[derive(Default)]
pub(crate) struct Visit {
    /// Everything up to here has come to its end.
    pub(crate) ack: Option<u64>,
    /// Whether what is in hand was not written: it is read again.
    pub(crate) rewind: bool,
    /// Events to store.
    pub(crate) events: Vec<Event>,
    /// Whether to make safe what is stored, also where no bound asks for it.
    pub(crate) sync: bool,
    /// Whether to make the acknowledgements survive a crash.
    pub(crate) checkpoint: bool,
    /// Whether to save the ledger.
    pub(crate) books: bool,
    /// Whether it is the last one: the ledger is saved with what the log holds.
    pub(crate) closes: bool,
    /// Records to give up, because the medium does not return them.
    pub(crate) abandon: Option<u64>,
    /// How many records to read at most.
    pub(crate) take: Option<usize>,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Report {
    /// Events the disk did not take, in order, because it is full or fails.
    pub(crate) rest: Vec<Event>,
    /// Events no disk buffer of this size will ever take.
    pub(crate) outsized: Vec<(Event, StoreError)>,
    /// What was read.
    pub(crate) taken: Option<Taken>,
    /// Whether an event was stored.
    pub(crate) has_written: bool,
    /// Whether something was made safe, which a full disk allows too.
    pub(crate) has_synced: bool,
    /// Why something could not be written.
    pub(crate) write_fault: Option<StoreError>,
    /// Why nothing could be read.
    pub(crate) read_fault: Option<StoreError>,
}

impl Visit {
    /// Does it all; blocks.
    pub(crate) fn make(self, store: &mut Store, now: Now) -> Report {
        let mut report = Report::default();
        if let Some(upto) = self.ack {
            store.ack(upto);
        }
        if self.rewind {
            store.rewind();
        }
        store.look_at_card();
        report.append(store, self.events, now);
        if self.sync || store.is_sync_due() {
            let proves = store.has_pending();
            report.note(store.sync(), proves);
        }
        if self.checkpoint {
            report.note(store.checkpoint(), false);
        }
        if let Some(sequence) = self.abandon {
            report.note(store.abandon(sequence).map(drop), false);
        }
        if let Some(most) = self.take {
            match store.take(most, now) {
                Ok(taken) => report.taken = Some(taken),
                Err(error) => report.read_fault = Some(error),
            }
        }
        store.note();
        if self.closes {
            store.close_books();
        }
        if self.books {
            store.save_books();
        }
        store.measure();
        report
    }
}

impl Report {
    /// Stores events until one is refused: the others stay behind it, in order.
    fn append(&mut self, store: &mut Store, events: Vec<Event>, now: Now) {
        for event in events {
            if !self.rest.is_empty() {
                self.rest.push(event);
                continue;
            }
            match store.append(event, now) {
                Ok(()) => self.has_written = true,
                Err(Refused { event, error: error @ StoreError::TooLarge { .. } }) => {
                    self.outsized.push((event, error));
                }
                Err(Refused { event, error }) => {
                    self.rest.push(event);
                    if !matches!(error, StoreError::Full { .. }) {
                        self.write_fault = Some(error);
                    }
                }
            }
        }
    }

    fn note(&mut self, result: Result<(), StoreError>, proves: bool) {
        match result {
            Ok(()) => self.has_synced |= proves,
            Err(error) => self.write_fault = Some(error),
        }
    }
}
