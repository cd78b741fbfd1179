//! What outlives a single connection: the outbox, the lanes, the subscriptions. Shared between the handles
//! and the driver under one lock, which is never held across an await. Requests go to the MQTT library from
//! here, without waiting, whenever something changed: on an event or on a call.

mod acknowledgements;
mod announcements;
mod events;
mod known;
mod lane;
mod lanes;
mod outbox;
mod pace;
mod pump;
mod subscriptions;
mod timeouts;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fieldline_backoff::Backoff;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;
use tracing::warn;

use crate::acknowledge::{Acknowledge, Arrived};
use crate::error::{ConnectError, PublishError};
use crate::message::QoS;
use crate::options::{Options, Version};
use crate::protocol::{Accepted, Requests};
use crate::state::{Counters, State};

use known::Known;
use lanes::Lanes;
use outbox::Outbox;
use pace::Pace;
use subscriptions::{Request, Subscriptions};

pub(crate) use lane::{Queued, Standing, Wanted};
pub(crate) use outbox::Entry;
pub(crate) use pace::Verdict;
pub(crate) use timeouts::End;

/// See the module.
pub(crate) struct Session {
    inner: Mutex<Inner>,
    /// Room in the outbox, in bytes.
    pub(crate) room: Arc<Semaphore>,
    /// The state for everyone to watch.
    pub(crate) state: watch::Sender<State>,
    /// Wakes the driver.
    pub(crate) wake: Arc<Notify>,
    /// Until when the outbox may be emptied before the connection is closed for good.
    pub(crate) closing: watch::Sender<Option<Instant>>,
}

/// Everything behind the lock.
pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) lanes: Lanes,
    outbox: Outbox,
    pace: Pace,
    subscriptions: Subscriptions,
    pub(crate) known: Known,
    link: Option<Link>,
    counters: Counters,
    /// The same as in [`Session::wake`].
    wake: Arc<Notify>,
    /// The topics without a subscriber that were warned of.
    thrown_away: BTreeSet<String>,
    /// When to ask again for what the broker refuses to subscribe us to.
    ask_again: Option<Instant>,
    /// How long to wait before that.
    refusals: Backoff,
    /// Ours to end the connection and begin another: once all that was received is acknowledged, and at this
    /// time at the latest.
    reconnect: Option<Instant>,
    /// While the connection is about to end by our wish nothing more is published on it, until all that was
    /// is acknowledged: it would be sent twice. At this time it ends regardless.
    parting: Option<Instant>,
    /// Whether publishes wait until the broker has answered all subscriptions, because the last connection ended with
    /// both under way, and so with no telling over which.
    subscribes_first: bool,
    /// Whether the last words are said, or there is nothing to say.
    farewell: bool,
    /// The same as in [`Session::closing`].
    closing: Option<Instant>,
    closed: bool,
}

/// The connection of the moment.
struct Link {
    requests: Requests,
    accepted: Accepted,
    /// The packet id rumqttc will use next. Known in advance, because it simply counts; so nothing is handed
    /// over whose id is still in use and its collisions cannot occur.
    next_packet_id: u16,
    /// When the library last did anything. While it is stuck in a write it cannot even send its pings.
    last_event: Instant,
}

impl Session {
    pub(crate) fn new(options: Options) -> Self {
        let room = Arc::new(Semaphore::new(options.outbox_bytes));
        let refusals = Backoff::new(options.backoff_initial, options.backoff_maximum);
        let wake = Arc::new(Notify::new());
        Self {
            inner: Mutex::new(Inner {
                options,
                lanes: Lanes::default(),
                outbox: Outbox::default(),
                pace: Pace::new(Instant::now()),
                subscriptions: Subscriptions::default(),
                known: Known::default(),
                link: None,
                counters: Counters::default(),
                wake: Arc::clone(&wake),
                thrown_away: BTreeSet::new(),
                ask_again: None,
                refusals,
                reconnect: None,
                parting: None,
                subscribes_first: false,
                farewell: false,
                closing: None,
                closed: false,
            }),
            room,
            state: watch::Sender::new(State::Connecting),
            wake,
            closing: watch::Sender::new(None),
        }
    }

    /// The lock. Whoever panicked while holding it left counts and queues in order: each change is complete.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts a publish into the outbox and sends it if it can be sent now. Gives back its sequence number.
    pub(crate) fn push(&self, entry: Entry) -> Result<u64, PublishError> {
        let mut inner = self.lock();
        if inner.is_closing() {
            return Err(PublishError::Closed);
        }
        inner.counters.published += 1;
        let sequence = inner.outbox.push(entry);
        inner.pump(Instant::now());
        Ok(sequence)
    }

    /// Takes a publish back that nobody waits for any more, unless it is on its way to the broker.
    pub(crate) fn withdraw(&self, sequence: u64) {
        self.lock().outbox.withdraw(sequence);
    }

    /// Adds a subscriber and asks the broker for its filters. Returns its number and what wakes it.
    pub(crate) fn subscribe(&self, filters: &[&str], qos: QoS, capacity: usize) -> (u64, Arc<Notify>) {
        let mut inner = self.lock();
        let added = inner.lanes.add(filters, qos, capacity);
        inner.known.add(filters.iter().map(|filter| (*filter).to_owned()));
        if inner.link.is_some() {
            let wanted = inner.lanes.filters().into_iter();
            for filter in wanted.filter(|(filter, _)| filters.contains(&filter.as_str())) {
                inner.subscriptions.ask(Request::Subscribe { filters: vec![filter], again: false });
            }
            inner.pump(Instant::now());
        }
        added
    }

    pub(crate) fn unsubscribe(&self, lane: u64) {
        self.lock().lanes.remove(lane, Instant::now());
    }

    /// Takes note of who will subscribe to these filters. Returns its number.
    pub(crate) fn expect(&self, filters: &[&str]) -> u64 {
        self.lock().lanes.expect(filters)
    }

    /// Takes note that who was expected has subscribed, or never will.
    pub(crate) fn expect_no_more(&self, expected: u64) {
        let mut inner = self.lock();
        inner.lanes.expect_no_more(expected);
        inner.release_unexpected();
        inner.pump(Instant::now());
    }

    /// Asks the library to end the connection in good order, after everything handed over so far.
    pub(crate) fn say_goodbye(&self) -> bool {
        self.lock().link.as_ref().is_some_and(|link| link.requests.disconnect())
    }

    pub(crate) fn counters(&self) -> Counters {
        let inner = self.lock();
        Counters {
            inflight: inner.outbox.in_flight(),
            queued: inner.outbox.len(),
            queued_bytes: inner.outbox.bytes(),
            ..inner.counters
        }
    }

    /// Asks for a new connection with other options; the outbox and the lanes stay. What was received is
    /// acknowledged before, if that takes no longer than the operation time-out, and comes again otherwise.
    pub(crate) fn reconnect_with(&self, options: Options) {
        let mut inner = self.lock();
        inner.reconnect = Some(Instant::now() + options.operation_timeout);
        if options.resumable() && inner.options.resumable() {
            inner.lanes.hold();
        }
        if options.address != inner.options.address || options.client_id != inner.options.client_id {
            inner.lanes.forget_granted();
            inner.pace = Pace::new(Instant::now());
        }
        inner.options = options;
        self.wake.notify_one();
    }

    /// Asks for the end: nothing more is accepted, what is in the outbox may leave for as long as `within`.
    pub(crate) fn begin_close(&self, within: Duration) {
        let deadline = Instant::now() + within;
        let mut inner = self.lock();
        inner.closing = Some(inner.closing.map_or(deadline, |earlier| earlier.min(deadline)));
        self.closing.send_replace(inner.closing);
        self.wake.notify_one();
    }

    /// The end of it all: whatever still waits is told so.
    pub(crate) fn closed(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.link = None;
        inner.outbox.abandon(&PublishError::Closed);
        inner.lanes.wake_all();
        self.room.close();
        self.state.send_replace(State::Closed);
    }
}

impl Acknowledge for Session {
    fn acknowledge(&self, arrived: Arrived) {
        let mut inner = self.lock();
        inner.lanes.acknowledgements.acknowledge(arrived);
        inner.pump(Instant::now());
        if inner.may_end() {
            self.wake.notify_one();
        }
    }

    fn abandon(&self, arrived: Arrived) {
        let mut inner = self.lock();
        inner.counters.abandoned += 1;
        if inner.options.resumable() {
            inner.lanes.acknowledgements.abandon(arrived, Instant::now());
        } else {
            inner.lanes.acknowledgements.acknowledge(arrived);
            inner.pump(Instant::now());
        }
    }
}

impl Inner {
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    fn is_closing(&self) -> bool {
        self.closed || self.closing.is_some()
    }

    /// Begins a connection: everything unacknowledged is sent again, whether or not the broker says that it remembers the
    /// session. All filters are subscribed to again, but for those that it has granted in a session that it remembers,
    /// where MQTT 3.1.1 has no way to ask without getting all retained messages once more. Filters of an earlier run that
    /// nobody wants are taken back.
    fn connected(&mut self, requests: Requests, accepted: Accepted, now: Instant) {
        let again = self.counters.connects > 0;
        self.counters.connects += 1;
        self.lanes.connected(self.counters.connects, accepted.session_present);
        let repeats_retained = self.options.version == Version::V3_1_1;
        let filters = match accepted.session_present && again && repeats_retained {
            true => self.lanes.not_granted(),
            false => self.lanes.filters(),
        };
        self.subscriptions.connected(&filters, again, accepted.numbered_subscriptions);
        if !accepted.session_present {
            self.known.clear();
        }
        self.known.add(self.lanes.filters().into_iter().map(|(filter, _)| filter));
        for filter in self.known.unwanted(|filter| self.lanes.may_want(filter)) {
            self.subscriptions.ask(Request::Unsubscribe(filter));
        }
        self.link = Some(Link { requests, accepted, next_packet_id: 1, last_event: now });
        self.pace.connected(now);
        self.announce();
        self.pump(now);
    }

    /// Ends a connection or an attempt; `error` is absent if we ended it. No message is blamed for an end that the rate is
    /// guilty of.
    fn disconnected(&mut self, error: Option<&ConnectError>, now: Instant) -> Verdict {
        let was_connected = self.link.take().is_some();
        self.ask_again = None;
        self.parting = None;
        self.counters.disconnects += 1;
        if matches!(error, Some(ConnectError::ClosedOverSubscription { .. })) {
            self.subscribes_first = self.outbox.in_flight() > 0;
        }
        let ended = error.filter(|_| was_connected);
        let verdict = ended.map_or(Verdict::Innocent, |error| self.pace.ended(error, now));
        if verdict == Verdict::Guilty {
            let Options { name, client_id, address, .. } = &self.options;
            let a_second = self.pace.rate().map(f64::round);
            warn!(node = name, client_id, %address, a_second, "the broker takes fewer messages, which leave more slowly now");
        }
        let blamed = error.filter(|_| verdict != Verdict::Guilty);
        if self.outbox.disconnected(blamed) {
            self.counters.failed += 1;
            if matches!(error, Some(ConnectError::Closed { .. })) {
                // The hang-ups before may have been over this message too.
                self.pace = Pace::new(now);
            }
        }
        verdict
    }
}
