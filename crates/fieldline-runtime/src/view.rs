//! [`View`]: a running program as others may look at it, from any thread, without keeping it from its work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fieldline_compiler::Fingerprint;
use fieldline_core::{Clock, Kind, Redactor};
use jiff::Timestamp;

use crate::node::NodeHandle;
use crate::node::kept::Kept;
use crate::status::{MemoryStatus, NodeStatus, Seen, Status, UnusedBuffer};

/// A window on the program's state that may be looked through from anywhere.
#[derive(Clone)]
pub struct View {
    clock: Clock,
    /// Knows the secrets of all plans that were applied.
    pub(crate) redactor: Redactor,
    shown: Arc<Mutex<Shown>>,
}

/// The plan that runs, as far as it is shown.
#[derive(Default)]
pub(crate) struct Shown {
    /// Its number, from 1.
    pub(crate) generation: u64,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) applied_at: Timestamp,
    /// Its nodes, in the plan's order.
    pub(crate) nodes: Vec<Arc<NodeHandle>>,
    /// Disk buffers of sinks that it does not have.
    pub(crate) unused_buffers: Vec<UnusedBuffer>,
}

impl View {
    /// A view of nothing yet.
    pub(crate) fn new(clock: Clock) -> Self {
        View { clock, redactor: Redactor::default(), shown: Arc::default() }
    }

    /// What is shown, to be changed.
    pub(crate) fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state now.
    pub fn status(&self) -> Status {
        let shown = self.shown();
        let nodes = shown.nodes.iter().map(|handle| self.node(handle)).collect();
        Status {
            generation: shown.generation,
            fingerprint: shown.fingerprint,
            applied_at: shown.applied_at,
            nodes,
            unused_buffers: shown.unused_buffers.clone(),
        }
    }

    fn node(&self, handle: &NodeHandle) -> NodeStatus {
        let Seen { state, restarts, first_failure, faults } = handle.monitor.read();
        let balance = handle.ledger.balance();
        let meter = (handle.node.kind == Kind::Sink).then_some(&handle.meter);
        let fault = handle.meter.figures().fault.clone();
        let memory = handle.node.memory.as_ref().map(|memory| {
            let Kept { saved_at, fault } = handle.on_disk.kept().clone();
            MemoryStatus { what: memory.what, is_kept: memory.outlives.is_some(), saved_at, fault }
        });
        let mut status = NodeStatus {
            id: handle.node.id.clone(),
            kind: handle.node.kind,
            component: handle.node.component,
            state: state.with_fault(fault.as_deref()),
            restarts,
            first_failure,
            faults,
            memory,
            buffer: meter.map(|meter| meter.status(&self.clock, balance.in_flight())),
            balance,
            settings: handle.controlled.layers().changed(self.clock.instant()),
        };
        status.redact(&self.redactor);
        status
    }
}
