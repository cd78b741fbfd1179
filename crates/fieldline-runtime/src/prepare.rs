//! The first half of a change: decides what stays and builds everything else, so that a plan that cannot be
//! built changes nothing. The second half is in `switch.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fieldline_compiler::plan::{Freshness, Node, NodeId, Plan, Snapshot};
use fieldline_core::connection::{Handle, Renewal};
use fieldline_core::{BuildError, Built, Kind, Ledger};

use crate::build::NodeHandle;
use crate::memory::Standing;
use crate::runtime::{ApplyError, Runtime};
use crate::status::Monitor;
use crate::unit::{Unit, between, units};

/// A change that is built and has not begun.
pub(crate) struct Prepared {
    pub(crate) kept: BTreeSet<Unit>,
    pub(crate) leaving: BTreeSet<Unit>,
    /// Transforms that move as they are.
    pub(crate) moving: BTreeSet<NodeId>,
    /// Transforms whose changed version takes over what they remember.
    pub(crate) inherited: BTreeSet<NodeId>,
    pub(crate) built: BTreeMap<NodeId, Built>,
    pub(crate) handles: BTreeMap<NodeId, Arc<NodeHandle>>,
    pub(crate) connections: BTreeMap<NodeId, Handle>,
    /// Connections that go on with other files, and how.
    pub(crate) renewals: BTreeMap<NodeId, Renewal>,
}

impl Runtime {
    /// Decides what stays, and builds everything else.
    pub(crate) fn prepare(&self, next: &Plan) -> Result<Prepared, ApplyError> {
        let same = self.same_nodes(next);
        let old_units: BTreeSet<Unit> = self.running.keys().cloned().collect();
        let new_units: BTreeSet<Unit> = units(next).into_iter().collect();
        let (before, after) = (self.plan.by_id(), next.by_id());
        let is_kept = |unit: &&Unit| old_units.contains(unit) && keeps(unit, &before, &after, &same);
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
        let leaving_nodes = || leaving.iter().flat_map(|unit| unit.members().iter());
        let moving: BTreeSet<NodeId> = leaving_nodes().filter(|id| is_moving(id)).cloned().collect();
        let is_inherited = |id: &NodeId| {
            !moving.contains(id) && after.get(id).is_some_and(|new| new.takes_over(&self.handles[id].node))
        };
        let inherited = leaving_nodes().filter(|id| is_inherited(id)).cloned().collect();

        let kept_nodes: BTreeSet<&NodeId> = kept.iter().flat_map(|unit| unit.members().iter()).collect();
        let files = Arc::new(next.files.clone());
        let mut change = Prepared {
            kept: kept.clone(),
            leaving,
            moving,
            inherited,
            built: BTreeMap::new(),
            handles: BTreeMap::new(),
            connections: BTreeMap::new(),
            renewals: BTreeMap::new(),
        };
        for node in &next.nodes {
            if kept_nodes.contains(&node.id) && node.renews(&self.handles[&node.id].node) {
                let (handle, renewal) = self.renewed(node, &files)?;
                change.handles.insert(node.id.clone(), handle);
                change.connections.insert(node.id.clone(), self.connections[&node.id].clone());
                change.renewals.insert(node.id.clone(), renewal);
                continue;
            }
            if kept_nodes.contains(&node.id) || change.moving.contains(&node.id) {
                change.handles.insert(node.id.clone(), self.handles[&node.id].clone());
                if let Some(handle) = self.connections.get(&node.id) {
                    change.connections.insert(node.id.clone(), handle.clone());
                }
                continue;
            }
            let handle = Arc::new(self.handle(node, &files, &change.connections));
            let error = |error: BuildError| ApplyError { node: node.id.clone(), reason: error.0 };
            let built = handle.build().map_err(error)?;
            if let Built::Connection(connection) = &built {
                change.connections.insert(node.id.clone(), connection.handle());
            }
            change.built.insert(node.id.clone(), built);
            change.handles.insert(node.id.clone(), handle);
        }
        Ok(change)
    }

    /// A running connection with the files of the next plan.
    fn renewed(&self, node: &Node, files: &Arc<Snapshot>) -> Result<(Arc<NodeHandle>, Renewal), ApplyError> {
        let error = |reason: String| ApplyError { node: node.id.clone(), reason };
        let monitor = self.handles[&node.id].monitor.clone();
        let handle = NodeHandle { monitor, ..self.handle(node, files, &BTreeMap::new()) };
        let Built::Connection(connection) = handle.build().map_err(|built| error(built.0))? else {
            return Err(error("it is no connection".into()));
        };
        let renewal = connection.renewal(&self.connections[&node.id], &self.environment.clock);
        Ok((Arc::new(handle), renewal.map_err(|failed| error(failed.message))?))
    }

    /// Nodes that are the same in `next`: equal in themselves, and so is the connection they use.
    fn same_nodes(&self, next: &Plan) -> BTreeSet<NodeId> {
        let mut same = BTreeSet::new();
        for node in &next.nodes {
            let Some(handle) = self.handles.get(&node.id) else { continue };
            let old = &handle.node;
            let connection_kept = node.connection.as_ref().is_none_or(|id| same.contains(id));
            let with = |node: &Node| node.with.iter().map(|beside| beside.name.clone()).collect::<Vec<_>>();
            if (old.fingerprint == node.fingerprint || node.renews(old))
                && old.kind == node.kind
                && old.component == node.component
                && old.connection == node.connection
                && old.policy == node.policy
                && self.plan.sources.get(&node.id) == next.sources.get(&node.id)
                && old.facts.outputs == node.facts.outputs
                && with(old) == with(node)
                && old.controls == node.controls
                && connection_kept
            {
                same.insert(node.id.clone());
            }
        }
        same
    }

    /// A node that starts; where one of this name ran before, its account goes on.
    fn handle(&self, node: &Node, files: &Arc<Snapshot>, new: &BTreeMap<NodeId, Handle>) -> NodeHandle {
        let old = self.handles.get(&node.id);
        let handles = match (&node.connection, &node.facts.connection) {
            (Some(id), Some((_, name))) => new.get(id).map(|handle| (name.clone(), handle.clone())),
            _ => None,
        };
        NodeHandle {
            node: node.clone(),
            name: node.id.node().into(),
            last_number: old.map_or_else(Arc::default, |old| old.last_number.clone()),
            ledger: old.map_or_else(|| Arc::new(Ledger::default()), |old| old.ledger.clone()),
            monitor: Monitor::new(),
            on_disk: old.map_or_else(Standing::default, |old| old.on_disk.clone()),
            meter: old.map_or_else(Arc::default, |old| old.meter.clone()),
            controlled: old.map_or_else(Arc::default, |old| old.controlled.clone()),
            files: files.clone(),
            handles: handles.into_iter().collect(),
            data_dir: self.environment.data_dir.clone(),
        }
    }
}

/// Whether a unit goes on as it is: all its nodes are the same, and so are the edges inside it and what it asks of
/// values beside its events.
fn keeps(
    unit: &Unit,
    before: &BTreeMap<&NodeId, &Node>,
    after: &BTreeMap<&NodeId, &Node>,
    same: &BTreeSet<NodeId>,
) -> bool {
    let freshness = |nodes: &BTreeMap<&NodeId, &Node>| -> Vec<Freshness> {
        let node = nodes.get(unit.head());
        node.iter().flat_map(|node| &node.with).map(|beside| beside.freshness).collect()
    };
    let inner = &unit.members()[1..];
    unit.members().iter().all(|id| same.contains(id))
        && freshness(before) == freshness(after)
        && inner
            .iter()
            .all(|id| before.get(id).map(|node| &node.inputs) == after.get(id).map(|node| &node.inputs))
}
