//! The lanes: one bounded queue per subscriber, and which message goes into which. A slow subscriber fills
//! only its own queue. Pure but for waking the subscribers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::message::QoS;
use crate::protocol::Arrival;
use crate::session::acknowledgements::Acknowledgements;
use crate::session::lane::{Lane, Queued, Standing, Wanted};
use crate::topic;

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It went to those who want it; for `dropped` of them there was no room for it, or another had to go
    /// for it. Only messages at most once are dropped.
    Queued { dropped: usize },
    /// A lane had no room; the broker will deliver it again on the next connection.
    Held { dropped: usize },
    /// Nobody wants it now; it is kept for a while where somebody is about to subscribe.
    Unclaimed,
    /// Nobody wants it and nothing needs to be acknowledged.
    Ignored,
}

/// All subscribers of a connection, and the messages that are not acknowledged.
#[derive(Default)]
pub(crate) struct Lanes {
    lanes: BTreeMap<u64, Lane>,
    next_lane: u64,
    /// How often the broker was asked for filters.
    asked: u64,
    pub(crate) acknowledgements: Acknowledgements,
    unclaimed: VecDeque<(Queued, Instant)>,
    /// The filters of those who are about to subscribe.
    expected: BTreeMap<u64, Vec<String>>,
    /// Filters that nobody subscribes to any more, and since when: the broker is told after a while, so that it
    /// sends what a successor would miss.
    abandoned: Vec<(String, Instant)>,
    /// Whether nothing more that must be acknowledged is taken on this connection, because the broker's window
    /// turned out larger than a lane or a new connection is wanted. Once the lanes are empty the session is
    /// resumed on a new one.
    holding: bool,
}

impl Lanes {
    pub(crate) fn add(&mut self, filters: &[&str], qos: QoS, capacity: usize) -> (u64, Arc<Notify>) {
        let id = self.next_lane;
        self.next_lane += 1;
        self.asked += 1;
        let mut lane = Lane::new(filters, qos, capacity, self.asked);
        let wake = Arc::clone(&lane.wake);
        let (claimed, unclaimed) = std::mem::take(&mut self.unclaimed)
            .into_iter()
            .partition(|(queued, _since)| lane.wants(&queued.topic));
        self.unclaimed = unclaimed;
        let claimed: VecDeque<(Queued, Instant)> = claimed;
        lane.queue.extend(claimed.into_iter().map(|(queued, _since)| queued));
        self.lanes.insert(id, lane);
        (id, wake)
    }

    /// Takes note of who will subscribe: what comes for it before waits for a while.
    pub(crate) fn expect(&mut self, filters: &[&str]) -> u64 {
        let id = self.next_lane;
        self.next_lane += 1;
        self.expected.insert(id, filters.iter().map(|filter| (*filter).to_owned()).collect());
        id
    }

    pub(crate) fn expect_no_more(&mut self, id: u64) {
        self.expected.remove(&id);
    }

    /// Whether a subscriber has this filter, will have it, or had it a moment ago.
    pub(crate) fn may_want(&self, filter: &str) -> bool {
        let subscribed = self.lanes.values().flat_map(|lane| &lane.filters).map(|wanted| &wanted.filter);
        subscribed.chain(self.awaited()).any(|wanted| wanted == filter)
    }

    /// The filters for which a subscriber may come.
    fn awaited(&self) -> impl Iterator<Item = &String> {
        let abandoned = self.abandoned.iter().map(|(filter, _since)| filter);
        self.expected.values().flatten().chain(abandoned)
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
            for wanted in &lane.filters {
                let qos = filters.entry(&wanted.filter).or_insert(lane.qos);
                *qos = lane.qos.max(*qos);
            }
        }
        filters.into_iter().map(|(filter, qos)| (filter.to_owned(), qos)).collect()
    }

    /// The distinct filters that the broker refuses, each with the highest quality of service wanted of it.
    pub(crate) fn refused(&self) -> Vec<(String, QoS)> {
        self.filters_where(|standing| matches!(standing, Standing::Refused { .. }))
    }

    /// The distinct filters that the broker has not granted to all who want them, each with the highest quality of
    /// service wanted of it.
    pub(crate) fn not_granted(&self) -> Vec<(String, QoS)> {
        self.filters_where(|standing| *standing != Standing::Granted)
    }

    fn filters_where(&self, has: impl Fn(&Standing) -> bool) -> Vec<(String, QoS)> {
        let mut filters = self.filters();
        let all = self.lanes.values().flat_map(|lane| &lane.filters);
        let chosen = all.filter(|wanted| has(&wanted.standing)).map(|wanted| wanted.filter.as_str());
        let chosen: BTreeSet<&str> = chosen.collect();
        filters.retain(|(filter, _)| chosen.contains(filter.as_str()));
        filters
    }

    /// Takes note that the next session may be another one, which knows nothing of what was granted.
    pub(crate) fn forget_granted(&mut self) {
        for wanted in self.lanes.values_mut().flat_map(|lane| &mut lane.filters) {
            wanted.standing = Standing::Asked;
        }
    }

    /// Removes a subscriber. What it had not taken, and what comes for it for a while, is kept for a successor.
    pub(crate) fn remove(&mut self, id: u64, now: Instant) {
        let Some(lane) = self.lanes.remove(&id) else { return };
        self.unclaimed.extend(
            lane.queue.into_iter().filter(|queued| queued.arrived.is_some()).map(|queued| (queued, now)),
        );
        self.abandoned.extend(lane.filters.into_iter().map(|wanted| (wanted.filter, now)));
    }

    /// The filters that nobody has subscribed to since `before`, each once.
    pub(crate) fn release_abandoned(&mut self, before: Instant) -> Vec<String> {
        let wanted = self.lanes.values().flat_map(|lane| &lane.filters);
        let wanted: BTreeSet<&str> = wanted.map(|wanted| wanted.filter.as_str()).collect();
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
        self.asked += 1;
        for lane in self.lanes.values_mut() {
            lane.queue.retain_mut(stays);
            if !resumed || !lane.is_granted() {
                lane.asked = self.asked;
                lane.retained.clear();
            }
        }
    }

    /// Puts a message into the lane of everyone who subscribes to it. `resumable` tells whether the broker
    /// would deliver it again on a new connection; if not, a full lane grows: the messages in it are
    /// unacknowledged, so the broker's own window bounds it.
    pub(crate) fn deliver(&mut self, arrival: Arrival, resumable: bool, now: Instant) -> Fate {
        let wanted_by = self.wanted_by(&arrival);
        let is_repeated = arrival.retain && wanted_by.is_empty() && self.matching(&arrival).next().is_some();
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
            oversized: arrival.oversized,
            arrived,
        };
        if is_repeated {
            arrived.into_iter().for_each(|arrived| self.acknowledgements.acknowledge(arrived));
            return Fate::Ignored;
        }
        if wanted_by.is_empty() {
            self.unclaimed.push_back((queued, now));
            return Fate::Unclaimed;
        }
        let topic = queued.retain.then(|| topic_hash(&queued.topic));
        let topic = topic.filter(|_| self.is_wanted_more_than_once(&queued.topic));
        for id in &wanted_by {
            if let (Some(topic), Some(lane)) = (topic, self.lanes.get_mut(id)) {
                lane.retained.insert(topic);
            }
            if !reliable && full(self, id) {
                dropped += 1;
            } else if let Some(lane) = self.lanes.get_mut(id) {
                lane.queue.push_back(queued.clone());
                lane.wake.notify_one();
            }
        }
        Fate::Queued { dropped }
    }

    /// The lanes a message is for. If it names the subscriptions it was sent for, the broker may send a copy for
    /// each of several that match, and this one is for those it names; of several filters of one lane the first counts.
    fn wanted_by(&self, arrival: &Arrival) -> Vec<u64> {
        let is_named = |wanted: &Wanted| arrival.subscriptions.contains(&wanted.number);
        // A session may have been begun by another program, which numbered its subscriptions differently.
        let all = !self.matching(arrival).any(|(_, lane)| lane.matching(&arrival.topic).any(is_named));
        let chosen = self
            .matching(arrival)
            .filter(|(_, lane)| all || lane.matching(&arrival.topic).next().is_some_and(is_named));
        if !arrival.retain || arrival.duplicate {
            return chosen.map(|(id, _)| id).collect();
        }
        // The broker sends what it retains for each filter when it is asked for it: to whoever asked last and lacks it.
        let topic = topic_hash(&arrival.topic);
        let lacking: Vec<_> = chosen.filter(|(_, lane)| !lane.retained.contains(&topic)).collect();
        let last = lacking.iter().map(|(_, lane)| lane.asked).max();
        lacking.into_iter().filter(|(_, lane)| Some(lane.asked) == last).map(|(id, _)| id).collect()
    }

    /// The lanes with a filter that matches.
    fn matching(&self, arrival: &Arrival) -> impl Iterator<Item = (u64, &Lane)> {
        self.lanes.iter().filter(|(_, lane)| lane.wants(&arrival.topic)).map(|(id, lane)| (*id, lane))
    }

    /// Whether several filters match, of one lane or several.
    fn is_wanted_more_than_once(&self, topic: &str) -> bool {
        self.lanes.values().flat_map(|lane| lane.matching(topic)).nth(1).is_some()
    }

    /// Acknowledges what nobody has claimed since `before`. Returns the topic of each of these messages.
    pub(crate) fn release_unclaimed(&mut self, before: Instant) -> Vec<String> {
        self.release_where(|_lanes, _queued, since| since <= before)
    }

    /// Acknowledges what nobody has claimed and nobody can who is expected or takes the place of another. Returns the
    /// topic of each of these messages.
    pub(crate) fn release_unexpected(&mut self) -> Vec<String> {
        self.release_where(|lanes, queued, _since| {
            !lanes.awaited().any(|filter| topic::matches(filter, &queued.topic))
        })
    }

    fn release_where(&mut self, is_due: impl Fn(&Self, &Queued, Instant) -> bool) -> Vec<String> {
        let mut released = Vec::new();
        for (queued, since) in std::mem::take(&mut self.unclaimed) {
            if !is_due(self, &queued, since) {
                self.unclaimed.push_back((queued, since));
            } else if let Some(arrived) = queued.arrived {
                self.acknowledgements.acknowledge(arrived);
                released.push(queued.topic);
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

/// The hash of a topic, by which it is remembered.
fn topic_hash(topic: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    topic.hash(&mut hasher);
    hasher.finish()
}
