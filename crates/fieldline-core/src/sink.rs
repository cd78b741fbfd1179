//! [`Sink`]: where events go. The sink driver batches, retries, buffers and settles; a sink only writes.

use async_trait::async_trait;

use crate::error::ComponentError;
use crate::event::Event;

/// What went wrong with a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// None of the events was written, or nobody knows which.
    All(ComponentError),
    /// These were not written, by their place in the slice, in ascending order; all others were.
    Some(Vec<(usize, ComponentError)>),
}

impl From<ComponentError> for WriteError {
    fn from(error: ComponentError) -> Self {
        WriteError::All(error)
    }
}

/// A running sink.
#[async_trait]
pub trait Sink: Send {
    /// Opens what the sink writes to. Called before the first `write` and again, after a back-off,
    /// whenever a write has failed as a whole.
    ///
    /// Must be cancel-safe: the driver drops the future to stop, however long it would take. Then `close` follows, or
    /// another `connect`, which starts from the beginning; nothing that was opened may stay open without an owner.
    async fn connect(&mut self) -> Result<(), ComponentError> {
        Ok(())
    }

    /// Writes the events in order. `Ok` means that they are safe with whoever receives them: for
    /// MQTT with QoS 1, acknowledged by the broker.
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError>;

    /// Gives the sink time to finish what it still holds. The driver will not call again.
    async fn close(&mut self) {}
}
