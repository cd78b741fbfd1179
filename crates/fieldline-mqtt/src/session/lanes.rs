//! The lanes: one bounded queue per subscriber, and which message goes into which. A slow subscriber fills
//! only its own queue. Pure but for waking the subscribers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::acknowledge::Arrived;
use crate::error::FilterRefusal;
use crate::message::{Properties, QoS};
use crate::protocol::Arrival;
use crate::session::acknowledgements::Acknowledgements;
use crate::session::subscriptions::subscription_number;
use crate::topic;

/// A message in a lane.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    pub(crate) duplicate: bool,
    pub(crate) properties: Properties,
    /// Absent when nothing needs to be acknowledged.
    pub(crate) arrived: Option<Arrived>,
}

/// How far a subscription has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    Asked,
    Granted,
    /// Told to the subscriber once.
    Refused {
        refusal: FilterRefusal,
        told: bool,
    },
}

/// One subscriber.
pub(crate) struct Lane {
    pub(crate) filter: String,
    number: usize,
    pub(crate) qos: QoS,
    pub(crate) standing: Standing,
    pub(crate) queue: VecDeque<Queued>,
    capacity: usize,
    pub(crate) wake: Arc<Notify>,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It went to those who want it; for `dropped` of them there was no room for it, or another had to go
    /// for it. Only messages at most once are dropped.
    Queued { dropped: usize },
    /// A lane had no room; the broker will deliver it again on the next connection.
    Held { dropped: usize },
    /// Nobody wants it now; it is kept for a while for somebody who is about to subscribe.
    Unclaimed,
    /// Nobody wants it and nothing needs to be acknowledged.
    Ignored,
}

/// All subscribers of a connection, and the messages that are not acknowledged.
#[derive(Default)]
pub(crate) struct Lanes {
    lanes: BTreeMap<u64, Lane>,
    next_lane: u64,
    pub(crate) acknowledgements: Acknowledgements,
    unclaimed: VecDeque<(Queued, Instant)>,
    /// Filters that nobody subscribes to any more, and since when: the broker is told after a while, so that it
    /// sends what a successor would miss.
    abandoned: Vec<(String, Instant)>,
    /// Whether nothing more that must be acknowledged is taken on this connection, because the broker's window
    /// turned out larger than a lane or a new connection is wanted. Once the lanes are empty the session is
    /// resumed on a new one.
    holding: bool,
}

impl Lanes {
    pub(crate) fn add(&mut self, filter: &str, qos: QoS, capacity: usize) -> (u64, Arc<Notify>) {
        let id = self.next_lane;
        self.next_lane += 1;
        let wake = Arc::new(Notify::new());
        let mut lane = Lane {
            filter: filter.to_owned(),
            number: subscription_number(filter),
            qos,
            standing: Standing::Asked,
            queue: VecDeque::new(),
            capacity,
            wake: Arc::clone(&wake),
        };
        let (claimed, unclaimed) = std::mem::take(&mut self.unclaimed)
            .into_iter()
            .partition(|(queued, _since)| topic::matches(filter, &queued.topic));
        self.unclaimed = unclaimed;
        let claimed: VecDeque<(Queued, Instant)> = claimed;
        lane.queue.extend(claimed.into_iter().map(|(queued, _since)| queued));
        self.lanes.insert(id, lane);
        (id, wake)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Lane> {
        self.lanes.get_mut(&id)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Lane> {
        self.lanes.values_mut()
    }

    /// The distinct filters, each with the highest quality of service wanted of it.
    pub(crate) fn filters(&self) -> Vec<(String, QoS)> {
        let mut filters: BTreeMap<&str, QoS> = BTreeMap::new();
        for lane in self.lanes.values() {
            let qos = filters.entry(&lane.filter).or_insert(lane.qos);
            *qos = lane.qos.max(*qos);
        }
        filters.into_iter().map(|(filter, qos)| (filter.to_owned(), qos)).collect()
    }

    /// The distinct filters that the broker refuses, each with the highest quality of service wanted of it.
    pub(crate) fn refused(&self) -> Vec<(String, QoS)> {
        let mut filters = self.filters();
        let is_refused = |lane: &Lane| matches!(lane.standing, Standing::Refused { .. });
        let refused: BTreeSet<&str> =
            self.lanes.values().filter(|lane| is_refused(lane)).map(|lane| lane.filter.as_str()).collect();
        filters.retain(|(filter, _)| refused.contains(filter.as_str()));
        filters
    }

    /// Removes a subscriber. What it had not taken, and what comes for it for a while, is kept for a successor.
    pub(crate) fn remove(&mut self, id: u64, now: Instant) {
        let Some(lane) = self.lanes.remove(&id) else { return };
        self.unclaimed.extend(
            lane.queue.into_iter().filter(|queued| queued.arrived.is_some()).map(|queued| (queued, now)),
        );
        self.abandoned.push((lane.filter, now));
    }

    /// The filters that nobody has subscribed to since `before`, each once.
    pub(crate) fn release_abandoned(&mut self, before: Instant) -> Vec<String> {
        let wanted: BTreeSet<&str> = self.lanes.values().map(|lane| lane.filter.as_str()).collect();
        self.abandoned.retain(|(filter, _)| !wanted.contains(filter.as_str()));
        let (due, waiting) =
            std::mem::take(&mut self.abandoned).into_iter().partition(|(_, since)| *since <= before);
        self.abandoned = waiting;
        let due: Vec<(String, Instant)> = due;
        due.into_iter().map(|(filter, _)| filter).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Takes nothing more that must be acknowledged: it comes again on the next connection.
    pub(crate) fn hold(&mut self) {
        self.holding = true;
    }

    /// Prepares for a new connection. If the session was resumed, what was queued and not acknowledged comes
    /// again, so it is taken out of the lanes. Otherwise it does not and stays there, with nothing left to
    /// acknowledge.
    pub(crate) fn connected(&mut self, connection: u64, resumed: bool) {
        self.acknowledgements.connected(connection);
        self.holding = false;
        let stays = |queued: &mut Queued| {
            let comes_again = resumed && queued.arrived.is_some();
            queued.arrived = None;
            !comes_again
        };
        self.unclaimed.retain_mut(|(queued, _since)| stays(queued));
        for lane in self.lanes.values_mut() {
            lane.queue.retain_mut(stays);
        }
    }

    /// Puts a message into the lane of everyone who subscribes to it. `resumable` tells whether the broker
    /// would deliver it again on a new connection; if not, a full lane grows: the messages in it are
    /// unacknowledged, so the broker's own window bounds it.
    pub(crate) fn deliver(&mut self, arrival: Arrival, resumable: bool, now: Instant) -> Fate {
        let wanted_by = self.wanted_by(&arrival);
        let reliable = arrival.qos == QoS::AtLeastOnce;
        let mut dropped = 0;
        if reliable {
            for id in &wanted_by {
                dropped += usize::from(self.lanes.get_mut(id).and_then(Lane::make_room).is_some());
            }
        }
        let full = |lanes: &Self, id: &u64| lanes.lanes[id].is_full();
        if reliable && resumable && (self.holding || wanted_by.iter().any(|id| full(self, id))) {
            self.holding = true;
            return Fate::Held { dropped };
        }
        if wanted_by.is_empty() && !reliable {
            return Fate::Ignored;
        }
        let arrived =
            reliable.then(|| self.acknowledgements.arrived(arrival.packet_id, wanted_by.len().max(1)));
        let queued = Queued {
            topic: arrival.topic,
            payload: arrival.payload,
            qos: arrival.qos,
            retain: arrival.retain,
            duplicate: arrival.duplicate,
            properties: arrival.properties,
            arrived,
        };
        if wanted_by.is_empty() {
            self.unclaimed.push_back((queued, now));
            return Fate::Unclaimed;
        }
        for id in &wanted_by {
            if !reliable && full(self, id) {
                dropped += 1;
            } else if let Some(lane) = self.lanes.get_mut(id) {
                lane.queue.push_back(queued.clone());
                lane.wake.notify_one();
            }
        }
        Fate::Queued { dropped }
    }

    /// The lanes a message is for. If it names the subscriptions it was sent for, the broker sends a copy for
    /// each of several that match, and this one is only for those it names.
    fn wanted_by(&self, arrival: &Arrival) -> Vec<u64> {
        let matching: Vec<(u64, usize)> = self
            .lanes
            .iter()
            .filter(|(_, lane)| topic::matches(&lane.filter, &arrival.topic))
            .map(|(id, lane)| (*id, lane.number))
            .collect();
        let is_named = |number: &usize| arrival.subscriptions.contains(number);
        // A session may have been begun by another program, which numbered its subscriptions differently.
        let all = !matching.iter().any(|(_, number)| is_named(number));
        matching.into_iter().filter(|(_, number)| all || is_named(number)).map(|(id, _)| id).collect()
    }

    /// Acknowledges what nobody has claimed since `before`. Returns how many messages that were.
    pub(crate) fn release_unclaimed(&mut self, before: Instant) -> u64 {
        let mut released = 0;
        while self.unclaimed.front().is_some_and(|(_, since)| *since <= before) {
            if let Some(arrived) = self.unclaimed.pop_front().and_then(|(queued, _)| queued.arrived) {
                self.acknowledgements.acknowledge(arrived);
                released += 1;
            }
        }
        released
    }

    /// Acknowledges what nobody has claimed and no successor can: it matches no filter that was given up a moment ago.
    /// Returns how many messages that were.
    pub(crate) fn release_unexpected(&mut self) -> u64 {
        let abandoned = &self.abandoned;
        let is_expected =
            |queued: &Queued| abandoned.iter().any(|(filter, _since)| topic::matches(filter, &queued.topic));
        let mut released = 0;
        for (queued, since) in std::mem::take(&mut self.unclaimed) {
            if is_expected(&queued) {
                self.unclaimed.push_back((queued, since));
            } else if let Some(arrived) = queued.arrived {
                self.acknowledgements.acknowledge(arrived);
                released += 1;
            }
        }
        released
    }

    /// Whether messages were held, all that was taken before is acknowledged and the lanes are half empty, so
    /// that it is worth a new connection to get the rest.
    pub(crate) fn ready_to_resume(&self) -> bool {
        let half_empty = |lane: &Lane| lane.queue.len() <= lane.capacity / 2;
        self.holding && self.acknowledgements.is_empty() && self.lanes.values().all(half_empty)
    }

    /// Wakes every subscriber, because the connection was closed.
    pub(crate) fn wake_all(&self) {
        for lane in self.lanes.values() {
            lane.wake.notify_one();
        }
    }
}

impl Lane {
    fn is_full(&self) -> bool {
        self.queue.len() >= self.capacity
    }

    /// Drops a message at most once from a full lane in favour of one at least once, if there is one.
    fn make_room(&mut self) -> Option<Queued> {
        let full = self.is_full();
        let expendable = self.queue.iter().position(|queued| queued.qos == QoS::AtMostOnce);
        expendable.filter(|_| full).and_then(|index| self.queue.remove(index))
    }
}
