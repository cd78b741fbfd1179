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

    /// When to ask [`Session::overdue`] next, unless woken: when what is under way is overdue, or a publish may leave. What is written from now
    /// on cannot be before the operation time-out has passed.
    pub(crate) fn next_look(&self, now: Instant) -> Instant {
        let inner = self.lock();
        let after = inner.options.operation_timeout;
        let subscribed = inner.subscriptions.under_way().map(|(_, since)| since);
        let answers =
            [inner.outbox.oldest_written(), subscribed].into_iter().flatten().map(|since| since + after);
        let at_last = [inner.closing, inner.reconnect, inner.parting, inner.ask_again, inner.pace.due()]
            .into_iter()
            .flatten();
        answers.chain(at_last).min().map_or(now + after, |at_last| at_last.min(now + after))
    }

    /// Whether a new connection was asked for since the last time this was asked.
    pub(crate) fn take_reconnect(&self) -> bool {
        self.lock().reconnect.take().is_some()
    }

    /// Whether the connection is being closed and nothing is left to be sent.
    pub(crate) fn is_drained(&self) -> bool {
        self.lock().is_drained()
    }
}

impl Inner {
    /// Without a connection, what nobody waits for is no reason to make one: whoever gave it has given it up.
    fn is_drained(&self) -> bool {
        let outbox = &self.outbox;
        self.closing.is_some()
            && match self.link {
                Some(_) => outbox.len() == 0 && self.lanes.acknowledgements.ready().is_none(),
                None => !outbox.is_awaited(),
            }
    }

    fn overdue(&mut self, now: Instant) -> Option<End> {
        if self.is_drained() && self.says_farewell() {
            return None;
        }
        if self.is_drained() || self.closing.is_some_and(|deadline| deadline <= now) {
            return Some(End::Closed);
        }
        let after = self.options.operation_timeout;
        if self.parting.is_some() || self.wants_to_resume(now) || self.is_stuck(now) {
            let at_last = *self.parting.get_or_insert(now + after);
            return (self.outbox.in_flight() == 0 || at_last <= now).then_some(End::Resume);
        }
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
        if self.ask_again.take_if(|due| *due <= now).is_some() {
            for filter in self.lanes.refused() {
                self.subscriptions.ask(Request::Subscribe { filters: vec![filter], again: false });
            }
        }
        if let Some(before) = now.checked_sub(after) {
            let released = self.lanes.release_unclaimed(before);
            self.throw_away(&released);
            if self.link.is_some() {
                for filter in self.lanes.release_abandoned(before) {
                    self.subscriptions.ask(Request::Unsubscribe(filter));
                }
            }
        }
        None
    }

    /// Whether it is time for a new connection, for all that was received is acknowledged.
    fn wants_to_resume(&self, now: Instant) -> bool {
        let all_acknowledged = self.lanes.acknowledgements.is_empty() || !self.options.resumable();
        self.lanes.ready_to_resume()
            || self.reconnect.is_some_and(|at_last| all_acknowledged || at_last <= now)
    }

    /// Whether a message was let go of without an acknowledgement a while ago: those behind it cannot be
    /// acknowledged on this connection any more.
    fn is_stuck(&self, now: Instant) -> bool {
        let stuck_since = self.lanes.acknowledgements.stuck_since();
        stuck_since.is_some_and(|since| since + self.options.operation_timeout <= now)
    }

    /// Whether something that was awaited may now let the connection end.
    pub(crate) fn may_end(&self) -> bool {
        self.is_closing()
            || self.parting.is_some()
            || self.reconnect.is_some()
            || self.lanes.ready_to_resume()
    }
}
