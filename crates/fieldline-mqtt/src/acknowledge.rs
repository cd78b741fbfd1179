//! The token that comes with a received message and goes back to say that it needs no redelivery.

use std::fmt;
use std::sync::{Arc, Weak};

/// Identifies a message within one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// The connection it came on. Acknowledgements for earlier ones are void: the broker delivers again.
    pub(crate) connection: u64,
    /// How many messages came on it before.
    pub(crate) sequence: u64,
}

/// Where tokens go back to.
pub(crate) trait Acknowledge: Send + Sync {
    /// The message needs no redelivery.
    fn acknowledge(&self, arrived: Arrived);

    /// Nobody will acknowledge the message.
    fn abandon(&self, arrived: Arrived);
}

/// Proof that a message was received and is not acknowledged yet.
///
/// PUBACKs leave in the order in which the messages came, so one that is never acknowledged holds back
/// those after it. Dropping the token is for a crash or a shutdown: the message stays unacknowledged and,
/// after the operation time-out, the session is resumed on a new connection, on which the broker delivers it
/// again. If the session cannot be resumed there will be no redelivery and nothing is held back.
pub struct AckToken {
    held: Option<(Weak<dyn Acknowledge>, Arrived)>,
}

impl AckToken {
    /// `arrived` is absent for a message that needs no acknowledgement.
    pub(crate) fn new<T: Acknowledge + 'static>(session: &Arc<T>, arrived: Option<Arrived>) -> Self {
        let session: Weak<T> = Arc::downgrade(session);
        Self { held: arrived.map(|arrived| (session as Weak<dyn Acknowledge>, arrived)) }
    }

    /// Acknowledges the message. Without effect for one delivered at most once, and after a reconnection.
    pub fn acknowledge(mut self) {
        if let Some((session, arrived)) = self.take() {
            session.acknowledge(arrived);
        }
    }

    /// What it holds, for the first who asks; nothing once the session has ended.
    fn take(&mut self) -> Option<(Arc<dyn Acknowledge>, Arrived)> {
        let (session, arrived) = self.held.take()?;
        Some((session.upgrade()?, arrived))
    }
}

impl Drop for AckToken {
    fn drop(&mut self) {
        if let Some((session, arrived)) = self.take() {
            session.abandon(arrived);
        }
    }
}

impl fmt::Debug for AckToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("AckToken").field(&self.held.as_ref().map(|(_, arrived)| arrived)).finish()
    }
}
