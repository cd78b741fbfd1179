//! [`Ledger`]: the account of one node. It balances:
//! `received + created = delivered + filtered + absorbed + dead_lettered + dropped + expired + lost + in flight`.
//!
//! Every event that enters a node or is created by it leaves by exactly one [`Door`]. An event carries its
//! ledger with it, so that one that is merely dropped is booked as lost at the node that dropped it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// How an event left a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// Handed to the next node, or written by a sink.
    Delivered,
    /// Taken out on purpose by a transform; the reason is counted.
    Filtered(&'static str),
    /// It became part of an event created later, such as a window's result.
    Absorbed,
    /// It failed and was put into the dead letter; the reason is counted.
    DeadLettered(&'static str),
    /// Thrown away by a named policy, such as `drop_oldest`.
    Dropped(&'static str),
    /// Older than its buffer's `max_age`.
    Expired,
    /// Nobody said what became of it.
    Lost,
    /// Its record on disk is missing or cannot be read; counts as lost, with a reason.
    Damaged,
}

impl fmt::Display for Door {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Door::Delivered => formatter.write_str("delivered"),
            Door::Filtered(reason) => write!(formatter, "filtered: {reason}"),
            Door::Absorbed => formatter.write_str("absorbed"),
            Door::DeadLettered(reason) => write!(formatter, "dead_lettered: {reason}"),
            Door::Dropped(reason) => write!(formatter, "dropped: {reason}"),
            Door::Expired => formatter.write_str("expired"),
            Door::Lost => formatter.write_str("lost"),
            Door::Damaged => formatter.write_str("lost: damaged"),
        }
    }
}

/// The counters of one node. All are sums since the node was first started.
#[derive(Debug, Default)]
pub struct Ledger {
    received: AtomicU64,
    created: AtomicU64,
    delivered: AtomicU64,
    filtered: AtomicU64,
    absorbed: AtomicU64,
    dead_lettered: AtomicU64,
    dropped: AtomicU64,
    expired: AtomicU64,
    lost: AtomicU64,
    reasons: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
}

/// A ledger read at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Events that came in.
    pub received: u64,
    /// Events that began here: a source's readings, copies, a window's results, records found in a buffer.
    pub created: u64,
    /// Events handed on or written.
    pub delivered: u64,
    /// Events taken out on purpose.
    pub filtered: u64,
    /// Events that became part of later ones.
    pub absorbed: u64,
    /// Events that failed and were kept aside.
    pub dead_lettered: u64,
    /// Events thrown away by a named policy.
    pub dropped: u64,
    /// Events that grew too old.
    pub expired: u64,
    /// Events nobody accounted for.
    pub lost: u64,
    /// Counts by (`filtered` | `dead_lettered` | `dropped` | `lost`, reason).
    pub reasons: BTreeMap<(&'static str, &'static str), u64>,
}

impl Ledger {
    /// Books an event that comes in.
    pub fn receive(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    /// Books an event that begins here.
    pub fn create(&self) {
        self.created.fetch_add(1, Ordering::Relaxed);
    }

    /// Books `count` events that begin here, such as the records a disk buffer held at start.
    pub fn create_many(&self, count: u64) {
        self.created.fetch_add(count, Ordering::Relaxed);
    }

    /// Adds the counters of an earlier run. What was in flight then is left out: what a buffer still holds of it
    /// is booked as created when it is found. Reasons begin anew.
    pub fn restore(&self, earlier: &Balance) {
        let open = u64::try_from(earlier.in_flight()).unwrap_or(0);
        let received = earlier.received.saturating_sub(open);
        let created = earlier.created - open.saturating_sub(earlier.received).min(earlier.created);
        let add = |counter: &AtomicU64, count| counter.fetch_add(count, Ordering::Relaxed);
        add(&self.received, received);
        add(&self.created, created);
        add(&self.delivered, earlier.delivered);
        add(&self.filtered, earlier.filtered);
        add(&self.absorbed, earlier.absorbed);
        add(&self.dead_lettered, earlier.dead_lettered);
        add(&self.dropped, earlier.dropped);
        add(&self.expired, earlier.expired);
        add(&self.lost, earlier.lost);
    }

    /// Books an event that leaves by `door`.
    pub fn leave(&self, door: Door) {
        self.leave_many(door, 1);
    }

    /// Books `count` events that leave by `door`.
    pub fn leave_many(&self, door: Door, count: u64) {
        let (counter, reason) = match door {
            Door::Delivered => (&self.delivered, None),
            Door::Filtered(reason) => (&self.filtered, Some(("filtered", reason))),
            Door::Absorbed => (&self.absorbed, None),
            Door::DeadLettered(reason) => (&self.dead_lettered, Some(("dead_lettered", reason))),
            Door::Dropped(policy) => (&self.dropped, Some(("dropped", policy))),
            Door::Expired => (&self.expired, None),
            Door::Lost => (&self.lost, None),
            Door::Damaged => (&self.lost, Some(("lost", "damaged"))),
        };
        counter.fetch_add(count, Ordering::Relaxed);
        if let Some(key) = reason {
            let mut reasons = self.reasons.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *reasons.entry(key).or_default() += count;
        }
    }

    /// The counters now. Exact when the node rests; while it works, neighbours may differ by what is under way.
    pub fn balance(&self) -> Balance {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Balance {
            delivered: read(&self.delivered),
            filtered: read(&self.filtered),
            absorbed: read(&self.absorbed),
            dead_lettered: read(&self.dead_lettered),
            dropped: read(&self.dropped),
            expired: read(&self.expired),
            lost: read(&self.lost),
            received: read(&self.received),
            created: read(&self.created),
            reasons: self.reasons.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone(),
        }
    }
}

impl Balance {
    /// Events that are in the node or its queue and have not left yet; negative only if the account is broken.
    pub fn in_flight(&self) -> i128 {
        i128::from(self.received) + i128::from(self.created)
            - [
                self.delivered,
                self.filtered,
                self.absorbed,
                self.dead_lettered,
                self.dropped,
                self.expired,
                self.lost,
            ]
            .into_iter()
            .map(i128::from)
            .sum::<i128>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_run_is_added_without_what_was_in_flight() {
        for (received, created) in [(10, 0), (2, 8), (0, 10)] {
            let earlier = Balance { received, created, delivered: 4, lost: 1, ..Balance::default() };
            let ledger = Ledger::default();
            ledger.receive();
            ledger.restore(&earlier);
            let balance = ledger.balance();
            assert_eq!(balance.in_flight(), 1, "only what was received since: {balance:?}");
            assert_eq!((balance.delivered, balance.lost), (4, 1));
        }
    }
}
