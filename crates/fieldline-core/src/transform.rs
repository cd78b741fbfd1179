//! [`Transform`]: what changes, drops, splits or gathers events. Synchronous, without I/O, and told the time.

use std::any::Any;
use std::time::{Duration, Instant};
use std::vec::Drain;

use jiff::Timestamp;

use crate::error::{BuildError, EventError};
use crate::event::Event;
use crate::outputs::Outputs;
use crate::setting::Settings;
use crate::value::{Map, Value};

/// When a transform is called, and what lies beside the event.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Monotonic time, for spans and deadlines.
    pub instant: Instant,
    /// Wall-clock time, for what people read.
    pub time: Timestamp,
    /// The latest values under `with:`, by name; without those that are not known, or too old.
    pub with: &'a Map,
}

/// A running transform. Each event it is given must go through one of the [`Outputs`]' doors, at once
/// or later; one that is simply dropped is booked as lost.
pub trait Transform: Any + Send {
    /// Takes one event.
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs);

    /// Takes all events that are at hand, oldest first; never none. The driver calls this; what works on many events
    /// at less cost than on each, such as a model, overrides it.
    ///
    /// A panic costs the events that were taken out of `events`, or the next one if none was; those that are left go
    /// to a new instance. So they are best looked at with `as_slice` and taken when their result is there. Events that are
    /// left without a panic are lost.
    fn apply_batch(&mut self, events: &mut Drain<'_, Event>, moment: &Moment<'_>, out: &mut Outputs) {
        for event in events {
            self.apply(event, moment, out);
        }
    }

    /// Goes on with these settings: a value for each that the facts name. With the values it has already, nothing
    /// changes. Called between events.
    ///
    /// # Errors
    /// If they do not fit each other or the rest of the config; then nothing has changed.
    fn adjust(&mut self, _settings: &Settings) -> Result<(), EventError> {
        Ok(())
    }

    /// When [`Transform::on_deadline`] wants to be called, by the monotonic clock. Asked after every call.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The deadline has passed.
    fn on_deadline(&mut self, _moment: &Moment<'_>, _out: &mut Outputs) {}

    /// The input has ended: let go of everything that is held.
    fn finish(&mut self, _moment: &Moment<'_>, _out: &mut Outputs) {}

    /// What it remembers, in the words of [`Transform::recall`], of at most [`LARGEST`](crate::memory::LARGEST); `None`
    /// where there is nothing yet. Times are told as spans before this moment: clocks differ after a restart.
    ///
    /// # Errors
    /// Why it cannot be told.
    fn remember(&self, _moment: &Moment<'_>) -> Result<Option<Value>, BuildError> {
        Err(BuildError::new("it remembers nothing"))
    }

    /// Goes on with what was remembered a `pause` ago, or [`Duration::MAX`] where nobody knows how long. Called before the first event, and only where the
    /// [`Memory`](crate::memory::Memory) of both has the same key.
    ///
    /// # Errors
    /// Why that cannot be; nothing has changed then.
    fn recall(
        &mut self,
        _remembered: &Value,
        _pause: Duration,
        _moment: &Moment<'_>,
    ) -> Result<(), BuildError> {
        Err(BuildError::new("it recalls nothing"))
    }

    /// Goes on with what the version of this node before a change remembers, which has not been finished. Called
    /// first of all, and only where the [`Memory`](crate::memory::Memory) of both has the same key.
    ///
    /// # Errors
    /// Why that cannot be; the node begins anew then.
    fn take_over(
        &mut self,
        before: Box<dyn Transform>,
        moment: &Moment<'_>,
        _out: &mut Outputs,
    ) -> Result<(), BuildError> {
        match before.remember(moment)? {
            Some(remembered) => self.recall(&remembered, Duration::ZERO, moment),
            None => Ok(()),
        }
    }
}

/// The transform `T` that is behind the trait; none if it is another.
pub fn downcast<T: Transform>(transform: Box<dyn Transform>) -> Result<Box<T>, BuildError> {
    let transform: Box<dyn Any> = transform;
    transform.downcast().map_err(|_| BuildError::new("the version before was made in another way"))
}
