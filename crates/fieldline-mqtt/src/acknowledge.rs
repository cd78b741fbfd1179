//! The token that comes with a received message and goes back to say that it needs no redelivery.

use std::fmt;
use std::sync::Arc;

use crate::session::Session;
use crate::session::acknowledgements::Arrived;

/// Proof that a message was received and is not acknowledged yet.
///
/// PUBACKs leave in the order in which the messages came, so one that is never acknowledged holds back
/// those after it. Dropping the token is for a crash or a shutdown: the message stays unacknowledged and,
/// after the operation time-out, the session is resumed on a new connection, on which the broker delivers it
/// again. If the session cannot be resumed there will be no redelivery and nothing is held back.
pub struct AckToken {
    held: Option<(Arc<Session>, Arrived)>,
}

impl AckToken {
    /// `arrived` is absent for a message that needs no acknowledgement.
    pub(crate) fn new(session: &Arc<Session>, arrived: Option<Arrived>) -> Self {
        Self { held: arrived.map(|arrived| (Arc::clone(session), arrived)) }
    }

    /// Acknowledges the message. Without effect for one delivered at most once, and after a reconnection.
    pub fn acknowledge(mut self) {
        if let Some((session, arrived)) = self.held.take() {
            session.acknowledge(arrived);
        }
    }
}

impl Drop for AckToken {
    fn drop(&mut self) {
        if let Some((session, arrived)) = self.held.take() {
            session.abandon(arrived);
        }
    }
}

impl fmt::Debug for AckToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("AckToken").field(&self.held.as_ref().map(|(_, arrived)| arrived)).finish()
    }
}
