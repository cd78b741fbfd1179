//! What can be watched of a connection: its state and its counters.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::ConnectError;

/// Whether the broker can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// An attempt is under way.
    Connecting,
    /// The broker has accepted us.
    Connected {
        /// Whether it remembered us.
        session_present: bool,
        /// Since when.
        since: Instant,
    },
    /// The last connection or attempt ended.
    Disconnected {
        /// Why.
        error: ConnectError,
        /// How long until the next attempt.
        retry_in: Duration,
    },
    /// We have closed the connection for good.
    Closed,
}

/// Numbers since the connection was created, and the lengths of what waits now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Connections the broker accepted.
    pub connects: u64,
    /// Connections that ended, and attempts that failed.
    pub disconnects: u64,
    /// Publishes accepted into the outbox.
    pub published: u64,
    /// Publishes the broker acknowledged.
    pub acked: u64,
    /// Publishes that ended with an error.
    pub failed: u64,
    /// Publishes sent again on a later connection.
    pub replayed: u64,
    /// Messages received.
    pub received: u64,
    /// Messages delivered at most once for which a subscriber had no room.
    pub dropped_qos0: u64,
    /// Messages left to the broker because a subscriber had no room; they come again.
    pub held: u64,
    /// Messages larger than the maximum packet size, of which subscribers get the beginning.
    pub oversized: u64,
    /// Messages nobody had subscribed to, which were acknowledged and thrown away.
    pub unclaimed: u64,
    /// Messages whose token was dropped.
    pub abandoned: u64,
    /// Publishes written and not acknowledged.
    pub inflight: usize,
    /// Publishes in the outbox, those in flight included.
    pub queued: usize,
    /// Bytes of the publishes in the outbox.
    pub queued_bytes: usize,
}
