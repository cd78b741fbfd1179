//! When a connection has to end: on our own wish, or because the broker owes an answer for too long.

use tokio::time::Instant;

use crate::error::ConnectError;
use crate::session::subscriptions::Request;
use crate::session::{Inner, Link, Session};

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum End {
    /// It failed.
    Failed(ConnectError),
    /// We want another one.
    Resume,
    /// We want no other one.
    Closed,
}

impl Session {
    /// Whether the connection has to end now.
    pub(crate) fn overdue(&self, now: Instant) -> Option<End> {
        let mut inner = self.lock();
        let end = inner.overdue(now);
        inner.pump(now);
        end
    }

    /// Whether a new connection was asked for since the last time this was asked.
    pub(crate) fn take_reconnect(&self) -> bool {
        std::mem::take(&mut self.lock().reconnect)
    }

    /// Whether the connection is being closed and nothing is left to be sent.
    pub(crate) fn is_drained(&self) -> bool {
        self.lock().is_drained()
    }
}

impl Inner {
    fn is_drained(&self) -> bool {
        self.closing.is_some()
            && self.outbox.len() == 0
            && (self.link.is_none() || self.lanes.acknowledgements.ready().is_none())
    }

    fn overdue(&mut self, now: Instant) -> Option<End> {
        if self.is_drained() || self.closing.is_some_and(|deadline| deadline <= now) {
            return Some(End::Closed);
        }
        if std::mem::take(&mut self.reconnect) || self.lanes.ready_to_resume() {
            return Some(End::Resume);
        }
        let after = self.options.operation_timeout;
        let overdue = |since: Option<Instant>| since.is_some_and(|since| since + after <= now);
        if overdue(self.outbox.oldest_written())
            || overdue(self.subscriptions.under_way().map(|(_, since)| since))
        {
            return Some(End::Failed(ConnectError::AcknowledgementTimeout { after }));
        }
        let silent = |link: &Link| link.last_event + link.accepted.keep_alive + after <= now;
        if self.link.as_ref().is_some_and(silent) {
            return Some(End::Failed(ConnectError::KeepAlive));
        }
        if let Some(before) = now.checked_sub(after) {
            self.counters.unclaimed += self.lanes.release_unclaimed(before);
            if self.link.is_some() {
                for filter in self.lanes.release_abandoned(before) {
                    self.subscriptions.ask(Request::Unsubscribe(filter));
                }
            }
        }
        overdue(self.lanes.acknowledgements.stuck_since()).then_some(End::Resume)
    }
}
