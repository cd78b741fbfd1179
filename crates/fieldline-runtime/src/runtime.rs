//! [`Runtime`]: starts a plan, changes it while it runs, and stops it.
//!
//! Starting is applying a plan to nothing, stopping is applying nothing. A change builds first, so that a plan
//! that cannot be built changes nothing; then it holds the frontier, drains what leaves, starts what is new
//! and publishes the wiring. Only kept units that feed a leaving one are held: holding a leaving one too
//! would keep it from draining.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fieldline_compiler::plan::{Node, NodeId, Plan};
use fieldline_core::connection::Handle;
use fieldline_core::{Built, Clock, Kind, Ledger, Transform};
use fieldline_store::{DiskStorage, Storage};
use tokio::sync::watch;

use crate::build::NodeHandle;
use crate::dead_letter::DeadLetters;
use crate::launch::{Crew, Launcher, Running};
use crate::outlet::Wiring;
use crate::status::{Monitor, NodeState};
use crate::unit::{Unit, between, units};
pub use crate::view::View;

/// What a program runs in.
#[derive(Clone)]
pub struct Environment {
    /// What time it is.
    pub clock: Clock,
    /// Where nodes keep what they must remember.
    pub data_dir: Arc<Path>,
    /// How long a change waits for what leaves to drain before it is cut off.
    pub drain: Duration,
}

/// What a change did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The number of the plan that runs now, from 1.
    pub generation: u64,
    /// Units that went on as they were.
    pub kept: Vec<Unit>,
    /// Units that were started.
    pub started: Vec<Unit>,
    /// Units that were ended.
    pub stopped: Vec<Unit>,
    /// Transforms that moved with their state.
    pub moved: Vec<NodeId>,
    /// Units that did not drain in time and were cut off.
    pub cut_off: Vec<Unit>,
}

/// Why a plan was not applied. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{node}` cannot be built: {reason}")]
pub struct ApplyError {
    /// The node.
    pub node: NodeId,
    /// Why.
    pub reason: String,
}

/// A running program.
pub struct Runtime {
    environment: Environment,
    plan: Plan,
    running: BTreeMap<Unit, Running>,
    handles: BTreeMap<NodeId, Arc<NodeHandle>>,
    connections: BTreeMap<NodeId, Handle>,
    dead_letters: BTreeMap<String, DeadLetters>,
    storage: Arc<dyn Storage>,
    /// Turns whenever a source stands still until something is settled.
    rush: Arc<watch::Sender<u64>>,
    view: View,
}

/// A change that is built and has not begun.
struct Prepared {
    kept: BTreeSet<Unit>,
    leaving: BTreeSet<Unit>,
    moving: BTreeSet<NodeId>,
    built: BTreeMap<NodeId, Built>,
    handles: BTreeMap<NodeId, Arc<NodeHandle>>,
    connections: BTreeMap<NodeId, Handle>,
}

impl Runtime {
    /// A program of nothing; [`Runtime::apply`] gives it something to do.
    pub fn new(environment: Environment) -> Self {
        Runtime::with_storage(environment, Arc::new(DiskStorage))
    }

    /// Like [`Runtime::new`], with disk buffers on another file system than the machine's.
    pub fn with_storage(environment: Environment, storage: Arc<dyn Storage>) -> Self {
        let view = View::new(environment.clock.clone());
        Runtime {
            environment,
            plan: Plan::default(),
            running: BTreeMap::new(),
            handles: BTreeMap::new(),
            connections: BTreeMap::new(),
            dead_letters: BTreeMap::new(),
            storage,
            rush: Arc::new(watch::channel(0).0),
            view,
        }
    }

    /// A window on its state.
    pub fn view(&self) -> View {
        self.view.clone()
    }

    /// The plan that runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether every source has come to its end, so that nothing more will happen.
    pub fn has_finished(&self) -> bool {
        let mut sources = self.handles.values().filter(|handle| handle.node.kind == Kind::Source);
        sources.all(|handle| matches!(handle.monitor.read().0, NodeState::Finished | NodeState::Failed(_)))
    }

    /// Changes the program to `next`. An error means that nothing has changed.
    pub async fn apply(&mut self, next: Plan) -> Result<Applied, ApplyError> {
        let change = self.prepare(&next)?;
        Ok(self.switch(next, change).await)
    }

    /// Ends the program: sources first, then everything drains until `grace` is over.
    pub async fn stop(&mut self, grace: Duration) -> Applied {
        self.environment.drain = grace;
        let change = Prepared {
            kept: BTreeSet::new(),
            leaving: self.running.keys().cloned().collect(),
            moving: BTreeSet::new(),
            built: BTreeMap::new(),
            handles: BTreeMap::new(),
            connections: BTreeMap::new(),
        };
        let nodes = self.view.shown().nodes.clone();
        let applied = self.switch(Plan::default(), change).await;
        self.view.shown().nodes = nodes;
        applied
    }

    /// Decides what stays, and builds everything else.
    fn prepare(&self, next: &Plan) -> Result<Prepared, ApplyError> {
        let same = self.same_nodes(next);
        let old_units: BTreeSet<Unit> = self.running.keys().cloned().collect();
        let new_units: BTreeSet<Unit> = units(next).into_iter().collect();
        let is_kept = |unit: &&Unit| old_units.contains(unit) && self.keeps(unit, next, &same);
        let mut kept: BTreeSet<Unit> = new_units.iter().filter(is_kept).cloned().collect();
        let mut leaving: BTreeSet<Unit> = old_units.difference(&kept).cloned().collect();
        let all: Vec<Unit> = old_units.iter().cloned().collect();
        for unit in between(&self.plan, &all, &leaving) {
            kept.remove(&unit);
            leaving.insert(unit);
        }
        let is_moving = |id: &NodeId| {
            same.contains(id)
                && self.handles.get(id).is_some_and(|handle| handle.node.kind == Kind::Transform)
        };
        let leaving_nodes = leaving.iter().flat_map(|unit| unit.members().iter());
        let moving: BTreeSet<NodeId> = leaving_nodes.filter(|id| is_moving(id)).cloned().collect();

        let kept_nodes: BTreeSet<&NodeId> = kept.iter().flat_map(|unit| unit.members().iter()).collect();
        let files = Arc::new(next.files.clone());
        let mut change = Prepared {
            kept: kept.clone(),
            leaving,
            moving,
            built: BTreeMap::new(),
            handles: BTreeMap::new(),
            connections: BTreeMap::new(),
        };
        for node in &next.nodes {
            if kept_nodes.contains(&node.id) || change.moving.contains(&node.id) {
                change.handles.insert(node.id.clone(), self.handles[&node.id].clone());
                if let Some(handle) = self.connections.get(&node.id) {
                    change.connections.insert(node.id.clone(), handle.clone());
                }
                continue;
            }
            let handle = Arc::new(self.handle(node, &files, &change.connections));
            let error =
                |error: fieldline_core::BuildError| ApplyError { node: node.id.clone(), reason: error.0 };
            let built = handle.build().map_err(error)?;
            if let Built::Connection(connection) = &built {
                change.connections.insert(node.id.clone(), connection.handle());
            }
            change.built.insert(node.id.clone(), built);
            change.handles.insert(node.id.clone(), handle);
        }
        Ok(change)
    }

    /// Nodes that are the same in `next`: equal in themselves, and so is the connection they use.
    fn same_nodes(&self, next: &Plan) -> BTreeSet<NodeId> {
        let mut same = BTreeSet::new();
        for node in &next.nodes {
            let Some(handle) = self.handles.get(&node.id) else { continue };
            let old = &handle.node;
            let connection_kept = node.connection.as_ref().is_none_or(|id| same.contains(id));
            let with = |node: &Node| node.with.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            if old.fingerprint == node.fingerprint
                && old.kind == node.kind
                && old.component == node.component
                && old.connection == node.connection
                && old.policy == node.policy
                && old.facts.outputs == node.facts.outputs
                && with(old) == with(node)
                && connection_kept
            {
                same.insert(node.id.clone());
            }
        }
        same
    }

    /// Whether a unit goes on as it is: all its nodes are the same, and so are the edges inside it.
    fn keeps(&self, unit: &Unit, next: &Plan, same: &BTreeSet<NodeId>) -> bool {
        let inner = &unit.members()[1..];
        unit.members().iter().all(|id| same.contains(id))
            && inner
                .iter()
                .all(|id| self.plan.node(id).map(|n| &n.inputs) == next.node(id).map(|n| &n.inputs))
    }

    /// A node that starts; where one of this name ran before, its account goes on.
    fn handle(
        &self,
        node: &Node,
        files: &Arc<fieldline_compiler::plan::Snapshot>,
        new: &BTreeMap<NodeId, Handle>,
    ) -> NodeHandle {
        let old = self.handles.get(&node.id);
        let handles = match (&node.connection, &node.facts.connection) {
            (Some(id), Some((_, name))) => new.get(id).map(|handle| (name.clone(), handle.clone())),
            _ => None,
        };
        NodeHandle {
            node: node.clone(),
            name: node.id.node().into(),
            ledger: old.map_or_else(|| Arc::new(Ledger::default()), |old| old.ledger.clone()),
            monitor: Monitor::new(),
            meter: old.map_or_else(Arc::default, |old| old.meter.clone()),
            files: files.clone(),
            handles: handles.into_iter().collect(),
            data_dir: self.environment.data_dir.clone(),
        }
    }

    /// Carries a prepared change out.
    async fn switch(&mut self, next: Plan, change: Prepared) -> Applied {
        self.hold_frontier(&change.leaving);
        let (mut carried, cut_off) = self.drain(&change).await;
        let moved = carried.keys().cloned().collect();

        report_left(&self.handles, &change.handles);
        self.handles = change.handles;
        self.connections = change.connections;
        self.plan = next;
        let mut built = change.built;
        let launcher = Launcher {
            plan: &self.plan,
            handles: &self.handles,
            clock: &self.environment.clock,
            storage: &self.storage,
            rush: &self.rush,
        };
        let mut started = Vec::new();
        for unit in units(&self.plan) {
            if change.kept.contains(&unit) {
                continue;
            }
            let crew = crew(&unit, &mut built, &mut carried, &self.handles);
            let pipeline = unit.head().pipeline();
            let dead_letters = self.dead_letters.entry(pipeline.to_owned());
            let dead_letters = dead_letters
                .or_insert_with(|| DeadLetters::new(&self.environment.data_dir, pipeline))
                .clone();
            self.running.insert(unit.clone(), launcher.start(&unit, crew, dead_letters));
            started.push(unit);
        }
        for (unit, running) in &self.running {
            if let Some(wiring) = &running.wiring {
                wiring.send_replace(launcher.wiring(unit, &self.running));
            }
        }
        let mut shown = self.view.shown();
        shown.generation += 1;
        shown.nodes = self.plan.nodes.iter().map(|node| self.handles[&node.id].clone()).collect();
        Applied {
            generation: shown.generation,
            kept: change.kept.into_iter().collect(),
            started,
            stopped: change.leaving.into_iter().collect(),
            moved,
            cut_off,
        }
    }

    /// Kept units that feed a leaving one wait; their queues push back on their sources.
    fn hold_frontier(&self, leaving: &BTreeSet<Unit>) {
        let heads: BTreeSet<&NodeId> = leaving.iter().map(Unit::head).collect();
        let mut held = BTreeSet::new();
        for node in self.plan.nodes.iter().filter(|node| heads.contains(&node.id)) {
            held.extend(
                node.inputs.iter().chain(node.with.iter().map(|(_, input)| input)).map(|input| &input.from),
            );
        }
        for (unit, running) in &self.running {
            if let (Some(wiring), false, true) =
                (&running.wiring, leaving.contains(unit), held.contains(unit.tail()))
            {
                wiring.send_replace(Wiring::Hold);
            }
        }
    }

    /// Ends the leaving units, all at once, connections after those that use them. Gives back the
    /// transforms that move, and the units that had to be cut off.
    async fn drain(&mut self, change: &Prepared) -> (BTreeMap<NodeId, Box<dyn Transform>>, Vec<Unit>) {
        let leaving =
            change.leaving.iter().filter_map(|unit| Some((unit.clone(), self.running.remove(unit)?)));
        let (connections, others): (Vec<_>, Vec<_>) =
            leaving.partition(|(unit, _)| matches!(unit, Unit::Connection(_)));
        let mut staying = change.moving.clone();
        staying.extend(change.handles.values().filter(|handle| handle.has_disk()).map(|h| h.node.id.clone()));
        let mut carried = BTreeMap::new();
        let mut cut_off = Vec::new();
        for group in [others, connections] {
            let deadline = tokio::time::Instant::now() + self.environment.drain;
            let tasks: Vec<_> = group
                .into_iter()
                .map(|(unit, running)| {
                    running.carry.send_replace(staying.clone());
                    running.stop.send_replace(true);
                    (unit, running.task)
                })
                .collect();
            for (unit, mut task) in tasks {
                match tokio::time::timeout_at(deadline, &mut task).await {
                    Ok(Ok(transforms)) => carried.extend(transforms),
                    Ok(Err(error)) => tracing::error!(unit = ?unit, %error, "a driver ended by itself"),
                    Err(_) => {
                        tracing::error!(unit = ?unit, "did not drain in time and is cut off");
                        task.abort();
                        let _aborted = task.await;
                        cut_off.push(unit);
                    }
                }
            }
        }
        (carried, cut_off)
    }
}

/// Names disk buffers that are not empty and have no sink any more.
fn report_left(old: &BTreeMap<NodeId, Arc<NodeHandle>>, new: &BTreeMap<NodeId, Arc<NodeHandle>>) {
    let leaving =
        old.iter().filter(|(id, old)| old.has_disk() && !new.get(id).is_some_and(|new| new.has_disk()));
    for (id, handle) in leaving {
        let records = handle.meter.figures().parked;
        if records > 0 {
            tracing::warn!(node = %id, records, "its disk buffer is kept, and is written when the sink comes back");
        }
    }
}

/// The components of a unit: new ones, moved ones, and for one that was cut off before it could move, a new one.
fn crew(
    unit: &Unit,
    built: &mut BTreeMap<NodeId, Built>,
    carried: &mut BTreeMap<NodeId, Box<dyn Transform>>,
    handles: &BTreeMap<NodeId, Arc<NodeHandle>>,
) -> Crew {
    let Unit::Segment(chain) = unit else {
        let component =
            built.remove(unit.head()).expect("everything that is not kept and does not move was built");
        return Crew::of(component);
    };
    let transform = |id: &NodeId| -> Box<dyn Transform> {
        if let Some(transform) = carried.remove(id) {
            return transform;
        }
        match built.remove(id).map_or_else(|| handles[id].build(), Ok) {
            Ok(Built::Transform(transform)) => transform,
            _ => Box::new(crate::drivers::segment::Broken),
        }
    };
    Crew::Segment(chain.iter().map(transform).collect())
}
