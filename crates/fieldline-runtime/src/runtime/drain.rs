//! How units end in a change: sinks that hand over pause, units that feed new ones are held, and those that leave run
//! empty, all at once, dead letter sinks after those that may still fail. Connections end last, when nobody is held.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fieldline_compiler::change::{Backlog, Change, Fate, Losses, Unit};
use fieldline_compiler::{Node, NodeId, Plan};
use fieldline_core::Kind;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout, timeout_at};

use crate::dead_letter::Route;
use crate::drivers::carried::Carried;
use crate::drivers::leave::{Leave, Rest, Succession};
use crate::drivers::writer::LAST_WRITE;
use crate::launch::Running;
use crate::outlet::Wiring;
use crate::runtime::Runtime;
use crate::runtime::prepare::Prepared;
use crate::runtime::retiring::Retiring;
use crate::wiring::readers;

/// A unit that ends.
struct Leaving {
    unit: Unit,
    task: JoinHandle<Carried>,
    leave: watch::Sender<Leave>,
}

/// What is left of the units that have ended.
pub(crate) struct Drained {
    pub(crate) carried: Carried,
    /// Units that had to be cut off.
    pub(crate) cut_off: Vec<Unit>,
    /// Connections that are still to end.
    connections: Vec<(Unit, Running)>,
}

impl Drained {
    /// Takes what a unit leaves; one that has not ended in time is cut off.
    async fn take(&mut self, leaving: Leaving, ended: Result<Result<Carried, JoinError>, Elapsed>) {
        match ended {
            Ok(Ok(left)) => self.carried.extend(left),
            Ok(Err(error)) => tracing::error!(unit = %leaving.unit, %error, "a driver ended by itself"),
            Err(_) => {
                tracing::error!(unit = %leaving.unit, "did not run empty in time and is cut off");
                leaving.task.abort();
                let _aborted = leaving.task.await;
                self.cut_off.push(leaving.unit);
            }
        }
    }
}

impl Runtime {
    /// Has sinks whose next version takes over their events finish the write under way. Everything flows meanwhile.
    pub(crate) async fn pause_sinks(&self, change: &Change, losses: Losses) {
        let succession = self.succession(change, losses);
        let is_pausing = |unit: &&Unit| matches!(unit, Unit::Sink(id) if succession.events.contains(id));
        let pausing: Vec<&Running> =
            change.leaving.iter().filter(is_pausing).filter_map(|unit| self.running.get(unit)).collect();
        for running in &pausing {
            running.leave.send_replace(Leave::Pause);
        }
        let deadline = Instant::now() + 2 * LAST_WRITE;
        for running in pausing {
            let mut paused = running.paused.clone();
            let _late_or_gone = timeout_at(deadline, paused.wait_for(|paused| *paused)).await;
        }
    }

    /// Holds the units that continue and feed a new one; those that lose readers only send to the others at once. Sinks
    /// behind a unit that ends take events beyond their bound, so that it runs empty. Returns whether anything is held.
    pub(crate) fn hold(&self, next: &Plan, prepared: &Prepared) -> bool {
        let change = &prepared.change;
        let fed = |plan: &Plan, ends: &mut dyn Iterator<Item = &Unit>| -> BTreeSet<NodeId> {
            let members: BTreeSet<&NodeId> = ends.flat_map(|unit| unit.members().iter()).collect();
            let nodes = plan.nodes.iter().filter(|node| members.contains(&node.id));
            nodes.flat_map(Node::reads).map(|input| input.from.clone()).collect()
        };
        let feeds_leaving = fed(&self.plan, &mut change.leaving.iter());
        let feeds_new = fed(next, &mut change.starting.iter());
        let nodes = next.by_id();
        let mut flowing = readers(next, &nodes, &prepared.handles, &self.running);
        let (reading, reading_next) = (readers_of(&self.plan), readers_of(next));
        let mut is_held = false;
        for (unit, running) in &self.running {
            let tail = unit.tail();
            let Some(wiring) = running.wiring.as_ref() else { continue };
            if change.leaving.contains(unit) || !feeds_leaving.contains(tail) {
                continue;
            }
            // What it sends to a reader it gains must not overtake what a unit that leaves still sends there.
            let before = reading.get(tail);
            let mut after = reading_next.get(tail).into_iter().flatten();
            let gains = after.any(|reader| !before.is_some_and(|before| before.contains(reader)));
            if gains || feeds_new.contains(tail) {
                wiring.send_replace(Wiring::Hold);
                is_held = true;
            } else {
                let readers = flowing.remove(tail).unwrap_or_default();
                wiring.send_replace(Wiring::Flow(Arc::new(readers)));
            }
        }
        let ends = change.leaving.iter().flat_map(|unit| unit.members().iter());
        let mut reached: BTreeSet<&NodeId> = ends.chain(&feeds_leaving).collect();
        for node in &self.plan.nodes {
            if node.reads().any(|input| reached.contains(&input.from)) {
                reached.insert(&node.id);
            }
        }
        for (unit, running) in self.running.iter().filter(|(unit, _)| reached.contains(unit.head())) {
            if matches!(unit, Unit::Sink(_)) {
                running.overfill.send_replace(true);
            }
        }
        is_held
    }

    /// Ends the leaving units but for connections, which it gives back: they end after those that use them, and nobody is
    /// held for them.
    pub(crate) async fn drain(&mut self, change: &Change, next: &Plan, losses: Losses) -> Drained {
        let succession = Arc::new(self.succession(change, losses));
        let stops = next.nodes.is_empty();
        let hopeless = self.hopeless(change, losses);
        let at_risk: BTreeSet<&NodeId> = change.at_risk().map(|node| &node.id).collect();
        let leaving =
            change.leaving.iter().filter_map(|unit| Some((unit.clone(), self.running.remove(unit)?)));
        let leaving: Vec<(Unit, Running)> = leaving.collect();
        let (connections, others): (Vec<_>, Vec<_>) =
            leaving.into_iter().partition(|(unit, _)| matches!(unit, Unit::Connection(_)));
        let (dead_letters, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(unit, _)| self.is_dead_letter(unit.head()));
        let rest = if losses == Losses::Accept { Rest::Dropped } else { Rest::DeadLetter };
        let mut drained = Drained { carried: Carried::default(), cut_off: Vec::new(), connections };
        for (place, group) in [others, dead_letters].into_iter().enumerate() {
            if place == 1 {
                self.hold_dead_letters(&group, next);
            }
            let tell = |(unit, running): (Unit, Running)| {
                let leave = match hopeless.contains(unit.head()) {
                    true => Leave::GiveUp(rest),
                    false => Leave::End(succession.clone()),
                };
                running.leave.send_replace(leave);
                running.stop.send_replace(true);
                Leaving { unit, task: running.task, leave: running.leave }
            };
            let begun = Instant::now();
            for mut leaving in group.into_iter().map(tell).collect::<Vec<_>>() {
                let is_at_risk = !stops && at_risk.contains(leaving.unit.head());
                let time = if is_at_risk { LAST_WRITE } else { self.environment.drain };
                let mut ended = timeout_at(begun + time, &mut leaving.task).await;
                if ended.is_err() && !stops && matches!(leaving.unit, Unit::Sink(_)) {
                    leaving.leave.send_replace(Leave::GiveUp(rest));
                    ended = timeout(LAST_WRITE, &mut leaving.task).await;
                }
                drained.take(leaving, ended).await;
            }
        }
        let Drained { carried, connections, .. } = &mut drained;
        self.retire(carried, connections, stops).await;
        drained
    }

    /// The nodes of the next plan that continue with something of those that end.
    fn succession(&self, change: &Change, losses: Losses) -> Succession {
        let mut succession = Succession::default();
        for node in &change.nodes {
            let is_same_kind = self.handles.get(&node.id).is_some_and(|old| old.node.kind == node.kind);
            let ends = is_same_kind && matches!(node.fate, Fate::Move | Fate::Inherit | Fate::Restart);
            if !ends {
                continue;
            }
            if matches!(node.fate, Fate::Move | Fate::Inherit) {
                succession.state.insert(node.id.clone());
            }
            let takes_events = match (&node.backlog, losses) {
                (None, _) => node.kind == Kind::Transform,
                (Some(Backlog::CarriedOver), _) => true,
                (Some(Backlog::Redirected { .. }), Losses::CarryOver) => true,
                (Some(_), _) => false,
            };
            let ids = if takes_events { &mut succession.events } else { &mut succession.sent };
            ids.insert(node.id.clone());
        }
        succession
    }

    /// The sinks that end, that nobody takes events over from, and that cannot send theirs now.
    fn hopeless(&self, change: &Change, losses: Losses) -> BTreeSet<NodeId> {
        if losses == Losses::Refuse {
            return BTreeSet::new();
        }
        let refused = change.refusals(Losses::Refuse, |id| self.waiting(id)).into_iter();
        let is_carried =
            |backlog: &Backlog| losses == Losses::CarryOver && matches!(backlog, Backlog::Redirected { .. });
        refused.filter(|refusal| !is_carried(&refusal.backlog)).map(|refusal| refusal.node).collect()
    }

    /// Lets sources that have ended hear of their batches in the background; those whose connection ends too have heard
    /// all they will.
    async fn retire(&mut self, carried: &mut Carried, connections: &[(Unit, Running)], stops: bool) {
        let is_leaving = |id: &NodeId| connections.iter().any(|(unit, _)| unit.head() == id);
        for retired in carried.retired.drain(..) {
            if let Some(retired) = retired.hear().await {
                self.retiring.push(Retiring::new(retired));
            }
        }
        let deadline = Instant::now() + self.environment.drain;
        for retiring in std::mem::take(&mut self.retiring) {
            if stops {
                retiring.end(deadline).await;
            } else if retiring.waits() && !retiring.connection().is_some_and(is_leaving) {
                self.retiring.push(retiring);
            }
        }
    }

    /// Whether some pipeline's failed events go to this node.
    fn is_dead_letter(&self, id: &NodeId) -> bool {
        self.plan.pipelines.iter().any(|pipeline| pipeline.dead_letter.as_ref() == Some(id))
    }

    /// Lets go of the dead letter sinks, so that they can run empty: events that fail now wait for the next sink, or
    /// go to the file if there will be none.
    fn hold_dead_letters(&self, leaving: &[(Unit, Running)], next: &Plan) {
        for (name, dead_letters) in &self.dead_letters {
            if let Some((unit, _)) = leaving.iter().find(|(unit, _)| dead_letters.leads_to(unit.head())) {
                let goes_on = next.dead_letter(name).is_some();
                let hold = Route::Hold(unit.head().clone());
                dead_letters.set_route(if goes_on { hold } else { Route::File });
            }
        }
    }
}

/// The nodes of `plan` that read each node.
fn readers_of(plan: &Plan) -> BTreeMap<&NodeId, BTreeSet<&NodeId>> {
    let mut readers: BTreeMap<&NodeId, BTreeSet<&NodeId>> = BTreeMap::new();
    for reader in &plan.nodes {
        for input in reader.reads() {
            readers.entry(&input.from).or_default().insert(&reader.id);
        }
    }
    readers
}

/// Ends the connections that nobody uses any more, within `time`.
pub(crate) async fn end_connections(drained: &mut Drained, time: Duration) {
    let deadline = Instant::now() + time;
    let tell = |(unit, running): (Unit, Running)| {
        running.stop.send_replace(true);
        Leaving { unit, task: running.task, leave: running.leave }
    };
    let leaving: Vec<Leaving> = std::mem::take(&mut drained.connections).into_iter().map(tell).collect();
    for mut leaving in leaving {
        let ended = timeout_at(deadline, &mut leaving.task).await;
        drained.take(leaving, ended).await;
    }
}
