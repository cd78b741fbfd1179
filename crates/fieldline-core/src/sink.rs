//! [`Sink`]: where events go. The sink driver batches, retries, buffers and settles; a sink only writes.

use std::future::pending;

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

    /// The write before was dropped before it ended. Tells which of its events, by index, have arrived all the same, so
    /// that they are not sent again; the sink sends none of the others later. By default nothing is known.
    fn interrupted(&mut self) -> Vec<usize> {
        Vec::new()
    }

    /// Does the sink's own work while it is connected and there is nothing to write, such as hearing what others say.
    /// After `Ok` it is called again, after an error the sink is connected again. By default there is no such work.
    ///
    /// Must be cancel-safe: the driver drops the future whenever something else happens. A sink whose calls block its
    /// thread is not asked.
    async fn idle(&mut self) -> Result<(), ComponentError> {
        pending().await
    }

    /// Gives the sink time to finish what it still holds. The driver will not call again.
    async fn close(&mut self) {}
}
