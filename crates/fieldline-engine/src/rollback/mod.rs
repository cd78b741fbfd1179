//! [`RollbackMonitor`]: the time after a change in which it must prove itself, in one pipeline. Pure: it is shown the
//! state of the program once a second and says whether to roll the change back, and why.
//!
//! A change is worse if, in a node that it touched, (1) of the events that came since, at least five fail while the node
//! works, and their share is ten percentage points higher; (2) a source pauses at the end of the window for three times
//! as long as ever before, and at least five seconds; (3) the node fails for good, or never works until the end of the window. It is not blamed
//! for events that came before it, nor for what others do: a pipeline that was failing, a source that was idle, one
//! whose edit says how often it gives, or one that waits for a sink that has an outage.

mod history;

mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use fieldline_compiler::NodeId;
use fieldline_runtime::{NodeState, NodeStatus, Status};

pub(crate) use self::history::History;
use self::trial::{NodeTrial, is_failing};

/// How long a change is watched if its pipelines say nothing.
pub(crate) const DEFAULT_WINDOW: Duration = Duration::from_secs(30);

/// A change of one pipeline on trial.
#[derive(Debug)]
pub(crate) struct RollbackMonitor {
    since: Instant,
    window: Duration,
    nodes: BTreeMap<NodeId, NodeTrial>,
}

/// The nodes that a change has touched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touched<'a> {
    pub(crate) nodes: &'a BTreeSet<NodeId>,
    /// Sources that were edited and themselves decide how often they give: their silence may be meant.
    pub(crate) paced: &'a BTreeSet<NodeId>,
}

/// What is to be done with a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Too early to say.
    Wait,
    /// It has done well until the end of the window.
    Keep,
    /// It is worse.
    RollBack(Fault),
}

/// Why a change is worse than the version before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The node and the reason.
    pub(crate) reason: String,
    /// A node that has not worked since the change and tries again: the version before might not work now, either.
    pub(crate) outage: Option<NodeId>,
}

impl RollbackMonitor {
    /// Puts the nodes of `pipeline` that a change `touched` on trial, unless the pipeline was failing; `before` and
    /// `after` are the states around it, with their times.
    pub(crate) fn new(
        pipeline: &str,
        window: Duration,
        Touched { nodes: touched, paced }: Touched<'_>,
        history: &History,
        before: (Instant, &Status),
        after: (Instant, &Status),
    ) -> Self {
        let is_in_it = |node: &&NodeStatus| node.id.pipeline() == pipeline;
        let old: BTreeMap<&NodeId, &NodeStatus> =
            before.1.nodes.iter().filter(is_in_it).map(|node| (&node.id, node)).collect();
        let was_failing = old.values().any(|node| is_failing(history, before.0, node));
        let trial = |new: &NodeStatus| {
            let old = old.get(&new.id)?;
            let trial = NodeTrial::new(history, (before.0, old), (after.0, new));
            Some((new.id.clone(), if paced.contains(&new.id) { trial.whatever_its_pace() } else { trial }))
        };
        let touched = after.1.nodes.iter().filter(|node| touched.contains(&node.id) && !was_failing);
        RollbackMonitor { since: after.0, window, nodes: touched.filter_map(trial).collect() }
    }

    /// Judges these nodes no more; gives whether any are left.
    pub(crate) fn leave_out(&mut self, touched: &BTreeSet<NodeId>) -> bool {
        self.nodes.retain(|id, _| !touched.contains(id));
        !self.nodes.is_empty()
    }

    /// Looks at the state `now`.
    pub(crate) fn judge(&mut self, now: Instant, status: &Status) -> Verdict {
        let is_over = now.duration_since(self.since) >= self.window;
        let held_up = self.held_up(status);
        let mut fault = None;
        for node in &status.nodes {
            let Some(trial) = self.nodes.get_mut(&node.id) else { continue };
            trial.look(now, node, held_up.contains(node.id.pipeline()));
            fault = fault.or_else(|| Some(format!("`{}` {}", node.id, trial.fault(now, node, is_over)?)));
        }
        match fault {
            Some(reason) => Verdict::RollBack(Fault { reason, outage: self.outage(status) }),
            None if is_over => Verdict::Keep,
            None => Verdict::Wait,
        }
    }

    /// A node that since the change only tries to work.
    fn outage(&self, status: &Status) -> Option<NodeId> {
        let is_trying = |node: &&NodeStatus| {
            let must_prove_itself = self.nodes.get(&node.id).is_some_and(NodeTrial::must_prove_itself);
            must_prove_itself && matches!(node.state, NodeState::Retrying { .. })
        };
        status.nodes.iter().find(is_trying).map(|node| node.id.clone())
    }

    /// How long it looks.
    pub(crate) fn window(&self) -> Duration {
        self.window
    }

    /// The pipelines with an outage that the change is not to blame for: its sources may have to wait.
    fn held_up<'s>(&self, status: &'s Status) -> BTreeSet<&'s str> {
        let is_blameless =
            |node: &&NodeStatus| self.nodes.get(&node.id).is_none_or(|trial| !trial.must_prove_itself());
        let failing = status.nodes.iter().filter(|node| !works(node));
        failing.filter(is_blameless).map(|node| node.id.pipeline()).collect()
    }
}

/// Whether a node is at work, or has done all it had to do.
pub(crate) fn works(node: &NodeStatus) -> bool {
    let has_outage = node.buffer.as_ref().is_some_and(|buffer| buffer.outage.is_some());
    matches!(node.state, NodeState::Running | NodeState::Finished) && !has_outage
}

#[cfg(test)]
mod tests {
    use fieldline_core::{Balance, Kind};
    use fieldline_runtime::{FailedEvent, Faults};

    use super::*;

    /// The node `p/name` that works, of whose events `came` have come, `failed` failed and `waiting` are inside.
    fn node(name: &str, kind: Kind, came: u64, failed: u64, waiting: u64) -> NodeStatus {
        let delivered = came - failed - waiting;
        NodeStatus {
            id: NodeId::new("p", name),
            kind,
            component: "test",
            state: NodeState::Running,
            restarts: 0,
            first_failure: None,
            faults: Faults::default(),
            memory: None,
            balance: Balance { received: came, dead_lettered: failed, delivered, ..Balance::default() },
            buffer: None,
            settings: Vec::new(),
        }
    }

    fn retrying(node: NodeStatus) -> NodeStatus {
        NodeStatus { state: NodeState::Retrying { error: "no route".into(), failures: 3 }, ..node }
    }

    fn status(nodes: impl IntoIterator<Item = NodeStatus>) -> Status {
        Status { generation: 1, nodes: nodes.into_iter().collect(), ..Status::default() }
    }

    /// A change of the node `p/n`, and the nodes by each second.
    struct Case<B, A> {
        /// By each second before the change, of which there are `seconds`.
        before: B,
        seconds: u32,
        /// By each second after it; second 0 is right after it.
        after: A,
        /// Whether the change says how often the node gives.
        is_paced: bool,
    }

    impl<B: Fn(u64) -> Vec<NodeStatus>, A: Fn(u64) -> Vec<NodeStatus>> Case<B, A> {
        /// The verdict, and after how many seconds it was given.
        fn verdict(self) -> (u64, Verdict) {
            let start = tokio::time::Instant::now().into_std();
            let second = |n: u64| start + Duration::from_secs(n);
            let edited = u64::from(self.seconds);
            let mut history = History::default();
            (0..=edited).for_each(|n| history.remember(second(n), &status((self.before)(n))));
            let touched = BTreeSet::from([NodeId::new("p", "n")]);
            let before = status((self.before)(edited));
            let after = status((self.after)(0));
            let around = [(second(edited), &before), (second(edited), &after)];
            let paced = if self.is_paced { touched.clone() } else { BTreeSet::new() };
            let touched = Touched { nodes: &touched, paced: &paced };
            let mut monitor =
                RollbackMonitor::new("p", DEFAULT_WINDOW, touched, &history, around[0], around[1]);
            (1..=DEFAULT_WINDOW.as_secs())
                .map(|n| (n, monitor.judge(second(edited + n), &status((self.after)(n)))))
                .find(|(_, verdict)| *verdict != Verdict::Wait)
                .expect("it ends with the window")
        }
    }

    /// Ten seconds with ten events a second of which `share` percent fail, then `after`.
    fn edited(kind: Kind, share: u64, after: impl Fn(u64) -> NodeStatus) -> (u64, Verdict) {
        let before = |n: u64| vec![node("n", kind, 10 * n, 10 * n * share / 100, 0)];
        Case { before, seconds: 10, after: |n| vec![after(n)], is_paced: false }.verdict()
    }

    fn rolled_back(after: u64, reason: &str) -> (u64, Verdict) {
        let outage = reason.contains("come to work").then(|| NodeId::new("p", "n"));
        (after, Verdict::RollBack(Fault { reason: reason.to_owned(), outage }))
    }

    const KEPT: (u64, Verdict) = (30, Verdict::Keep);

    #[test]
    fn a_change_that_does_as_well_is_kept_at_the_end_of_the_window() {
        assert_eq!(edited(Kind::Transform, 0, |n| node("n", Kind::Transform, 100 + 10 * n, 0, 0)), KEPT);
        let four_fail = |n: u64| node("n", Kind::Transform, 100 + 10 * n, n.min(4), 0);
        assert_eq!(edited(Kind::Transform, 0, four_fail), KEPT);
        let a_third_fails = |n: u64| node("n", Kind::Transform, 100 + 10 * n, 30 + 3 * n, 0);
        assert_eq!(edited(Kind::Transform, 30, a_third_fails), KEPT);
    }

    #[test]
    fn a_change_that_fails_more_is_rolled_back_at_once_with_the_first_error() {
        let half_fail = |n: u64| NodeStatus {
            first_failure: Some(FailedEvent { reason: "script_error", message: "p.yaml:5:9: no `x`".into() }),
            ..node("n", Kind::Transform, 100 + 10 * n, 5 * n, 0)
        };
        let reason =
            "`p/n` fails 50 % of its events (5 of 10; the first: p.yaml:5:9: no `x`), before the change 0 %";
        assert_eq!(edited(Kind::Transform, 0, half_fail), rolled_back(1, reason));
    }

    #[test]
    fn events_from_before_the_change_are_not_held_against_it() {
        let before = |n: u64| vec![node("n", Kind::Sink, 10 * n, 0, 2 * n)];
        let lost_in_the_switch = |n: u64| vec![node("n", Kind::Sink, 100 + 10 * n, 20, 0)];
        assert_eq!(Case { before, seconds: 10, after: lost_in_the_switch, is_paced: false }.verdict(), KEPT);
        let failed_later = |n: u64| {
            let waiting = if n == 0 { 20 } else { 0 };
            vec![node("n", Kind::Sink, 100 + 10 * n, 20 - waiting, waiting)]
        };
        assert_eq!(Case { before, seconds: 10, after: failed_later, is_paced: false }.verdict(), KEPT);
        let fails_its_own = |n: u64| {
            let waiting = if n == 0 { 20 } else { 0 };
            vec![node("n", Kind::Sink, 100 + 10 * n, 20 - waiting + 10 * n, waiting)]
        };
        let (_, verdict) = Case { before, seconds: 10, after: fails_its_own, is_paced: false }.verdict();
        assert!(matches!(verdict, Verdict::RollBack(_)), "{verdict:?}");
    }

    #[test]
    fn nothing_is_rolled_back_to_a_version_that_was_failing() {
        let fails = |n: u64| vec![node("n", Kind::Sink, 100 + 10 * n, 20 + 10 * n, 0)];
        let was_down = |n: u64| vec![retrying(node("n", Kind::Sink, 10 * n, 0, 2 * n))];
        assert_eq!(Case { before: was_down, seconds: 10, after: fails, is_paced: false }.verdict(), KEPT);
        let began_to_fail = |n: u64| vec![node("n", Kind::Sink, 10 * n, 10 * n.max(30) - 300, 0)];
        let fails = |n: u64| vec![node("n", Kind::Sink, 400 + 10 * n, 100 + 10 * n, 0)];
        assert_eq!(
            Case { before: began_to_fail, seconds: 40, after: fails, is_paced: false }.verdict(),
            KEPT
        );
    }

    #[test]
    fn an_outage_after_the_change_has_worked_is_not_its_fault() {
        let works_until_10 = |n: u64| match n {
            0..10 => node("n", Kind::Sink, 100 + 10 * n, 0, 0),
            _ => retrying(node("n", Kind::Sink, 100 + 10 * n, 10 * n - 90, 0)),
        };
        assert_eq!(edited(Kind::Sink, 0, works_until_10), KEPT);
    }

    #[test]
    fn a_node_that_does_not_come_to_work_is_rolled_back_at_the_end() {
        let down = |_| retrying(node("n", Kind::Sink, 101, 0, 1));
        let reason = "`p/n` does not come to work: no route";
        assert_eq!(edited(Kind::Sink, 0, down), rolled_back(30, reason));
        let only_connects = |n: u64| if n == 1 { node("n", Kind::Sink, 101, 0, 1) } else { down(n) };
        assert_eq!(edited(Kind::Sink, 0, only_connects), rolled_back(30, reason));
        let failed = |_| NodeStatus {
            state: NodeState::Failed("it broke".into()),
            ..node("n", Kind::Sink, 101, 0, 1)
        };
        assert_eq!(edited(Kind::Sink, 0, failed), rolled_back(1, "`p/n` has failed: it broke"));
    }

    #[test]
    fn a_source_that_falls_silent_is_rolled_back_and_a_silent_transform_is_not() {
        let silent = |kind| move |_| node("n", kind, 100, 0, 0);
        let reason = "`p/n` has given nothing for 30 s, before the change for 1 s at most";
        assert_eq!(edited(Kind::Source, 0, silent(Kind::Source)), rolled_back(30, reason));
        assert_eq!(edited(Kind::Transform, 0, silent(Kind::Transform)), KEPT);
    }

    #[test]
    fn a_source_whose_edit_says_how_often_it_gives_may_be_silent() {
        let before = |n: u64| vec![node("n", Kind::Source, 10 * n, 0, 0)];
        let after = |_| vec![node("n", Kind::Source, 100, 0, 0)];
        assert_eq!(Case { before, seconds: 10, after, is_paced: true }.verdict(), KEPT);
    }

    #[test]
    fn a_source_may_pause_between_bursts() {
        let burst_every_20 = |n: u64| vec![node("n", Kind::Source, n / 20 * 100, 0, 0)];
        let after = |n: u64| vec![node("n", Kind::Source, (300 + n) / 20 * 100, 0, 0)];
        assert_eq!(Case { before: burst_every_20, seconds: 300, after, is_paced: false }.verdict(), KEPT);
    }

    #[test]
    fn a_source_that_was_idle_at_the_edit_is_not_silent_after_it() {
        let one_burst = |n: u64| vec![node("n", Kind::Source, n.min(3) * 100, 0, 0)];
        let after = |_| vec![node("n", Kind::Source, 300, 0, 0)];
        assert_eq!(Case { before: one_burst, seconds: 6, after, is_paced: false }.verdict(), KEPT);
        let stopped = |n: u64| vec![node("n", Kind::Source, n.min(300), 0, 0)];
        assert_eq!(Case { before: stopped, seconds: 305, after, is_paced: false }.verdict(), KEPT);
    }

    #[test]
    fn a_source_that_waits_for_a_sink_that_is_away_is_not_silent() {
        let sink = |is_away: bool| {
            let sink = node("sink", Kind::Sink, 100, 0, 50);
            if is_away { retrying(sink) } else { sink }
        };
        let verdict = |is_away: bool| {
            let before = |n: u64| vec![node("n", Kind::Source, 10 * n, 0, 0), sink(false)];
            let after = |_| vec![node("n", Kind::Source, 100, 0, 0), sink(is_away)];
            Case { before, seconds: 10, after, is_paced: false }.verdict()
        };
        assert_eq!(verdict(true), KEPT);
        assert_ne!(verdict(false), KEPT);
    }
}
