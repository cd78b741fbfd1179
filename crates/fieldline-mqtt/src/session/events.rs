//! What each event of the connection changes.

use bytes::Bytes;
use tokio::time::Instant;
use tracing::warn;

use crate::error::{ConnectError, FilterRefusal};
use crate::options::Options;
use crate::protocol::{Accepted, Arrival, Happening, Requests};
use crate::session::lane::Standing;
use crate::session::lanes::Fate;
use crate::session::outbox::Settlement;
use crate::session::subscriptions::Request;
use crate::session::{Inner, Session, Verdict};
use crate::state::State;

/// How many topics without a subscriber are warned of, each once.
const WARNED_OF: usize = 16;

impl Session {
    /// Begins a connection.
    pub(crate) fn connected(&self, requests: Requests, accepted: Accepted) {
        let now = Instant::now();
        self.lock().connected(requests, accepted, now);
        self.state.send_replace(State::Connected { session_present: accepted.session_present, since: now });
    }

    /// Why the connection ended, with what only the session knows: a broker that owes the answer to a subscription has
    /// closed over that, as AWS IoT does where a policy forbids the filter.
    pub(crate) fn explain(&self, error: ConnectError) -> ConnectError {
        match (error, self.lock().subscriptions.filters_under_way()) {
            (ConnectError::Closed { reason }, Some(filters)) => {
                ConnectError::ClosedOverSubscription { filters, reason }
            }
            (error, _) => error,
        }
    }

    /// Ends a connection or an attempt; `error` is absent if we ended it.
    pub(crate) fn disconnected(&self, error: Option<&ConnectError>) -> Verdict {
        self.lock().disconnected(error, Instant::now())
    }

    /// Applies one event; an error ends the connection.
    pub(crate) fn apply(&self, happening: Happening) -> Result<(), ConnectError> {
        let mut inner = self.lock();
        let now = Instant::now();
        if let Some(link) = &mut inner.link {
            link.last_event = now;
        }
        let asks_again = inner.ask_again;
        inner.apply(happening, now)?;
        inner.pump(now);
        if inner.may_end() || inner.ask_again != asks_again {
            self.wake.notify_one();
        }
        Ok(())
    }
}

impl Inner {
    fn apply(&mut self, happening: Happening, now: Instant) -> Result<(), ConnectError> {
        match happening {
            Happening::Arrived(arrival) => self.arrived(arrival, now),
            Happening::Written(packet_id) => {
                if !self.outbox.written(packet_id, now) {
                    return Err(broken(format!("packet id {packet_id} was used out of turn")));
                }
                self.pace.written(now);
                if packet_id == 0 {
                    self.pace.taken(now);
                }
            }
            Happening::Settled(packet_id, outcome) => {
                match self.outbox.settled(packet_id, outcome) {
                    Settlement::Delivered => self.counters.acked += 1,
                    Settlement::Refused => self.counters.failed += 1,
                    Settlement::Unknown => {
                        return Err(broken(format!("PUBACK for packet id {packet_id}, which is not in use")));
                    }
                }
                self.pace.taken(now);
            }
            Happening::Subscribed(packet_id, results) => self.subscribed(packet_id, results, now),
            Happening::Unsubscribed(packet_id) => {
                if let Some(Request::Unsubscribe(filter)) = self.subscriptions.answered(packet_id)
                    && !self.lanes.may_want(&filter)
                {
                    self.known.remove(&filter);
                }
            }
            Happening::Accepted(_) | Happening::Nothing => {}
        }
        Ok(())
    }

    fn arrived(&mut self, mut arrival: Arrival, now: Instant) {
        self.counters.received += 1;
        let most = self.options.max_packet_size as usize;
        let size = arrival.payload.len() + arrival.topic.len();
        if size > most {
            self.counters.oversized += 1;
            arrival.payload = beginning(&arrival.payload, most);
            arrival.oversized = Some(size);
        }
        match self.lanes.deliver(arrival, self.options.resumable(), now) {
            Fate::Queued { dropped } => self.counters.dropped_qos0 += dropped as u64,
            Fate::Held { dropped } => {
                self.counters.dropped_qos0 += dropped as u64;
                self.counters.held += 1;
            }
            Fate::Unclaimed => self.release_unexpected(),
            Fate::Ignored => {}
        }
    }

    /// What nobody subscribes to, or will, is of a subscription that the session has from an earlier run. Kept, it would
    /// fill the broker's window.
    pub(crate) fn release_unexpected(&mut self) {
        let released = self.lanes.release_unexpected();
        self.throw_away(&released);
    }

    /// Counts messages that came for nobody, and warns once of each of the first topics: where the broker has a
    /// subscription that this program does not know of, they go on coming.
    pub(crate) fn throw_away(&mut self, topics: &[String]) {
        self.counters.unclaimed += topics.len() as u64;
        for topic in topics {
            if self.thrown_away.len() == WARNED_OF || !self.thrown_away.insert(topic.clone()) {
                continue;
            }
            let Options { name, client_id, .. } = &self.options;
            if self.known.covers(topic) {
                warn!(
                    node = name,
                    client_id,
                    topic,
                    "messages of a topic of an earlier run are thrown away until the broker has ended the subscription"
                );
            } else {
                warn!(
                    node = name,
                    client_id,
                    topic,
                    "messages of a topic that nothing subscribes to are thrown away: the broker has a subscription of this \
                     client that the program does not know of; a new `client_id` begins without it"
                );
            }
        }
    }

    fn subscribed(&mut self, packet_id: u16, results: Vec<Result<(), FilterRefusal>>, now: Instant) {
        let Some(Request::Subscribe { filters, .. }) = self.subscriptions.answered(packet_id) else { return };
        for ((filter, _qos), result) in filters.iter().zip(results) {
            self.stand(filter, result);
        }
        if self.lanes.refused().is_empty() {
            self.refusals.succeed();
        } else if self.ask_again.is_none() {
            self.ask_again = Some(now + self.refusals.fail(fastrand::f64()));
        }
    }

    /// Takes note of what the broker says to a filter, or would.
    pub(crate) fn stand(&mut self, filter: &str, result: Result<(), FilterRefusal>) {
        let standing = match result {
            Ok(()) => Standing::Granted,
            Err(refusal) => {
                let Options { name, client_id, .. } = &self.options;
                warn!(node = name, client_id, filter, reason = refusal.to_string(), "subscription refused");
                self.known.remove(filter);
                Standing::Refused { refusal, told: false }
            }
        };
        for lane in self.lanes.iter_mut() {
            if let Some(wanted) = lane.filters.iter_mut().find(|wanted| wanted.filter == filter) {
                wanted.standing = standing.clone();
                lane.wake.notify_one();
            }
        }
    }
}

/// The first bytes of a payload, no more than `most`, and whole characters if it is text; a copy, so that the rest is
/// given back.
fn beginning(payload: &Bytes, most: usize) -> Bytes {
    let cut = &payload[..payload.len().min(most)];
    let whole = match std::str::from_utf8(cut) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Ok(_) | Err(_) => cut.len(),
    };
    Bytes::copy_from_slice(&cut[..whole])
}

fn broken(reason: String) -> ConnectError {
    ConnectError::Protocol { reason }
}
