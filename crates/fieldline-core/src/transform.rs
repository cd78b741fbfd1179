//! [`Transform`]: what changes, drops, splits or gathers events. Synchronous, without I/O, and told the time.

use std::time::Instant;

use jiff::Timestamp;

use crate::event::Event;
use crate::outputs::Outputs;
use crate::value::Map;

/// When a transform is called, and what lies beside the event.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Monotonic time, for spans and deadlines.
    pub instant: Instant,
    /// Wall-clock time, for what people read.
    pub time: Timestamp,
    /// The latest values of the inputs named under `with:`, by node id.
    pub with: &'a Map,
}

/// A running transform. Each event it is given must go through one of the [`Outputs`]' doors, at once
/// or later; one that is simply dropped is booked as lost.
pub trait Transform: Send {
    /// Takes one event.
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs);

    /// When [`Transform::on_deadline`] wants to be called, by the monotonic clock. Asked after every call.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The deadline has passed.
    fn on_deadline(&mut self, _moment: &Moment<'_>, _out: &mut Outputs) {}

    /// The input has ended: let go of everything that is held.
    fn finish(&mut self, _moment: &Moment<'_>, _out: &mut Outputs) {}
}
