//! The receiving end of a subscription.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::acknowledge::AckToken;
use crate::error::{FilterRefusal, SubscribeError};
use crate::message::Message;
use crate::session::{Queued, Session, Standing, Wanted};

/// The messages of one subscriber. Dropping it unsubscribes once nobody has subscribed in its place for the
/// operation time-out; until then what it has not taken, and what still comes, is kept for a successor.
pub struct Inbound {
    session: Arc<Session>,
    lane: u64,
    wake: Arc<Notify>,
    /// Some of its filters were refused when it was last told.
    has_refused: bool,
}

impl Inbound {
    pub(crate) fn new(session: Arc<Session>, lane: u64, wake: Arc<Notify>) -> Self {
        Self { session, lane, wake, has_refused: false }
    }

    /// Waits until the broker has granted all filters or refused one.
    pub async fn subscribed(&mut self) -> Result<(), SubscribeError> {
        loop {
            if let Some(result) = self.standing() {
                return result;
            }
            self.wake.notified().await;
        }
    }

    /// Waits until the broker does not refuse all filters any more, so that messages can come; at once if it does not, or
    /// has not answered. Cancel-safe.
    pub async fn available(&mut self) {
        while self.is_refused() {
            self.wake.notified().await;
        }
    }

    fn is_refused(&self) -> bool {
        let mut inner = self.session.lock();
        let closed = inner.is_closed();
        let Some(lane) = inner.lanes.get_mut(self.lane) else { return false };
        let is_refused = |wanted: &Wanted| matches!(wanted.standing, Standing::Refused { .. });
        !closed && lane.filters.iter().all(is_refused)
    }

    /// Waits for the next message. Cancel-safe: a message is taken only when it is returned. A refusal by
    /// the broker is returned once each time it happens; after [`SubscribeError::Closed`] nothing follows.
    pub async fn next(&mut self) -> Result<Message, SubscribeError> {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            self.wake.notified().await;
        }
    }

    /// Like [`Inbound::next`], for who goes on with the filters that are granted: `None` each time that the broker refuses
    /// some, and once it refuses none of them any more; an error only where it refuses all. Cancel-safe.
    pub async fn next_of_some(&mut self) -> Result<Option<Message>, SubscribeError> {
        loop {
            if self.has_refused && self.refusal().is_none() {
                self.has_refused = false;
                return Ok(None);
            }
            let Some(next) = self.take() else {
                self.wake.notified().await;
                continue;
            };
            self.has_refused |= matches!(next, Err(SubscribeError::Refused { .. }));
            return match next {
                Err(SubscribeError::Refused { .. }) if !self.is_refused() => Ok(None),
                next => next.map(Some),
            };
        }
    }

    /// The first of its filters that the broker refuses at present, and why.
    pub fn refusal(&self) -> Option<SubscribeError> {
        let mut inner = self.session.lock();
        let lane = inner.lanes.get_mut(self.lane)?;
        lane.filters.iter().find_map(|wanted| match &wanted.standing {
            Standing::Refused { refusal, .. } => Some(refused(&wanted.filter, refusal)),
            Standing::Asked | Standing::Granted => None,
        })
    }

    fn take(&self) -> Option<Result<Message, SubscribeError>> {
        let mut inner = self.session.lock();
        let closed = inner.is_closed();
        let lane = inner.lanes.get_mut(self.lane)?;
        if let Some(queued) = lane.queue.pop_front() {
            if inner.lanes.ready_to_resume() {
                self.session.wake.notify_one();
            }
            return Some(Ok(self.message(queued)));
        }
        for wanted in &mut lane.filters {
            if let Standing::Refused { refusal, told: told @ false } = &mut wanted.standing {
                *told = true;
                return Some(Err(refused(&wanted.filter, refusal)));
            }
        }
        closed.then_some(Err(SubscribeError::Closed))
    }

    fn standing(&self) -> Option<Result<(), SubscribeError>> {
        let mut inner = self.session.lock();
        if inner.is_closed() {
            return Some(Err(SubscribeError::Closed));
        }
        let filters = &mut inner.lanes.get_mut(self.lane)?.filters;
        for wanted in &mut *filters {
            if let Standing::Refused { refusal, told } = &mut wanted.standing {
                *told = true;
                return Some(Err(refused(&wanted.filter, refusal)));
            }
        }
        filters.iter().all(|wanted| wanted.standing == Standing::Granted).then_some(Ok(()))
    }

    fn message(&self, queued: Queued) -> Message {
        Message {
            topic: queued.topic,
            payload: queued.payload,
            qos: queued.qos,
            retain: queued.retain,
            duplicate: queued.duplicate,
            properties: queued.properties,
            oversized: queued.oversized,
            token: AckToken::new(&self.session, queued.arrived),
        }
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        self.session.unsubscribe(self.lane);
    }
}

fn refused(filter: &str, refusal: &FilterRefusal) -> SubscribeError {
    SubscribeError::Refused { filter: filter.to_owned(), refusal: refusal.clone() }
}
