//! One lane: the queue of a subscriber and how far its subscriptions have come. Which message goes into it is decided by
//! the [`Lanes`](super::lanes::Lanes).

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::acknowledge::Arrived;
use crate::error::FilterRefusal;
use crate::message::{Properties, QoS};
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
    /// The size of a message of which only the beginning is kept.
    pub(crate) oversized: Option<usize>,
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

/// One subscriber. A message that several of its filters match is for it once.
pub(crate) struct Lane {
    pub(crate) filters: Vec<Wanted>,
    pub(crate) qos: QoS,
    pub(crate) queue: VecDeque<Queued>,
    pub(crate) capacity: usize,
    pub(crate) wake: Arc<Notify>,
    /// The higher, the later the broker was asked for its filters.
    pub(crate) asked: u64,
    /// The topics whose retained messages it has and could get again, because several filters match; by their hash.
    pub(crate) retained: HashSet<u64>,
}

/// A filter of a subscriber.
pub(crate) struct Wanted {
    pub(crate) filter: String,
    pub(crate) number: usize,
    pub(crate) standing: Standing,
}

impl Lane {
    /// An empty one for `filters`, of which the broker was asked for as number `asked`.
    pub(crate) fn new(filters: &[&str], qos: QoS, capacity: usize, asked: u64) -> Self {
        let wanted = filters.iter().map(|filter| Wanted {
            filter: (*filter).to_owned(),
            number: subscription_number(filter),
            standing: Standing::Asked,
        });
        Lane {
            filters: wanted.collect(),
            qos,
            queue: VecDeque::new(),
            capacity,
            wake: Arc::new(Notify::new()),
            asked,
            retained: HashSet::new(),
        }
    }

    /// Whether one of its filters matches.
    pub(crate) fn wants(&self, topic: &str) -> bool {
        self.filters.iter().any(|wanted| topic::matches(&wanted.filter, topic))
    }

    /// Its filters that match and are not refused.
    pub(crate) fn matching(&self, topic: &str) -> impl Iterator<Item = &Wanted> {
        let is_refused = |wanted: &Wanted| matches!(wanted.standing, Standing::Refused { .. });
        self.filters.iter().filter(move |wanted| topic::matches(&wanted.filter, topic) && !is_refused(wanted))
    }

    /// Whether the broker has granted all of its filters.
    pub(crate) fn is_granted(&self) -> bool {
        self.filters.iter().all(|wanted| wanted.standing == Standing::Granted)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() >= self.capacity
    }

    /// Drops a message at most once from a full lane in favour of one at least once, if there is one.
    pub(crate) fn make_room(&mut self) -> Option<Queued> {
        let full = self.is_full();
        let expendable = self.queue.iter().position(|queued| queued.qos == QoS::AtMostOnce);
        expendable.filter(|_| full).and_then(|index| self.queue.remove(index))
    }
}
