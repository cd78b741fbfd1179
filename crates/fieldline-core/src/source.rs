//! [`Source`]: where events come from. The source driver pulls it, reconnects it, limits what it has in
//! flight and tells it what became of its batches; a source holds none of that.

use async_trait::async_trait;

use crate::clock::Clock;
use crate::error::{ComponentError, EventError};
use crate::event::Meta;
use crate::receipt::Outcome;
use crate::setting::Settings;
use crate::value::Value;

/// An event before the driver has booked it: body and metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The reading.
    pub body: Value,
    /// What is known about it. The driver fills in `source`, and `sequence` where it is `None`.
    pub meta: Meta,
}

/// What a source has at hand now: never waited for to fill.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The source's own name for the batch, given back in [`Source::settle`].
    pub token: u64,
    /// The events, oldest first.
    pub events: Vec<Draft>,
    /// What came in and could not be read as an event: goes to the dead letter as it came.
    pub failed: Vec<(Draft, EventError)>,
    /// Why the events tell of a fault and of no reading, such as that of a sensor that is not there.
    pub fault: Option<String>,
}

impl Batch {
    /// A batch of one from a source that needs no settlement.
    pub fn one(body: Value, meta: Meta) -> Self {
        Batch { events: vec![Draft { body, meta }], ..Batch::default() }
    }

    /// The batch as one that tells of a `fault`, if there is any.
    pub fn with_fault(self, fault: Option<String>) -> Self {
        Batch { fault, ..self }
    }
}

/// A running source.
#[async_trait]
pub trait Source: Send {
    /// Opens what the source reads from. Called before the first `next` and again, after a back-off,
    /// whenever `next` has failed.
    ///
    /// Must be cancel-safe: the driver drops the future to stop, however long it would take. Then `close` follows, or
    /// another `connect`, which starts from the beginning; nothing that was opened may stay open without an owner.
    async fn connect(&mut self, _clock: &Clock) -> Result<(), ComponentError> {
        Ok(())
    }

    /// The next events; `None` when there will be no more. Must be cancel-safe: the driver drops the
    /// future to stop or to settle, and calls again; nothing may be lost between.
    async fn next(&mut self, clock: &Clock) -> Result<Option<Batch>, ComponentError>;

    /// Every event of `token`'s batch has ended, the worst of them as `outcome`. Called in the order in which
    /// batches end, not in which they came.
    async fn settle(&mut self, _token: u64, _outcome: Outcome) -> Result<(), ComponentError> {
        Ok(())
    }

    /// Goes on with these settings: a value for each that the facts name. With the values it has already, nothing
    /// changes. Called between two calls of `next`, and before the first where a setting was kept.
    ///
    /// # Errors
    /// If they do not fit each other or the rest of the config; then nothing has changed.
    fn adjust(&mut self, _settings: &Settings) -> Result<(), EventError> {
        Ok(())
    }

    /// Why the source lacks a part of what it should give, such as topics that its broker refuses, while the rest goes on.
    /// It is not ready meanwhile. Asked after each batch; an empty one lets the driver know.
    fn lacks(&self) -> Option<&str> {
        None
    }

    /// Whether the source can give nothing more until one of its batches is settled, such as an MQTT session
    /// whose receive maximum is used up. A disk buffer makes safe what it has gathered when it hears of it.
    fn is_stalled(&self) -> bool {
        false
    }

    /// The driver will not call again. Must return soon.
    async fn close(&mut self) {}
}
