//! [`FailureMonitor`]: tells of events that fail or are dropped, and which nodes fail all of theirs or many. A node at work
//! whose events all fail looks well to everyone who asks only whether it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fieldline_compiler::NodeId;
use fieldline_runtime::{NodeState, NodeStatus};

/// How long all events of a node fail, or it is not connected, until it is called failing.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many events have to fail until then: one is no rule.
const LEAST: u64 = 2;

/// The fewest events of which a share is told: of fewer it says nothing.
const SHARED: u64 = 4;

/// Time between two lines in the log about the same node.
const REPEAT: Duration = Duration::from_secs(60);

/// How a node is unwell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unwell {
    /// All its events fail, or it has not been connected for long; otherwise at least half of them fail.
    pub(crate) is_failing: bool,
    /// Its first error.
    pub(crate) error: String,
}

/// The nodes that are unwell, for everyone who asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnwellNodes(Arc<Mutex<BTreeMap<NodeId, Unwell>>>);

impl UnwellNodes {
    /// The nodes at this moment.
    pub(crate) fn lock(&self) -> MutexGuard<'_, BTreeMap<NodeId, Unwell>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at all nodes from time to time.
#[derive(Debug, Default)]
pub(crate) struct FailureMonitor {
    seen: BTreeMap<NodeId, Seen>,
    unwell: UnwellNodes,
}

/// What was seen of a node.
#[derive(Debug, Default)]
struct Seen {
    went_well: u64,
    failed: u64,
    /// Since when nothing went well and something failed, and what had failed before.
    since: Option<(Instant, u64)>,
    /// When the log told of it last, and what had failed by then.
    told: Option<(Instant, u64)>,
    had_failure: bool,
    is_failing: bool,
    /// Since when it is not at work and tries to be.
    away_since: Option<Instant>,
    /// When the share of events that fail was begun to be counted, and what had gone well and failed before.
    share: Option<(Instant, u64, u64)>,
    is_degraded: bool,
}

/// A line for the log.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// All events fail, so many since the last line.
    AllFail(u64),
    /// Some fail, so many since the last line.
    SomeFail(u64),
    /// Events go well again.
    WorksAgain,
}

impl FailureMonitor {
    /// The nodes it calls unwell, now and later.
    pub(crate) fn unwell(&self) -> UnwellNodes {
        self.unwell.clone()
    }

    /// Judges all nodes at the moment `now` and writes into the log what is new.
    pub(crate) fn look(&mut self, now: Instant, nodes: &[NodeStatus]) {
        for (node, line) in self.judge(now, nodes) {
            let (id, error) = (&node.id, error(node));
            match line {
                Line::AllFail(events) => {
                    tracing::warn!(node = %id, events, error, "all events of this node fail")
                }
                Line::SomeFail(events) => {
                    tracing::warn!(node = %id, events, error, "events of this node fail or are dropped")
                }
                Line::WorksAgain => tracing::info!(node = %id, "events of this node go well again"),
            }
        }
    }

    /// Forgets the nodes that are no more.
    fn judge<'n>(&mut self, now: Instant, nodes: &'n [NodeStatus]) -> Vec<(&'n NodeStatus, Line)> {
        let mut before = std::mem::take(&mut self.seen);
        let (mut lines, mut unwell) = (Vec::new(), BTreeMap::new());
        for node in nodes {
            let mut seen = before.remove(&node.id).unwrap_or_else(|| Seen::first(node));
            lines.extend(seen.judge(now, node).map(|line| (node, line)));
            let is_failing = seen.is_failing || seen.is_away_long(now);
            if is_failing || seen.is_degraded {
                unwell.insert(node.id.clone(), Unwell { is_failing, error: error(node) });
            }
            self.seen.insert(node.id.clone(), seen);
        }
        *self.unwell.lock() = unwell;
        lines
    }
}

impl Seen {
    /// A node before anything has failed; what a disk buffer has counted before this start is told already.
    fn first(node: &NodeStatus) -> Self {
        Seen { failed: node.buffer.as_ref().map_or(0, |_| failed(node)), ..Seen::default() }
    }

    fn judge(&mut self, now: Instant, node: &NodeStatus) -> Option<Line> {
        let balance = &node.balance;
        let went_well = balance.delivered + balance.filtered + balance.absorbed;
        // A fault is counted before it is booked as delivered.
        let went_well = went_well.saturating_sub(node.faults.events).max(self.went_well);
        let (failed, has_failure) = (failed(node), node.first_failure.is_some());
        let is_new = (self.had_failure && !has_failure) || failed < self.failed;
        match node.state {
            NodeState::Retrying { .. } => _ = self.away_since.get_or_insert(now),
            _ => self.away_since = None,
        }
        if is_new || node.state != NodeState::Running {
            // Another version has to fail by itself, and a node that is not at work says so.
            (self.since, self.is_failing) = (None, false);
            (self.share, self.is_degraded) = (None, false);
        }
        self.judge_share(now, went_well, failed);
        let (before, went_well_before) = (self.failed, self.went_well);
        (self.failed, self.went_well, self.had_failure) = (failed, went_well, has_failure);
        if went_well > went_well_before {
            self.since = None;
            if std::mem::take(&mut self.is_failing) {
                (self.told, self.share, self.is_degraded) = (None, None, false);
                return Some(Line::WorksAgain);
            }
        } else if failed > before {
            self.since.get_or_insert((now, before));
        }
        let fails =
            self.since.is_some_and(|(since, first)| now - since >= PATIENCE && failed - first >= LEAST);
        let begins_to_fail = fails && !self.is_failing;
        self.is_failing |= fails;
        let (told_at, told) = self.told.unzip();
        let new = failed - told.unwrap_or(before).min(failed);
        let is_due = new > 0 && told_at.is_none_or(|at| now - at >= REPEAT);
        if !is_due && !begins_to_fail {
            return None;
        }
        self.told = Some((now, failed));
        Some(if self.is_failing { Line::AllFail(new) } else { Line::SomeFail(new) })
    }

    /// Judges what failed of the last events: of those in the time of patience, or of more where they are few.
    fn judge_share(&mut self, now: Instant, went_well: u64, failed: u64) {
        let (since, well_before, failed_before) = *self.share.get_or_insert((now, went_well, failed));
        let (well, bad) = (went_well - well_before, failed - failed_before);
        if now - since >= PATIENCE && well + bad >= SHARED {
            self.is_degraded = bad >= well;
            self.share = Some((now, went_well, failed));
        }
    }

    /// Whether it has not been at work for as long as patience lasts.
    fn is_away_long(&self, now: Instant) -> bool {
        self.away_since.is_some_and(|since| now - since >= PATIENCE)
    }
}

/// How many events of a node came to a bad end, or told of a fault.
fn failed(node: &NodeStatus) -> u64 {
    let balance = &node.balance;
    balance.dead_lettered + balance.dropped + balance.expired + balance.lost + node.faults.events
}

/// The first error of the node's version, or the reason with the most events.
fn error(node: &NodeStatus) -> String {
    let most = || {
        node.balance
            .reasons
            .iter()
            .filter(|((door, _), _)| *door != "filtered")
            .max_by_key(|(_, count)| **count)
    };
    if let Some(fault) = &node.faults.first {
        return fault.clone();
    }
    match &node.first_failure {
        Some(failure) => format!("{}: {}", failure.reason, failure.message),
        None => most().map_or_else(String::new, |((door, reason), _)| format!("{door}: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use fieldline_core::{Balance, Kind};
    use fieldline_runtime::{FailedEvent, Faults};

    use super::*;

    fn node(delivered: u64, dead_lettered: u64) -> NodeStatus {
        let message = "no number".to_owned();
        NodeStatus {
            id: NodeId::new("p", "n"),
            kind: Kind::Transform,
            component: "test",
            state: NodeState::Running,
            restarts: 0,
            first_failure: (dead_lettered > 0).then_some(FailedEvent { reason: "script_error", message }),
            faults: Faults::default(),
            memory: None,
            balance: Balance { delivered, dead_lettered, ..Balance::default() },
            buffer: None,
            settings: Vec::new(),
        }
    }

    /// The lines at each second, from what went well and what failed by then.
    fn lines(seconds: impl IntoIterator<Item = (u64, u64)>) -> (Vec<(usize, Line)>, FailureMonitor) {
        let (mut monitor, start) = (FailureMonitor::default(), clock());
        let mut lines = Vec::new();
        for (second, (delivered, failed)) in seconds.into_iter().enumerate() {
            let now = start + Duration::from_secs(second as u64);
            let nodes = [node(delivered, failed)];
            lines.extend(monitor.judge(now, &nodes).into_iter().map(|(_, line)| (second, line)));
        }
        (lines, monitor)
    }

    #[expect(clippy::disallowed_methods, reason = "a beginning for times that are made up")]
    fn clock() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_node_that_fails_all_events_is_told_at_once_after_ten_seconds_and_each_minute() {
        let (told, monitor) = lines((0..130).map(|second| (0, 10 * second)));
        let expected = [(1, Line::SomeFail(10)), (11, Line::AllFail(100)), (71, Line::AllFail(600))];
        assert_eq!(told, expected);
        let unwell = Unwell { is_failing: true, error: "script_error: no number".to_owned() };
        assert_eq!(monitor.unwell().lock()[&NodeId::new("p", "n")], unwell);
    }

    #[test]
    fn one_event_that_goes_well_ends_it() {
        let seconds = (0..20).map(|second| (0, second)).chain([(1, 20), (1, 20)]);
        let (told, monitor) = lines(seconds);
        assert_eq!(told.last(), Some(&(20, Line::WorksAgain)));
        assert!(monitor.unwell().lock().is_empty());
    }

    #[test]
    fn some_events_that_fail_are_told_once_a_minute_and_make_no_node_failing() {
        let (told, monitor) = lines((0..100).map(|second| (2 * second, second)));
        assert_eq!(told, [(1, Line::SomeFail(1)), (61, Line::SomeFail(60))]);
        assert!(monitor.unwell().lock().is_empty());
    }

    #[test]
    fn a_node_that_fails_half_of_its_events_is_degraded_until_it_fails_fewer() {
        let half = (0..20).map(|second| (second, second));
        let (_, monitor) = lines(half.clone());
        let unwell = monitor.unwell().lock()[&NodeId::new("p", "n")].clone();
        assert!(!unwell.is_failing, "{unwell:?}");
        let (_, monitor) = lines(half.chain((20..45).map(|second| (second, 20))));
        assert!(monitor.unwell().lock().is_empty());
        let (_, monitor) = lines((0..60).map(|second| (3 * second, second)));
        assert!(monitor.unwell().lock().is_empty());
    }

    #[test]
    fn a_source_that_gives_faults_alone_is_failing_with_the_first_of_them() {
        let (mut monitor, start) = (FailureMonitor::default(), clock());
        let mut look = |second: u64, events: u64, first: Option<&str>| {
            let faults = Faults { events, first: first.map(str::to_owned) };
            let nodes = [NodeStatus { faults, ..node(second, 0) }];
            let told = monitor.judge(start + Duration::from_secs(second), &nodes).pop();
            (told.map(|(_, line)| line), monitor.unwell().lock().values().next().cloned())
        };
        for second in 0..11 {
            look(second, second, Some("no sensor answers"));
        }
        let (told, unwell) = look(11, 11, Some("no sensor answers"));
        assert_eq!(told, Some(Line::AllFail(10)));
        assert_eq!(unwell, Some(Unwell { is_failing: true, error: "no sensor answers".to_owned() }));
        assert_eq!(look(12, 11, None).0, Some(Line::WorksAgain));
    }

    #[test]
    fn what_is_not_connected_for_long_is_failing_until_it_is() {
        let (mut monitor, start) = (FailureMonitor::default(), clock());
        let mut look = |second: u64, state: NodeState| {
            let connection = NodeStatus { state, ..node(0, 0) };
            monitor.judge(start + Duration::from_secs(second), &[connection]);
            monitor.unwell().lock().len()
        };
        let away = || NodeState::Retrying { error: "refused".to_owned(), failures: 1 };
        assert_eq!([look(0, away()), look(9, away()), look(10, away())], [0, 0, 1]);
        assert_eq!(look(11, NodeState::Running), 0);
    }

    #[test]
    fn one_event_that_fails_is_no_rule() {
        let (told, monitor) = lines((0..100).map(|second| (0, second.min(1))));
        assert_eq!(told, [(1, Line::SomeFail(1))]);
        assert!(monitor.unwell().lock().is_empty());
    }

    #[test]
    fn another_version_has_to_fail_by_itself() {
        let (_, mut monitor) = lines((0..20).map(|second| (0, second)));
        assert!(!monitor.unwell().lock().is_empty());
        let next = NodeStatus { first_failure: None, ..node(0, 19) };
        assert!(monitor.judge(clock() + Duration::from_secs(20), &[next]).is_empty());
        assert!(monitor.unwell().lock().is_empty());
    }
}
