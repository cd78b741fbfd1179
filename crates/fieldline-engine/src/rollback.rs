//! [`RollbackMonitor`]: the time after a change in which it must prove itself. Pure: it is shown the program's state
//! once a second and says whether the change should be taken back, and why.
//!
//! A change is worse than what was before if, in the nodes it touched, (1) events fail or are lost at a rate that is
//! ten percentage points higher, at least five of them; (2) a source that gave events gives none any more, for as
//! long as four of its usual intervals, twice its longest silence before, and at least five seconds; (3) a node
//! that was at work has failed for good, or has not come to work at the end of the window.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use fieldline_compiler::NodeId;
use fieldline_core::Kind;
use fieldline_runtime::{NodeState, NodeStatus, Status};

/// How long a change is watched if its pipelines say nothing.
pub(crate) const DEFAULT_WINDOW: Duration = Duration::from_secs(30);
/// How much of the past is remembered, to compare with.
const MEMORY: Duration = Duration::from_secs(60);
/// Fewer failures than this may be chance.
const LEAST_FAILURES: u64 = 5;
/// By how much the share of failures may grow.
const MOST_WORSE: f64 = 0.1;
/// A source is not called silent before this.
const LEAST_SILENCE: Duration = Duration::from_secs(5);

/// The counts of one node that matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    came: u64,
    failed: u64,
}

/// The recent past of all nodes, one entry a second.
#[derive(Debug, Default)]
pub(crate) struct Past(VecDeque<(Instant, BTreeMap<NodeId, Counts>)>);

impl Past {
    /// Remembers how things are now.
    pub(crate) fn remember(&mut self, now: Instant, status: &Status) {
        while self.0.front().is_some_and(|(then, _)| now.duration_since(*then) > MEMORY) {
            self.0.pop_front();
        }
        self.0.push_back((now, status.nodes.iter().map(|node| (node.id.clone(), counts(node))).collect()));
    }

    /// What a node did in the remembered time, and how long that was.
    fn of(&self, id: &NodeId) -> Option<(Counts, Duration)> {
        let seen = || self.0.iter().filter_map(|(when, nodes)| Some((*when, *nodes.get(id)?)));
        let ((start, first), (end, last)) = (seen().next()?, seen().next_back()?);
        let done = Counts { came: last.came - first.came, failed: last.failed - first.failed };
        Some((done, end.duration_since(start)))
    }

    /// For how long a node stood still at most in the remembered time.
    fn longest_silence(&self, id: &NodeId) -> Duration {
        let mut latest: Option<(Instant, u64)> = None;
        let mut longest = Duration::ZERO;
        for (when, nodes) in &self.0 {
            let Some(counts) = nodes.get(id) else { continue };
            match latest {
                Some((since, came)) if came == counts.came => {
                    longest = longest.max(when.duration_since(since))
                }
                _ => latest = Some((*when, counts.came)),
            }
        }
        longest
    }
}

/// How a node did before the change.
#[derive(Clone, Debug)]
struct Before {
    at_change: Counts,
    share_failed: f64,
    /// Of a source that gave events: the time from one to the next, and the longest.
    pace: Option<(Duration, Duration)>,
    was_running: bool,
    /// When an event came last since the change, and how many there were then.
    latest: (Instant, u64),
}

/// A change on trial.
#[derive(Debug)]
pub(crate) struct RollbackMonitor {
    since: Instant,
    window: Duration,
    nodes: BTreeMap<NodeId, Before>,
}

/// What is to be done with a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Too early to say.
    Wait,
    /// It has done well until the end of the window.
    Keep,
    /// It is worse; with the reason.
    RollBack(String),
}

impl RollbackMonitor {
    /// Puts the nodes that a change `touched` on trial; `status` is the state just before it.
    pub(crate) fn new(
        now: Instant,
        window: Duration,
        touched: &BTreeSet<NodeId>,
        past: &Past,
        status: &Status,
    ) -> Self {
        let before = |node: &NodeStatus| {
            let (done, time) = past.of(&node.id).unwrap_or_default();
            let share_failed = done.failed as f64 / done.came.max(1) as f64;
            let interval = || time / u32::try_from(done.came).unwrap_or(u32::MAX);
            let pace = (node.kind == Kind::Source && done.came > 0)
                .then(|| (interval(), past.longest_silence(&node.id)));
            let was_running = node.state == NodeState::Running;
            let at_change = counts(node);
            Before { at_change, share_failed, pace, was_running, latest: (now, at_change.came) }
        };
        let nodes = status.nodes.iter().filter(|node| touched.contains(&node.id));
        RollbackMonitor {
            since: now,
            window,
            nodes: nodes.map(|node| (node.id.clone(), before(node))).collect(),
        }
    }

    /// Looks at the state `now`.
    pub(crate) fn judge(&mut self, now: Instant, status: &Status) -> Verdict {
        let elapsed = now.duration_since(self.since);
        let is_over = elapsed >= self.window;
        for node in &status.nodes {
            let Some(before) = self.nodes.get_mut(&node.id) else { continue };
            if before.latest.1 != counts(node).came {
                before.latest = (now, counts(node).came);
            }
            let silence = now.duration_since(before.latest.0);
            if let Some(reason) = before.fault(node, silence, is_over) {
                return Verdict::RollBack(format!("`{}` {reason}", node.id));
            }
        }
        if is_over { Verdict::Keep } else { Verdict::Wait }
    }
}

impl Before {
    /// What is worse with the node now than before.
    fn fault(&self, node: &NodeStatus, silence: Duration, is_over: bool) -> Option<String> {
        let now = counts(node);
        let came = now.came.saturating_sub(self.at_change.came);
        let failed = now.failed.saturating_sub(self.at_change.failed);
        let share = failed as f64 / came.max(1) as f64;
        if failed >= LEAST_FAILURES && share > self.share_failed + MOST_WORSE {
            let percent = |share: f64| (share.min(1.0) * 100.0).round();
            let (now, then) = (percent(share), percent(self.share_failed));
            return Some(format!(
                "fails {now} % of its events ({failed} of {came}), before the change {then} %"
            ));
        }
        if let Some((interval, longest)) = self.pace
            && silence > (interval * 4).max(longest * 2).max(LEAST_SILENCE)
        {
            return Some(format!(
                "has given nothing for {} s, before the change one event in {interval:.1?}",
                silence.as_secs()
            ));
        }
        match &node.state {
            NodeState::Failed(error) if self.was_running => Some(format!("has failed: {error}")),
            NodeState::Retrying { error, .. } if self.was_running && is_over => {
                Some(format!("does not come to work: {error}"))
            }
            _ => None,
        }
    }
}

fn counts(node: &NodeStatus) -> Counts {
    let balance = &node.balance;
    let came = balance.received + balance.created;
    Counts { came, failed: balance.dead_lettered + balance.lost }
}

#[cfg(test)]
mod tests {
    use fieldline_core::ledger::Balance;

    use super::*;

    fn status(kind: Kind, state: NodeState, came: u64, failed: u64) -> Status {
        let balance = Balance { received: came, dead_lettered: failed, ..Balance::default() };
        let id = NodeId::new("p", "n");
        Status {
            generation: 1,
            nodes: vec![NodeStatus {
                id,
                kind,
                component: "test",
                state,
                restarts: 0,
                memory: None,
                balance,
                buffer: None,
                settings: Vec::new(),
            }],
            ..Status::default()
        }
    }

    /// Ten seconds with ten events a second of which `failed` in all fail; then a change; then `judge`.
    fn verdict(
        kind: Kind,
        failed: u64,
        after: u64,
        state: NodeState,
        came: u64,
        failed_after: u64,
    ) -> Verdict {
        let start = tokio::time::Instant::now().into_std();
        let second = Duration::from_secs(1);
        let mut past = Past::default();
        for tick in 0..=10u32 {
            let failed = failed * u64::from(tick) / 10;
            past.remember(
                start + second * tick,
                &status(kind, NodeState::Running, 10 * u64::from(tick), failed),
            );
        }
        let at_change = status(kind, NodeState::Running, 100, failed);
        let now = start + second * 10;
        let touched = BTreeSet::from([NodeId::new("p", "n")]);
        let mut monitor = RollbackMonitor::new(now, DEFAULT_WINDOW, &touched, &past, &at_change);
        let later = now + Duration::from_secs(after);
        monitor.judge(later, &status(kind, state, 100 + came, failed + failed_after))
    }

    #[test]
    fn a_change_that_does_as_well_is_kept_at_the_end_of_the_window() {
        assert_eq!(verdict(Kind::Transform, 0, 10, NodeState::Running, 100, 0), Verdict::Wait);
        assert_eq!(verdict(Kind::Transform, 0, 30, NodeState::Running, 300, 4), Verdict::Keep);
        assert_eq!(verdict(Kind::Transform, 30, 30, NodeState::Running, 300, 100), Verdict::Keep);
    }

    #[test]
    fn a_change_that_fails_more_is_taken_back_at_once() {
        let reason = "`p/n` fails 50 % of its events (10 of 20), before the change 0 %".to_owned();
        assert_eq!(verdict(Kind::Transform, 0, 2, NodeState::Running, 20, 10), Verdict::RollBack(reason));
    }

    #[test]
    fn a_source_that_falls_silent_is_taken_back_and_one_that_always_was_is_not() {
        assert_eq!(verdict(Kind::Source, 0, 5, NodeState::Running, 0, 0), Verdict::Wait);
        let reason = "`p/n` has given nothing for 6 s, before the change one event in 100.0ms".to_owned();
        assert_eq!(verdict(Kind::Source, 0, 6, NodeState::Running, 0, 0), Verdict::RollBack(reason));
        assert_eq!(verdict(Kind::Transform, 0, 30, NodeState::Running, 0, 0), Verdict::Keep);
    }

    #[test]
    fn a_source_that_gives_in_bursts_may_pause_between_them() {
        let start = tokio::time::Instant::now().into_std();
        let second = |n: u32| start + Duration::from_secs(1) * n;
        let state = |n: u32| status(Kind::Source, NodeState::Running, u64::from(n / 20 * 100), 0);
        let mut past = Past::default();
        (0..60).for_each(|n| past.remember(second(n), &state(n)));
        let touched = BTreeSet::from([NodeId::new("p", "n")]);
        let mut monitor = RollbackMonitor::new(second(60), DEFAULT_WINDOW, &touched, &past, &state(60));
        for n in 61..90 {
            assert_eq!(monitor.judge(second(n), &state(n)), Verdict::Wait, "after {n} s");
        }
        assert_eq!(monitor.judge(second(90), &state(90)), Verdict::Keep);
    }

    #[test]
    fn a_node_that_does_not_come_to_work_is_taken_back_at_the_end() {
        let retrying = || NodeState::Retrying { error: "no route".into(), failures: 3 };
        assert_eq!(verdict(Kind::Sink, 0, 29, retrying(), 1, 0), Verdict::Wait);
        let reason = "`p/n` does not come to work: no route".to_owned();
        assert_eq!(verdict(Kind::Sink, 0, 30, retrying(), 1, 0), Verdict::RollBack(reason));
        let failed = NodeState::Failed("it broke".into());
        assert_eq!(
            verdict(Kind::Sink, 0, 1, failed, 1, 0),
            Verdict::RollBack("`p/n` has failed: it broke".into())
        );
    }
}
