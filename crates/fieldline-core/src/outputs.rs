//! [`Outputs`]: the only ways out of a transform.

use crate::edge::{MAIN, Port};
use crate::error::EventError;
use crate::event::Event;
use crate::ledger::Door;
use crate::receipt::Receipt;

/// Collects what a transform does with its events, until the driver takes it on.
#[derive(Default)]
pub struct Outputs {
    sent: Vec<(Port, Event)>,
    created: u64,
    /// Why events that the transform made itself were taken out again.
    withdrawn: Vec<&'static str>,
    failed: Vec<(Event, EventError)>,
}

impl Outputs {
    /// Hands the event to whoever reads the main output.
    pub fn send(&mut self, event: Event) {
        self.send_to(MAIN, event);
    }

    /// Hands the event to whoever reads `port`.
    ///
    /// An event that the transform made itself, such as a window's result, counts as created here.
    pub fn send_to(&mut self, port: Port, mut event: Event) {
        if !event.is_booked() {
            self.created += 1;
        }
        event.depart();
        self.sent.push((port, event));
    }

    /// Hands the event to whoever reads `port`; where nobody does, it counts as dropped for `reason`.
    pub fn send_to_or_drop(&mut self, port: Port, mut event: Event, reason: &'static str) {
        if !event.is_booked() {
            self.created += 1;
        }
        event.depart_if_read(reason);
        self.sent.push((port, event));
    }

    /// Takes the event out on purpose: counted under `reason`, and a good end for its source.
    ///
    /// An event that the transform made itself, such as the result of a window nobody wants, counts as created here.
    pub fn discard(&mut self, event: Event, reason: &'static str) {
        if !event.is_booked() {
            self.withdrawn.push(reason);
        }
        event.finish(Door::Filtered(reason));
    }

    /// The event is part of the transform's state now and settles as delivered (`ack: absorbed`).
    pub fn absorb(&mut self, event: Event) {
        event.finish(Door::Absorbed);
    }

    /// The event is part of the transform's state, and its receipt waits for an event created later.
    #[must_use]
    pub fn absorb_for(&mut self, event: Event) -> Receipt {
        event.absorb()
    }

    /// The event cannot be processed. It goes to the dead letter, never on to the next node.
    pub fn fail(&mut self, event: Event, error: impl Into<EventError>) {
        self.failed.push((event, error.into()));
    }

    /// What was sent since the last call, in order.
    pub fn drain_sent(&mut self) -> std::vec::Drain<'_, (Port, Event)> {
        self.sent.drain(..)
    }

    /// How many of the events sent since the last call were made by the transform itself.
    pub fn take_created(&mut self) -> u64 {
        std::mem::take(&mut self.created)
    }

    /// Why events that the transform made itself were discarded since the last call.
    pub fn drain_withdrawn(&mut self) -> std::vec::Drain<'_, &'static str> {
        self.withdrawn.drain(..)
    }

    /// What failed since the last call, in order.
    pub fn drain_failed(&mut self) -> std::vec::Drain<'_, (Event, EventError)> {
        self.failed.drain(..)
    }
}
