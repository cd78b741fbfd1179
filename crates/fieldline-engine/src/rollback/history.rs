//! [`History`]: the nodes before a change: how many of their events have failed lately, and for how long they paused at
//! most.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use fieldline_compiler::NodeId;
use fieldline_runtime::{NodeStatus, Status};

/// How long counts are remembered.
const RECENT: Duration = Duration::from_secs(60);
/// Time between two counts that are remembered.
const STEP: Duration = Duration::from_secs(5);
/// The longest pause of this time and of that before it is remembered: of half a day to a whole one.
const HALF_DAY: Duration = Duration::from_secs(12 * 3600);
/// Fewer pauses than this say nothing of the next one.
const LEAST_PAUSES: u64 = 5;
/// How much longer than any before a pause may be and still be usual: the time between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// The counts of one node that matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counts {
    /// Events that came in or began here.
    pub(super) came: u64,
    /// Events that left, whichever way.
    pub(super) left: u64,
    /// Events that failed or were lost.
    pub(super) failed: u64,
}

impl Counts {
    /// The counts of a node.
    pub(super) fn of(node: &NodeStatus) -> Self {
        let balance = &node.balance;
        let came = balance.received + balance.created;
        let inside = u64::try_from(balance.in_flight()).unwrap_or(0);
        Counts { came, left: came.saturating_sub(inside), failed: balance.dead_lettered + balance.lost }
    }

    /// The share of the events that left since `earlier` that have failed.
    pub(super) fn share_failed_since(&self, earlier: Counts) -> f64 {
        let left = self.left.saturating_sub(earlier.left);
        self.failed.saturating_sub(earlier.failed) as f64 / left.max(1) as f64
    }
}

/// The past of all nodes.
#[derive(Debug, Default)]
pub(crate) struct History(BTreeMap<NodeId, Past>);

/// The past of one node.
#[derive(Debug)]
pub(super) struct Past {
    counts: VecDeque<(Instant, Counts)>,
    pauses: Pauses,
}

impl History {
    /// Remembers the state of all nodes; to be called once a second.
    pub(crate) fn remember(&mut self, now: Instant, status: &Status) {
        let mut before = std::mem::take(&mut self.0);
        for node in &status.nodes {
            let counts = Counts::of(node);
            let past = before.remove_entry(&node.id);
            let (id, mut past) = past.unwrap_or_else(|| (node.id.clone(), Past::new(now, counts)));
            past.remember(now, counts);
            self.0.insert(id, past);
        }
    }

    /// The past of a node.
    pub(super) fn of(&self, id: &NodeId) -> Option<&Past> {
        self.0.get(id)
    }
}

impl Past {
    fn new(now: Instant, counts: Counts) -> Self {
        Past { counts: VecDeque::new(), pauses: Pauses::new(now, counts.came) }
    }

    fn remember(&mut self, now: Instant, counts: Counts) {
        self.pauses.remember(now, counts.came);
        if self.counts.back().is_some_and(|(then, _)| now.duration_since(*then) < STEP) {
            return;
        }
        while self.counts.front().is_some_and(|(then, _)| now.duration_since(*then) > RECENT) {
            self.counts.pop_front();
        }
        self.counts.push_back((now, counts));
    }

    /// The share of events that have failed in the last `time`, as far as it is remembered.
    pub(super) fn share_failed(&self, now: Instant, counts: Counts, time: Duration) -> f64 {
        let is_old = |(then, _): &&(Instant, Counts)| now.duration_since(*then) >= time;
        let earlier = self.counts.iter().rev().find(is_old).or(self.counts.front());
        earlier.map_or(0.0, |(_, earlier)| counts.share_failed_since(*earlier))
    }

    /// The longest pause between two events, if enough were seen to tell, and if the pause now is not a longer one.
    pub(super) fn usual_pause(&self, now: Instant, counts: Counts) -> Option<Duration> {
        let Pauses { came, since, .. } = self.pauses;
        let longest = self.pauses.longest.into_iter().max()?;
        let pause = if came == counts.came { now.duration_since(since) } else { Duration::ZERO };
        (self.pauses.seen >= LEAST_PAUSES && pause <= longest + LOOK).then_some(longest)
    }
}

/// The pauses of one node, as far as looks once a second show them.
#[derive(Debug)]
struct Pauses {
    /// The events that had come by the last look.
    came: u64,
    /// When the last of them came.
    since: Instant,
    /// Whether any came since the node is looked at.
    has_begun: bool,
    seen: u64,
    /// The longest pause of this half day, and of the one before.
    longest: [Duration; 2],
    half_day: Instant,
}

impl Pauses {
    fn new(now: Instant, came: u64) -> Self {
        Pauses { came, since: now, has_begun: false, seen: 0, longest: [Duration::ZERO; 2], half_day: now }
    }

    fn remember(&mut self, now: Instant, came: u64) {
        if now.duration_since(self.half_day) >= HALF_DAY {
            self.longest = [Duration::ZERO, self.longest[0]];
            self.half_day = now;
        }
        if came == self.came {
            return;
        }
        if self.has_begun {
            self.longest[0] = self.longest[0].max(now.duration_since(self.since));
            self.seen += 1;
        }
        (self.came, self.since, self.has_begun) = (came, now, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known of a source of which `came` gives the events by each second, after `seconds`.
    fn usual_pause(seconds: u32, came: impl Fn(u32) -> u64) -> Option<u64> {
        let start = tokio::time::Instant::now().into_std();
        let second = |n: u32| start + Duration::from_secs(1) * n;
        let counts = |n: u32| Counts { came: came(n), left: came(n), failed: 0 };
        let mut past = Past::new(start, counts(0));
        (1..=seconds).for_each(|n| past.remember(second(n), counts(n)));
        past.usual_pause(second(seconds), counts(seconds)).map(|pause| pause.as_secs())
    }

    #[test]
    fn the_longest_pause_of_a_steady_source_is_its_interval() {
        assert_eq!(usual_pause(60, |n| u64::from(n) * 10), Some(1));
        assert_eq!(usual_pause(100, |n| u64::from(n / 5)), Some(5));
    }

    #[test]
    fn one_burst_says_nothing_of_the_next_pause() {
        assert_eq!(usual_pause(6, |n| u64::from(n.min(3)) * 100), None);
        assert_eq!(usual_pause(60, |n| u64::from(n.min(3)) * 100), None);
    }

    #[test]
    fn a_source_that_pauses_longer_than_ever_is_idle() {
        assert_eq!(usual_pause(62, |n| u64::from(n.min(60))), Some(1));
        assert_eq!(usual_pause(63, |n| u64::from(n.min(60))), None);
    }

    #[test]
    fn a_long_pause_is_remembered_for_half_a_day() {
        let night = |n: u32| u64::from(if n < 100 { n } else { n.max(700) - 600 });
        assert_eq!(usual_pause(1_000, night), Some(601));
        assert_eq!(usual_pause(40_000, night), Some(601));
        assert_eq!(usual_pause(100_000, night), Some(1));
    }
}
