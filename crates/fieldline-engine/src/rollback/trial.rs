//! [`NodeTrial`]: one node that a change has touched.

use std::time::{Duration, Instant};

use fieldline_core::Kind;
use fieldline_runtime::{NodeState, NodeStatus};

use super::history::{Counts, History, Past};
use super::works;

/// Fewer failures than this may be chance.
const LEAST_FAILURES: u64 = 5;
/// By how much the share of failures may grow.
const MOST_WORSE: f64 = 0.1;
/// A version that fails this share of its events is failing.
const FAILING: f64 = 0.5;
/// The time in which it does.
const LATELY: Duration = Duration::from_secs(10);
/// The time over which the share of failures is compared.
const COMPARED: Duration = Duration::from_secs(60);
/// A source is not called silent before this.
const LEAST_SILENCE: Duration = Duration::from_secs(5);
/// A source is silent after so many of its longest pauses.
const PAUSES: u32 = 3;

/// Whether a node does not work, or fails most of its events.
pub(super) fn is_failing(history: &History, now: Instant, node: &NodeStatus) -> bool {
    let share_failed = |past: &Past| past.share_failed(now, Counts::of(node), LATELY);
    !works(node) || history.of(&node.id).map_or(0.0, share_failed) >= FAILING
}

/// A node that a change has touched: how it did before, and what it did since.
#[derive(Debug)]
pub(super) struct NodeTrial {
    share_failed: f64,
    /// The longest pause of a source that was active.
    usual_pause: Option<Duration>,
    /// Whether it has worked since the change. A sink that is connected has not, before it has written an event.
    has_worked: bool,
    /// The events it had delivered by the change.
    delivered: u64,
    /// The counts from which on failures are held against it.
    baseline: Counts,
    /// Events from before the change that were still in the node by then.
    old: u64,
    /// When an event came last, and how many had come by then.
    latest: (Instant, u64),
}

impl NodeTrial {
    /// The node right `before` and right `after` the change.
    pub(super) fn new(
        history: &History,
        (edited_at, before): (Instant, &NodeStatus),
        (now, after): (Instant, &NodeStatus),
    ) -> Self {
        let (counts, baseline) = (Counts::of(before), Counts::of(after));
        let past = history.of(&before.id);
        let past_source = past.filter(|_| before.kind == Kind::Source);
        NodeTrial {
            share_failed: past.map_or(0.0, |past| past.share_failed(edited_at, counts, COMPARED)),
            usual_pause: past_source.and_then(|past| past.usual_pause(edited_at, counts)),
            has_worked: false,
            delivered: after.balance.delivered,
            baseline,
            old: baseline.came.saturating_sub(baseline.left),
            latest: (now, baseline.came),
        }
    }

    /// The same, but silence is no fault.
    pub(super) fn whatever_its_pace(self) -> Self {
        NodeTrial { usual_pause: None, ..self }
    }

    /// Whether it is to blame for not working: it has not worked since the change.
    pub(super) fn must_prove_itself(&self) -> bool {
        !self.has_worked
    }

    /// Takes in the state `now`. A source that is `held_up` by others is not silent.
    pub(super) fn look(&mut self, now: Instant, node: &NodeStatus, is_held_up: bool) {
        let counts = Counts::of(node);
        if self.latest.1 != counts.came || is_held_up {
            self.latest = (now, counts.came);
        }
        let left = counts.left.saturating_sub(self.baseline.left);
        if !works(node) || left <= self.old {
            self.old = self.old.saturating_sub(left);
            self.baseline = counts;
        }
        let has_written = node.kind != Kind::Sink || node.balance.delivered > self.delivered;
        self.has_worked |= works(node) && has_written;
    }

    /// What is worse with the node than before.
    pub(super) fn fault(&self, now: Instant, node: &NodeStatus, is_over: bool) -> Option<String> {
        self.failures(node).or_else(|| self.silence(now, node).filter(|_| is_over)).or_else(|| {
            match &node.state {
                NodeState::Failed(error) => Some(format!("has failed: {error}")),
                NodeState::Retrying { error, .. } if is_over && !self.has_worked => {
                    Some(format!("does not come to work: {error}"))
                }
                _ => None,
            }
        })
    }

    fn failures(&self, node: &NodeStatus) -> Option<String> {
        let counts = Counts::of(node);
        let own = |count: u64, before: u64| count.saturating_sub(before).saturating_sub(self.old);
        let failed = own(counts.failed, self.baseline.failed);
        let left = own(counts.left, self.baseline.left);
        let share = failed as f64 / left.max(1) as f64;
        if failed < LEAST_FAILURES || share <= self.share_failed + MOST_WORSE {
            return None;
        }
        let percent = |share: f64| (share.min(1.0) * 100.0).round();
        let (now, then) = (percent(share), percent(self.share_failed));
        let first = node.first_failure.as_ref().map(|first| format!("; the first: {}", first.message));
        let first = first.unwrap_or_default();
        Some(format!("fails {now} % of its events ({failed} of {left}{first}), before the change {then} %"))
    }

    fn silence(&self, now: Instant, node: &NodeStatus) -> Option<String> {
        let usual = self.usual_pause.filter(|_| node.state != NodeState::Finished)?;
        let silence = now.duration_since(self.latest.0);
        (silence > (usual * PAUSES).max(LEAST_SILENCE)).then(|| {
            let (silence, usual) = (silence.as_secs(), usual.as_secs().max(1));
            format!("has given nothing for {silence} s, before the change for {usual} s at most")
        })
    }
}
