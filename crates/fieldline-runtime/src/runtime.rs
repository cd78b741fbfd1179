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

use fieldline_compiler::plan::{NodeId, Plan};
use fieldline_core::connection::Handle;
use fieldline_core::{Clock, Kind, Ledger};
use fieldline_store::{DiskStorage, Storage};
use tokio::sync::{Notify, watch};

use crate::buffer::unused;
use crate::build::NodeHandle;
use crate::dead_letter::DeadLetters;
use crate::launch::Running;
use crate::memory::unowned;
use crate::prepare::Prepared;
use crate::status::NodeState;
use crate::supervise::blocking;
use crate::unit::Unit;
use crate::view::View;

/// What a program runs in.
#[derive(Clone)]
pub struct Environment {
    /// What time it is.
    pub clock: Clock,
    /// Where nodes keep what they must remember.
    pub data_dir: Arc<Path>,
    /// How long a change waits for what leaves to drain before it is cut off.
    pub drain: Duration,
    /// How often what transforms remember is written to disk while it changes. Without it nothing is written, and
    /// nothing recalled.
    pub save_every: Option<Duration>,
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
    /// Transforms that were changed and have taken over what the version before remembered.
    pub inherited: Vec<NodeId>,
    /// Connections that went on with other files.
    pub renewed: Vec<NodeId>,
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
    pub(crate) environment: Environment,
    pub(crate) plan: Plan,
    pub(crate) running: BTreeMap<Unit, Running>,
    pub(crate) handles: BTreeMap<NodeId, Arc<NodeHandle>>,
    pub(crate) connections: BTreeMap<NodeId, Handle>,
    pub(crate) dead_letters: BTreeMap<String, DeadLetters>,
    pub(crate) storage: Arc<dyn Storage>,
    /// Turns whenever a source stands still until something is settled.
    pub(crate) rush: Arc<watch::Sender<u64>>,
    /// Told when a source has come to its end.
    pub(crate) ended: Arc<Notify>,
    pub(crate) view: View,
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
            ended: Arc::default(),
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

    /// Waits until a source comes to its end, or has since this was asked last. Cancel-safe.
    pub async fn source_ended(&self) {
        self.ended.notified().await;
    }

    /// Changes the program to `next`. An error means that nothing has changed.
    pub async fn apply(&mut self, next: Plan) -> Result<Applied, ApplyError> {
        let change = self.prepare(&next)?;
        let pipelines = self.plan.pipelines.iter().chain(&next.pipelines);
        let pipelines = pipelines.map(|pipeline| pipeline.name.to_string()).collect();
        let applied = self.switch(next, change).await;
        self.remove_unowned_memory(pipelines).await;
        self.look_for_unused_buffers().await;
        Ok(applied)
    }

    /// Removes what nodes of these pipelines remembered that are gone, or remember nothing any more.
    async fn remove_unowned_memory(&self, pipelines: BTreeSet<String>) {
        if self.environment.save_every.is_none() {
            return;
        }
        let outlives =
            |handle: &NodeHandle| handle.node.memory.as_ref().is_some_and(|m| m.outlives.is_some());
        let owners = self.handles.values().filter(|handle| outlives(handle));
        let owners: BTreeSet<NodeId> = owners.map(|handle| handle.node.id.clone()).collect();
        let (storage, data_dir) = (self.storage.clone(), self.environment.data_dir.clone());
        let removal = move || unowned::remove(&storage, &data_dir, &pipelines, &owners);
        if let Err(panic) = blocking(removal).await {
            tracing::error!(panic, "what nodes remembered that are gone cannot be removed");
        }
    }

    /// Names disk buffers that hold events and belong to no sink of the plan, each once.
    async fn look_for_unused_buffers(&self) {
        let used = self.handles.values().filter(|handle| handle.has_disk());
        let used: BTreeSet<NodeId> = used.map(|handle| handle.node.id.clone()).collect();
        let (storage, data_dir) = (self.storage.clone(), self.environment.data_dir.clone());
        let found = blocking(move || unused::find(&storage, &data_dir, &used)).await.unwrap_or_default();
        let mut shown = self.view.shown();
        for buffer in found.iter().filter(|buffer| !shown.unused_buffers.contains(buffer)) {
            let (node, records, folder) = (&buffer.node, buffer.records, buffer.folder.display());
            tracing::warn!(%node, records, bytes = buffer.bytes, %folder, "a disk buffer belongs to no sink: its events wait until a sink of that name comes back; delete the folder if they are not wanted");
        }
        shown.unused_buffers = found;
    }

    /// Ends the program: sources first, then everything drains until `grace` is over.
    pub async fn stop(&mut self, grace: Duration) -> Applied {
        self.environment.drain = grace;
        let change = Prepared {
            kept: BTreeSet::new(),
            leaving: self.running.keys().cloned().collect(),
            moving: BTreeSet::new(),
            inherited: BTreeSet::new(),
            built: BTreeMap::new(),
            handles: BTreeMap::new(),
            connections: BTreeMap::new(),
            renewals: BTreeMap::new(),
        };
        let nodes = self.view.shown().nodes.clone();
        let applied = self.switch(Plan::default(), change).await;
        self.view.shown().nodes = nodes;
        applied
    }

    /// The unit that runs `node`.
    pub(crate) fn unit_of(&self, node: &NodeId) -> Option<(&Unit, &Running)> {
        self.running.iter().find(|(unit, _)| unit.members().contains(node))
    }

    /// The account of a node that runs.
    pub(crate) fn ledger_of(&self, node: &NodeId) -> &Arc<Ledger> {
        &self.handles[node].ledger
    }
}
