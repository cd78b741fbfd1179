//! [`NodeHandle`]: a node while it runs, and how its component is built: no task, socket or file begins here, so that a
//! plan that cannot be built changes nothing. Beside it, what its driver writes and everyone may read.

pub(crate) mod ages;

pub(crate) mod controlled;

pub(crate) mod kept;

pub(crate) mod meter;

pub(crate) mod wear;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use fieldline_compiler::{Node, Snapshot};
use fieldline_core::connection::Handle;
use fieldline_core::policy::BufferKind;
use fieldline_core::{BuildCx, BuildError, Built, Clock, Kind, Ledger};

use controlled::Controlled;
use kept::Standing;
use meter::Meter;

use crate::status::{Monitor, NodeState};
use crate::supervise::{Panic, guard_sync};

/// A node while it runs: what it is made from, its account and its state. Shared by its driver and the runtime.
pub(crate) struct NodeHandle {
    /// The node as planned.
    pub(crate) node: Node,
    /// Its name within the pipeline, for events' metadata.
    pub(crate) name: Arc<str>,
    /// Its account.
    pub(crate) ledger: Arc<Ledger>,
    /// The last number a source gave to an event.
    pub(crate) last_number: Arc<AtomicU64>,
    /// How it is doing.
    pub(crate) monitor: Monitor,
    /// What of its memory is on disk.
    pub(crate) on_disk: Standing,
    /// What its buffer holds.
    pub(crate) meter: Arc<Meter>,
    /// What commands have set, and those that wait.
    pub(crate) controlled: Arc<Controlled>,
    /// The files of the plan it came with.
    pub(crate) files: Arc<Snapshot>,
    /// The connection it may use, by the name its config gives.
    pub(crate) handles: BTreeMap<String, Handle>,
    /// The program's data directory.
    pub(crate) data_dir: Arc<Path>,
    /// The time.
    pub(crate) clock: Clock,
}

impl NodeHandle {
    /// Whether it keeps its events on disk.
    pub(crate) fn has_disk(&self) -> bool {
        self.node.kind == Kind::Sink && self.node.policy.buffer.kind == BufferKind::Disk
    }

    /// Whether a sink can send now, as far as is known; `connection` is the one it uses.
    pub(crate) fn is_at_work(&self, connection: Option<&NodeHandle>) -> bool {
        let is_running = |handle: &NodeHandle| handle.monitor.read().state == NodeState::Running;
        is_running(self) && self.meter.figures().outage.is_none() && connection.is_none_or(is_running)
    }

    /// Builds the component; a panic while building is an error like any other.
    pub(crate) fn build(&self) -> Result<Built, BuildError> {
        let with: Vec<String> = self.node.with.iter().map(|beside| beside.name.to_string()).collect();
        let cx = BuildCx {
            node: self.node.id.as_str(),
            files: &*self.files,
            connections: &self.handles,
            data_dir: &self.data_dir,
            with: &with,
            clock: &self.clock,
            origins: &|field| self.node.origins.get(field).cloned(),
        };
        let built = guard_sync(|| self.node.prepared.build(&cx))??;
        if built.kind() == self.node.kind {
            Ok(built)
        } else {
            Err(BuildError::new(format!("`{}` was built as a {}", self.node.component, built.kind().word())))
        }
    }

    /// Builds the component anew after a panic, which is logged and counted.
    pub(crate) fn rebuild(&self, panic: &Panic) -> Result<Built, BuildError> {
        tracing::error!(node = %self.node.id, panic = panic.message, "component panicked; what it held is lost, starting a new one");
        self.monitor.restarted();
        self.build()
    }
}
