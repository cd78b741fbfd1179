//! [`Runtime`]: starts a plan, changes it while it runs, and stops it.
//!
//! Starting is applying a plan to nothing, stopping is applying nothing. What a change does to each node says
//! [`Change`]. It is refused if it would lose or misdirect events that wait in a sink. Then everything new is built, so
//! that a plan that cannot be built changes nothing; see `switch.rs` for the rest.

pub(crate) mod inject;

mod prepare;

mod switch;

mod drain;

mod retiring;

mod unowned;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fieldline_compiler::change::{Change, Losses, Refusal, Unit, Waiting};
use fieldline_compiler::{NodeId, Plan};
use fieldline_core::connection::{Handle, SESSIONS};
use fieldline_core::{BuildError, Clock, Kind, Ledger};
use fieldline_store::{DiskStorage, Storage};
use tokio::sync::{Notify, watch};

use crate::buffer::unused;
use crate::dead_letter::DeadLetters;
use crate::drivers::writer::LAST_WRITE;
use crate::launch::Running;
use crate::memory;
use crate::node::NodeHandle;
use crate::runtime::prepare::Prepared;
use crate::runtime::retiring::Retiring;
use crate::status::{NodeState, UnusedBuffer};
use crate::supervise::blocking;
use crate::view::View;

/// The most events that a sink can be expected to send in [`LAST_WRITE`].
const MOST_SENT: u64 = 2_000;

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
    /// How many events went from each sink that could not send them to its next version.
    pub carried: BTreeMap<NodeId, u64>,
    /// How many events of each sink that could not send them were dropped, as somebody had accepted.
    pub dropped: BTreeMap<NodeId, u64>,
    /// How many events of each sink that could not send them went to the dead letter.
    pub dead_lettered: BTreeMap<NodeId, u64>,
    /// How long nodes that continue had to wait with their events.
    pub held: Duration,
}

/// Why a plan was not applied. Nothing has changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApplyError {
    /// A node cannot be built.
    #[error("`{node}` cannot be built: {error}")]
    Build {
        /// The node.
        node: NodeId,
        /// Why. It is in the text, so it is no `source`, which the terminal would show as well.
        error: BuildError,
    },
    /// Events that wait would be lost or misdirected, and nobody has accepted that.
    #[error("{}", .0.iter().map(Refusal::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Refusal>),
}

/// A running program.
pub struct Runtime {
    pub(crate) environment: Environment,
    pub(crate) plan: Plan,
    pub(crate) running: BTreeMap<Unit, Running>,
    pub(crate) handles: BTreeMap<NodeId, Arc<NodeHandle>>,
    pub(crate) connections: BTreeMap<NodeId, Handle>,
    pub(crate) dead_letters: BTreeMap<String, DeadLetters>,
    /// Sources that have ended and are still told what becomes of their batches.
    pub(crate) retiring: Vec<Retiring>,
    /// Sinks with a buffer in memory that send first what is left of one on disk.
    pub(crate) emptying: BTreeSet<NodeId>,
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
            retiring: Vec::new(),
            emptying: BTreeSet::new(),
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
        sources
            .all(|handle| matches!(handle.monitor.read().state, NodeState::Finished | NodeState::Failed(_)))
    }

    /// Waits until a source comes to its end, or has since this was asked last. Cancel-safe.
    pub async fn source_ended(&self) {
        self.ended.notified().await;
    }

    /// What changing the program to `next` would do now, and why it would be refused.
    pub fn forecast(&self, next: &Plan, losses: Losses) -> (Change, Vec<Refusal>) {
        let change = Change::between(&self.plan, next);
        let refusals = change.refusals(losses, |id| self.waiting(id));
        (change, refusals)
    }

    /// Changes the program to `next`, unless that would lose or misdirect events. An error means that nothing has
    /// changed.
    pub async fn apply(&mut self, next: Plan) -> Result<Applied, ApplyError> {
        self.apply_with(next, Losses::Refuse).await
    }

    /// Changes the program to `next`; `losses` says what may become of events that wait in a sink that cannot send
    /// them. An error means that nothing has changed.
    pub async fn apply_with(&mut self, next: Plan, losses: Losses) -> Result<Applied, ApplyError> {
        self.view.redactor.learn(&next.redactor);
        let (change, refusals) = self.forecast(&next, losses);
        if !refusals.is_empty() {
            return Err(ApplyError::Refused(refusals));
        }
        let prepared = self.prepare(&next, change)?;
        if losses == Losses::Refuse {
            self.watch_writes(&prepared.change).await;
            let refusals = prepared.change.refusals(losses, |id| self.waiting(id));
            if !refusals.is_empty() {
                return Err(ApplyError::Refused(refusals));
            }
        }
        let pipelines = self.plan.pipelines.iter().chain(&next.pipelines);
        let pipelines = pipelines.map(|pipeline| pipeline.name.to_string()).collect();
        self.emptying = self.left_on_disk(&prepared.handles).await;
        let applied = self.switch(next, prepared, losses).await;
        self.remove_unowned(pipelines).await;
        self.look_for_unused_buffers().await;
        Ok(applied)
    }

    /// Lets sinks that have to send their events before they end finish the write under way, so that it is known whether
    /// they can.
    async fn watch_writes(&self, change: &Change) {
        let deadline = tokio::time::Instant::now() + LAST_WRITE;
        for handle in change.at_risk().filter_map(|node| self.handles.get(&node.id)) {
            let _late = tokio::time::timeout_at(deadline, handle.meter.written()).await;
        }
    }

    /// The events that a sink holds, and whether it can send them before it has to end.
    pub fn waiting(&self, id: &NodeId) -> Waiting {
        let Some(handle) = self.handles.get(id) else { return Waiting::default() };
        let events = u64::try_from(handle.ledger.balance().in_flight()).unwrap_or(0);
        let connection = handle.node.connection.as_ref().and_then(|id| self.handles.get(id));
        let written_for = handle.meter.written_for(self.environment.clock.instant());
        let rate = handle.node.policy.max_rate.map_or(f64::INFINITY, f64::from);
        let is_moving = handle.is_at_work(connection.map(Arc::as_ref))
            && written_for.is_none_or(|time| time < LAST_WRITE)
            && events <= MOST_SENT
            && events as f64 <= rate * LAST_WRITE.as_secs_f64();
        Waiting { events, is_moving }
    }

    /// The sinks of the next plan that keep their events in memory, and may have left some in a buffer on disk.
    async fn left_on_disk(&self, next: &BTreeMap<NodeId, Arc<NodeHandle>>) -> BTreeSet<NodeId> {
        let sinks = next.values().filter(|handle| handle.node.kind == Kind::Sink);
        let (on_disk, in_memory): (Vec<_>, Vec<_>) = sinks.partition(|handle| handle.has_disk());
        let in_memory: BTreeSet<&NodeId> = in_memory.into_iter().map(|handle| &handle.node.id).collect();
        let before = self.handles.values().filter(|handle| handle.has_disk()).map(|handle| &handle.node.id);
        let mut left: BTreeSet<NodeId> = before.chain(&self.emptying).cloned().collect();
        let unused = match self.plan.nodes.is_empty() {
            true => {
                self.unused_buffers(on_disk.into_iter().map(|handle| handle.node.id.clone()).collect()).await
            }
            false => self.view.shown().unused_buffers.clone(),
        };
        left.extend(unused.into_iter().map(|buffer| buffer.node));
        left.retain(|id| in_memory.contains(id));
        left
    }

    /// Removes what nodes of these pipelines kept that are gone, or keep nothing any more.
    async fn remove_unowned(&self, pipelines: BTreeSet<String>) {
        let owners = |owns: &dyn Fn(&NodeHandle) -> bool| -> BTreeSet<NodeId> {
            let owners = self.handles.values().filter(|handle| owns(handle));
            owners.map(|handle| handle.node.id.clone()).collect()
        };
        let connections = owners(&|handle| handle.node.kind == Kind::Connection);
        let outlives = owners(&|handle| handle.node.memory.as_ref().is_some_and(|m| m.outlives.is_some()));
        let (storage, data_dir) = (self.storage.clone(), self.environment.data_dir.clone());
        let has_memory = self.environment.save_every.is_some();
        let removal = move || {
            unowned::remove(&storage, &data_dir.join(SESSIONS), &pipelines, &connections);
            if has_memory {
                unowned::remove(&storage, &memory::folder(&data_dir), &pipelines, &outlives);
            }
        };
        if let Err(panic) = blocking(removal).await {
            tracing::error!(panic = panic.message, "what nodes kept that are gone cannot be removed");
        }
    }

    /// Names disk buffers that hold events and belong to no sink of the plan, each once.
    async fn look_for_unused_buffers(&self) {
        let used = self.handles.values().filter(|handle| handle.has_disk()).map(|handle| &handle.node.id);
        let found = self.unused_buffers(used.chain(&self.emptying).cloned().collect()).await;
        let mut shown = self.view.shown();
        for buffer in found.iter().filter(|buffer| !shown.unused_buffers.contains(buffer)) {
            let (node, records, folder) = (&buffer.node, buffer.records, buffer.folder.display());
            tracing::warn!(%node, records, bytes = buffer.bytes, %folder, "a disk buffer belongs to no sink: its events wait until a sink of that name comes back; delete the folder if they are not wanted");
        }
        shown.unused_buffers = found;
    }

    /// The disk buffers that hold something and are not those of the sinks `used`.
    async fn unused_buffers(&self, used: BTreeSet<NodeId>) -> Vec<UnusedBuffer> {
        let (storage, data_dir) = (self.storage.clone(), self.environment.data_dir.clone());
        blocking(move || unused::find(&storage, &data_dir, &used)).await.unwrap_or_default()
    }

    /// Ends the program: sources first, then everything drains until `grace` is over.
    pub async fn stop(&mut self, grace: Duration) -> Applied {
        self.environment.drain = grace;
        let next = Plan::default();
        let prepared = Prepared { change: Change::between(&self.plan, &next), ..Prepared::default() };
        let nodes = self.view.shown().nodes.clone();
        let applied = self.switch(next, prepared, Losses::Refuse).await;
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
