//! The first half of a change: builds everything that does not continue, so that a plan that cannot be built changes
//! nothing. What continues says [`Change`]; the second half is in `switch.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use fieldline_compiler::change::{Change, Fate};
use fieldline_compiler::{Node, NodeId, Plan, Snapshot};
use fieldline_core::connection::{Handle, Renewal};
use fieldline_core::{BuildError, Built, Ledger};

use crate::node::NodeHandle;
use crate::node::kept::Standing;
use crate::runtime::{ApplyError, Runtime};
use crate::status::Monitor;

/// A change that is built and has not begun.
#[derive(Default)]
pub(crate) struct Prepared {
    pub(crate) change: Change,
    pub(crate) built: BTreeMap<NodeId, Built>,
    pub(crate) handles: BTreeMap<NodeId, Arc<NodeHandle>>,
    pub(crate) connections: BTreeMap<NodeId, Handle>,
    /// Connections that continue with other files, and how.
    pub(crate) renewals: BTreeMap<NodeId, Renewal>,
}

impl Runtime {
    /// Builds what `change` starts, and takes over what continues.
    pub(crate) fn prepare(&self, next: &Plan, change: Change) -> Result<Prepared, ApplyError> {
        let files = Arc::new(next.files.clone());
        let mut prepared = Prepared::default();
        // The change has the nodes of the next plan in their order.
        for (node, fate) in next.nodes.iter().zip(change.nodes.iter().map(|node| node.fate)) {
            let id = &node.id;
            if fate.continues() {
                let mut handle = self.handles[id].clone();
                if fate == Fate::Renew {
                    let (renewed, renewal) = self.renewed(node, &files)?;
                    handle = renewed;
                    prepared.renewals.insert(id.clone(), renewal);
                }
                prepared.handles.insert(id.clone(), handle);
                if let Some(handle) = self.connections.get(id) {
                    prepared.connections.insert(id.clone(), handle.clone());
                }
                continue;
            }
            let handle = Arc::new(self.handle(node, &files, &prepared.connections));
            let built = handle.build().map_err(|error| ApplyError::Build { node: id.clone(), error })?;
            if let Built::Connection(connection) = &built {
                prepared.connections.insert(id.clone(), connection.handle());
            }
            prepared.built.insert(id.clone(), built);
            prepared.handles.insert(id.clone(), handle);
        }
        Ok(Prepared { change, ..prepared })
    }

    /// A running connection with the files of the next plan.
    fn renewed(&self, node: &Node, files: &Arc<Snapshot>) -> Result<(Arc<NodeHandle>, Renewal), ApplyError> {
        let failed = |error| ApplyError::Build { node: node.id.clone(), error };
        let monitor = self.handles[&node.id].monitor.clone();
        let handle = NodeHandle { monitor, ..self.handle(node, files, &BTreeMap::new()) };
        let Built::Connection(connection) = handle.build().map_err(failed)? else {
            return Err(failed(BuildError::new("it is no connection")));
        };
        let renewal = connection.renewal(&self.connections[&node.id], &self.environment.clock);
        Ok((Arc::new(handle), renewal.map_err(|error| failed(BuildError::new(error)))?))
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
            clock: self.environment.clock.clone(),
        }
    }
}
