//! [`Trials`]: in each pipeline, every change must prove itself, or is rolled back there; and a version that is restored
//! must prove that it works where the change did not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use fieldline_api as api;
use fieldline_api::ReloadOutcome;
use fieldline_compiler::change::Losses;
use fieldline_compiler::{Fingerprint, Node, NodeId, Plan};
use fieldline_core::{Clock, Direction, Kind};
use fieldline_runtime::{Applied, ApplyError, NodeState, NodeStatus, Runtime, Status};

use crate::load::with_pipeline_of;
use crate::outcome::{self, rejected};
use crate::rollback::{DEFAULT_WINDOW, Fault, History, RollbackMonitor, Touched, Verdict, works};

/// The last changes and what came of them.
pub(crate) struct Trials {
    clock: Clock,
    history: History,
    /// What must prove itself, oldest first.
    open: Vec<Trial>,
    restored: Vec<Restored>,
    /// The version that was applied last, of which parts may be rolled back.
    last: Version,
    rolled_back: Option<RolledBack>,
    /// A version that was refused for events that waited, until they are sent or somebody edits it.
    refused: Option<Plan>,
    /// What the files said when they were read last, without those that are broken; none before.
    found: Option<Fingerprint>,
}

/// A change of one pipeline, against the version before.
struct Trial {
    pipeline: Arc<str>,
    monitor: RollbackMonitor,
    before: Arc<Plan>,
    /// Whether it was rolled back already, and applied again.
    is_second: bool,
}

/// A pipeline as it was before a change, restored for this reason: the node did not work after the change.
struct Restored {
    pipeline: Arc<str>,
    node: NodeId,
    reason: String,
    until: Instant,
    /// The events it had delivered when it was restored.
    delivered: u64,
    /// Whether it was seen not to work at first.
    had_outage: bool,
    /// Whether its change is applied once more if the outage ends.
    is_first: bool,
}

/// Which version is to blame for a node that did not work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blame {
    /// Too early to say.
    Unknown,
    /// The change: the version before works.
    Change,
    /// An outage: the version before did not work either, or not at first.
    Outage,
}

/// What was made of what the files `said`.
struct Version {
    plan: Plan,
    said: Option<Fingerprint>,
}

/// A version of which at least one pipeline was rolled back: not to be applied again until somebody edits it.
pub(crate) struct RolledBack {
    pub(crate) version: Fingerprint,
    /// A reason for each pipeline.
    pub(crate) reasons: Vec<String>,
}

impl Trials {
    /// No change yet of the version that runs; `rolled_back` is one that an earlier run has rolled back.
    pub(crate) fn new(clock: Clock, running: &Plan, rolled_back: Option<RolledBack>) -> Self {
        Trials {
            clock,
            history: History::default(),
            open: Vec::new(),
            restored: Vec::new(),
            last: Version { plan: running.clone(), said: None },
            rolled_back,
            refused: None,
            found: None,
        }
    }

    /// The version that was rolled back last, if it is not applied again.
    pub(crate) fn rolled_back(&self) -> Option<&RolledBack> {
        self.rolled_back.as_ref()
    }

    /// Whether a part of what the files say is rolled back.
    pub(crate) fn keeps_files_out(&self) -> bool {
        self.rolled_back.is_some() && self.last.said == self.found
    }

    /// Whether the version that was refused last would not be any more: no event waits that it would lose.
    pub(crate) fn may_apply_refused(&self, runtime: &Runtime) -> bool {
        self.refused.as_ref().is_some_and(|next| runtime.forecast(next, Losses::Refuse).1.is_empty())
    }

    /// Whether nobody knows yet if the version that runs is good.
    pub(crate) fn is_open(&self) -> bool {
        !self.open.is_empty() || !self.restored.is_empty()
    }

    /// The files are read again and say `found`: what they said before is not applied any more.
    pub(crate) fn read(&mut self, found: Fingerprint) {
        self.refused = None;
        self.found = Some(found);
        if self.last.said != self.found {
            self.restored.clear();
        }
    }

    /// Changes to `next`, which is what the files say.
    pub(crate) async fn apply(
        &mut self,
        runtime: &mut Runtime,
        next: Plan,
        losses: api::Losses,
    ) -> ReloadOutcome {
        match self.change(runtime, next.clone(), losses_of(losses), false).await {
            Ok(applied) => {
                self.last = Version { plan: next, said: self.found };
                self.rolled_back = None;
                self.restored.clear();
                outcome::applied(&applied)
            }
            Err(error) => {
                self.refused = matches!(error, ApplyError::Refused(_)).then_some(next);
                outcome::not_applied(&error, &runtime.plan().redactor)
            }
        }
    }

    /// Remembers how things are, as `status` says, and judges what is on trial; gives what came of it. To be called once a second.
    pub(crate) async fn look(&mut self, runtime: &mut Runtime, status: &Status) -> Option<ReloadOutcome> {
        let now = self.clock.instant();
        self.history.remember(now, status);
        let faulty = self.judge(now, status);
        if !faulty.is_empty() {
            return Some(self.roll_back(runtime, faulty).await);
        }
        let innocent = self.innocent(now, status);
        if innocent.is_empty() { None } else { Some(self.reinstate(runtime, innocent).await) }
    }

    /// Changes to `next`, and puts each pipeline that this touches on trial.
    async fn change(
        &mut self,
        runtime: &mut Runtime,
        next: Plan,
        losses: Losses,
        is_second: bool,
    ) -> Result<Applied, ApplyError> {
        let before = Arc::new(runtime.plan().clone());
        let (edited_at, status) = (self.clock.instant(), runtime.view().status());
        let applied = runtime.apply_with(next, losses).await?;
        let after = runtime.view().status();
        let around = [(edited_at, &status), (self.clock.instant(), &after)];
        let touched = touched(&applied);
        self.leave_out(&touched);
        let paced = paced(&before, runtime.plan());
        for pipeline in &runtime.plan().pipelines {
            if touched.iter().all(|id| id.pipeline() != &*pipeline.name) {
                continue;
            }
            let window = pipeline.rollback_window.unwrap_or(DEFAULT_WINDOW);
            if !window.is_zero() {
                let (pipeline, before) = (pipeline.name.clone(), before.clone());
                let touched = Touched { nodes: &touched, paced: &paced };
                let [left, right] = around;
                let monitor = RollbackMonitor::new(&pipeline, window, touched, &self.history, left, right);
                self.open.push(Trial { pipeline, monitor, before, is_second });
            }
        }
        Ok(applied)
    }

    /// Nodes that were touched again are not for the earlier trials to judge.
    fn leave_out(&mut self, touched: &BTreeSet<NodeId>) {
        self.open.retain_mut(|trial| {
            let is_touched = touched.iter().any(|id| id.pipeline() == &*trial.pipeline);
            !is_touched || trial.monitor.leave_out(touched)
        });
    }

    /// Takes out what is worse than before, with later changes of the same pipeline, and what has proved itself.
    fn judge(&mut self, now: Instant, status: &Status) -> Vec<(Trial, Fault)> {
        let mut faulty: Vec<(Trial, Fault)> = Vec::new();
        for mut trial in std::mem::take(&mut self.open) {
            if faulty.iter().any(|(earlier, _)| earlier.pipeline == trial.pipeline) {
                continue;
            }
            match trial.monitor.judge(now, status) {
                Verdict::Wait => self.open.push(trial),
                Verdict::Keep => {
                    tracing::info!(pipeline = &*trial.pipeline, "the last change has proved itself");
                }
                Verdict::RollBack(fault) => faulty.push((trial, fault)),
            }
        }
        faulty
    }

    /// Restores the pipelines in which a change is worse; the others go on as they are.
    async fn roll_back(&mut self, runtime: &mut Runtime, faulty: Vec<(Trial, Fault)>) -> ReloadOutcome {
        let restore =
            |plan, (trial, _): &(Trial, Fault)| with_pipeline_of(plan, &trial.pipeline, &trial.before);
        let next = faulty.iter().fold(runtime.plan().clone(), restore);
        let version = self.last.plan.fingerprint();
        let rolled_back = self.rolled_back.get_or_insert(RolledBack { version, reasons: Vec::new() });
        rolled_back.reasons.extend(faulty.iter().map(|(_, fault)| fault.reason.clone()));
        let reasons = rolled_back.reasons.clone();
        match runtime.apply_with(next, Losses::CarryOver).await {
            Ok(applied) => self.leave_out(&touched(&applied)),
            Err(error) => {
                return rejected(&format_args!("{}, but the version before: {error}", reasons.join("; ")));
            }
        }
        let (now, status) = (self.clock.instant(), runtime.view().status());
        for (Trial { pipeline, monitor, is_second, .. }, Fault { reason, outage }) in faulty {
            self.restored.retain(|restored| restored.pipeline != pipeline);
            let node = outage.filter(|_| self.last.said == self.found);
            let until = now + monitor.window();
            self.restored.extend(node.map(|node| {
                let delivered = find(&status, &node).map_or(0, |node| node.balance.delivered);
                Restored { pipeline, node, reason, until, delivered, had_outage: false, is_first: !is_second }
            }));
        }
        ReloadOutcome::RolledBack { reasons }
    }

    /// Takes out the pipelines where an outage is to blame, and those where the change is.
    fn innocent(&mut self, now: Instant, status: &Status) -> Vec<Restored> {
        let mut innocent = Vec::new();
        for mut restored in std::mem::take(&mut self.restored) {
            match restored.blame(now, find(status, &restored.node)) {
                Blame::Unknown => self.restored.push(restored),
                Blame::Change => {}
                Blame::Outage => innocent.push(restored),
            }
        }
        innocent
    }

    /// Applies the change of these pipelines again.
    async fn reinstate(&mut self, runtime: &mut Runtime, innocent: Vec<Restored>) -> ReloadOutcome {
        let mut next = runtime.plan().clone();
        for Restored { pipeline, node, .. } in &innocent {
            tracing::warn!(%node, "the version before did not work either; the change is applied again");
            next = with_pipeline_of(next, pipeline, &self.last.plan);
        }
        match self.change(runtime, next, Losses::CarryOver, true).await {
            Ok(applied) => {
                let stands = |reason: &String| innocent.iter().all(|restored| restored.reason != *reason);
                self.rolled_back.iter_mut().for_each(|rolled_back| rolled_back.reasons.retain(stands));
                self.rolled_back.take_if(|rolled_back| rolled_back.reasons.is_empty());
                outcome::applied(&applied)
            }
            Err(error) => outcome::not_applied(&error, &runtime.plan().redactor),
        }
    }
}

fn losses_of(losses: api::Losses) -> Losses {
    match losses {
        api::Losses::Refuse => Losses::Refuse,
        api::Losses::AcceptLoss => Losses::Accept,
        api::Losses::CarryOver => Losses::CarryOver,
    }
}

impl Restored {
    /// Looks at its node, which may have ended. A sink that is connected does not work before it has written an event.
    fn blame(&mut self, now: Instant, node: Option<&NodeStatus>) -> Blame {
        let Some(node) = node else { return Blame::Change };
        self.had_outage |= matches!(node.state, NodeState::Retrying { .. });
        let has_written = node.kind != Kind::Sink || node.balance.delivered > self.delivered;
        match (works(node), now >= self.until) {
            (true, is_over) if has_written || is_over => {
                if self.had_outage && self.is_first {
                    Blame::Outage
                } else {
                    Blame::Change
                }
            }
            (false, true) => Blame::Outage,
            _ => Blame::Unknown,
        }
    }
}

fn find<'s>(status: &'s Status, node: &NodeId) -> Option<&'s NodeStatus> {
    status.nodes.iter().find(|status| status.id == *node)
}

/// The nodes whose tasks a change has started anew.
fn touched(applied: &Applied) -> BTreeSet<NodeId> {
    applied.started.iter().flat_map(|unit| unit.members().iter().cloned()).collect()
}

/// The sources that were edited and that nobody sends anything: an edit may be meant to make them give less often.
fn paced(before: &Plan, after: &Plan) -> BTreeSet<NodeId> {
    let old = before.by_id();
    let is_edited = |node: &Node| {
        old.get(&node.id).is_some_and(|old| old.fingerprint != node.fingerprint)
            || before.sources.get(&node.id) != after.sources.get(&node.id)
    };
    let gives_by_itself = |node: &Node| node.facts.channels(Direction::In).next().is_none();
    let sources = after.nodes.iter().filter(|node| node.kind == Kind::Source && gives_by_itself(node));
    sources.filter(|node| is_edited(node)).map(|node| node.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use fieldline_core::Registry;

    use super::*;
    use crate::load::Loader;
    use crate::source::MemorySource;

    /// The sources of a pipeline whose silence is no fault after an edit.
    fn paced_by(edit: impl Fn(String) -> String) -> Vec<String> {
        let text = "pipeline: p\nconnections:\n  c: { type: mqtt, url: \"mqtt://a:1883\", client_id: i }\nsources:\n  t: { type: timer, every: 1s }\n  m: { type: mqtt, connection: c, topics: [x] }\nsinks:\n  o: { type: blackhole, inputs: [t, m] }\n";
        let plan = |text: String| {
            let files = Arc::new(MemorySource::default());
            files.write("p.yaml", text);
            let registry = Registry::new(fieldline_components::all());
            let compiled = Loader::new(vec!["p.yaml".into()], files, registry).load().compiled;
            assert!(compiled.is_ok(), "{:?}", compiled.diagnostics);
            compiled.plan
        };
        let paced = paced(&plan(text.to_owned()), &plan(edit(text.to_owned())));
        paced.iter().map(|id| id.as_str().to_owned()).collect()
    }

    #[test]
    fn only_an_edit_of_a_source_that_nobody_sends_to_may_mean_its_silence() {
        assert_eq!(paced_by(|text| text.replace("1s", "10s")), ["p/t"]);
        assert_eq!(paced_by(|text| text.replace("[x]", "[y]")), [""; 0]);
        assert_eq!(paced_by(|text| text.replace("a:1883", "b:1883")), [""; 0]);
    }
}
