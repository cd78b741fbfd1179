//! What a person or a probe can ask of a running program.

use std::sync::{Arc, Mutex, PoisonError};

use fieldline_compiler::NodeId;
use fieldline_core::Kind;
use fieldline_core::connection::Standing;
use fieldline_core::ledger::Balance;

/// How a node is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// Started, and not yet connected.
    Starting,
    /// At work.
    Running,
    /// Something failed and will be tried again.
    Retrying {
        /// Why.
        error: String,
        /// How many tries have failed in a row.
        failures: u32,
    },
    /// It ended with an error that no try can mend.
    Failed(String),
    /// It has done all it had to do.
    Finished,
}

impl NodeState {
    /// One word for tables and metrics.
    pub fn word(&self) -> &'static str {
        match self {
            NodeState::Starting => "starting",
            NodeState::Running => "running",
            NodeState::Retrying { .. } => "retrying",
            NodeState::Failed(_) => "failed",
            NodeState::Finished => "finished",
        }
    }
}

/// One node at one moment.
#[derive(Clone, Debug)]
pub struct NodeStatus {
    /// Its full name.
    pub id: NodeId,
    /// The part it plays.
    pub kind: Kind,
    /// Its `type:`.
    pub component: &'static str,
    /// How it is doing.
    pub state: NodeState,
    /// How often it was started anew after a panic.
    pub restarts: u64,
    /// Its account.
    pub balance: Balance,
}

/// The program at one moment.
#[derive(Clone, Debug)]
pub struct Status {
    /// Counts the plans applied since the program started, from 1.
    pub generation: u64,
    /// All nodes, in the plan's order.
    pub nodes: Vec<NodeStatus>,
}

impl Status {
    /// Whether every node is at work or has finished.
    pub fn is_ready(&self) -> bool {
        self.nodes.iter().all(|node| matches!(node.state, NodeState::Running | NodeState::Finished))
    }

    /// Whether no node has failed for good.
    pub fn is_healthy(&self) -> bool {
        !self.nodes.iter().any(|node| matches!(node.state, NodeState::Failed(_)))
    }
}

/// A node's state as its driver writes it and everyone may read it.
#[derive(Clone)]
pub(crate) struct Monitor(Arc<Mutex<(NodeState, u64)>>);

impl Monitor {
    pub(crate) fn new() -> Self {
        Monitor(Arc::new(Mutex::new((NodeState::Starting, 0))))
    }

    pub(crate) fn set(&self, state: NodeState) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = state;
    }

    /// Takes over what a connection says of itself.
    pub(crate) fn connection_stands(&self, standing: Standing) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = match (standing, &state.0) {
            (Standing::Up, _) => NodeState::Running,
            (Standing::Down(error), NodeState::Retrying { failures, .. }) => {
                NodeState::Retrying { error, failures: failures + 1 }
            }
            (Standing::Down(error), _) => NodeState::Retrying { error, failures: 1 },
        };
    }

    pub(crate) fn restarted(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 += 1;
    }

    pub(crate) fn read(&self) -> (NodeState, u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
