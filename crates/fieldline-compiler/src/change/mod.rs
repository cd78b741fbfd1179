//! [`Change`]: what replacing one plan by another does to every node. The only answer to that question:
//! `fieldline plan` shows it, and the runtime carries it out.

mod backlog;
mod decide;
mod units;

pub use backlog::{Backlog, Destination, Losses, Refusal, Waiting};
pub use units::{Unit, units};

use std::collections::BTreeSet;
use std::sync::Arc;

use fieldline_core::Kind;

use crate::plan::NodeId;

/// What replacing one plan by another does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Every node of the next plan in its order, then those that are gone.
    pub nodes: Vec<NodeChange>,
    /// Units that continue as they are.
    pub kept: BTreeSet<Unit>,
    /// Units that end.
    pub leaving: BTreeSet<Unit>,
    /// Units that start, in the order of the next plan.
    pub starting: Vec<Unit>,
    /// Pipelines in both plans whose failed events go elsewhere. The nodes that fail them, sources included, keep their
    /// edges, so that it is the fate of none.
    pub dead_letters: Vec<Arc<str>>,
}

/// What becomes of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeChange {
    /// The node.
    pub id: NodeId,
    /// Its kind in the next plan; in the running one if it is gone.
    pub kind: Kind,
    /// What becomes of it.
    pub fate: Fate,
    /// Why, for people; empty for [`Fate::Keep`] only.
    pub reasons: Vec<String>,
    /// What becomes of the state of a transform that ends; `None` for one without.
    pub state: Option<State>,
    /// What becomes of the events that wait in a sink that ends.
    pub backlog: Option<Backlog>,
}

/// What becomes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It continues with its connection, buffer and state.
    Keep,
    /// It continues, and its edges change.
    Rewire,
    /// A connection that continues with other content of its files.
    Renew,
    /// A transform that continues with its state in another task.
    Move,
    /// A transform that ends; its next version takes its state over.
    Inherit,
    /// It ends, and its next version starts anew.
    Restart,
    /// It is new.
    Start,
    /// It is gone.
    Stop,
}

/// What becomes of the state of a transform that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The next version takes it over.
    Inherited(&'static str),
    /// It is sent on as events.
    Sent(&'static str),
    /// It is lost.
    Lost(&'static str),
}

impl Fate {
    /// Whether the component itself continues.
    pub fn continues(self) -> bool {
        matches!(self, Fate::Keep | Fate::Rewire | Fate::Renew | Fate::Move)
    }
}

impl Change {
    /// What becomes of the node `id`; looks through all of them.
    pub fn node(&self, id: &NodeId) -> Option<&NodeChange> {
        self.nodes.iter().find(|node| node.id == *id)
    }

    /// The nodes with this fate.
    pub fn with(&self, fate: Fate) -> impl Iterator<Item = &NodeId> {
        self.nodes.iter().filter(move |node| node.fate == fate).map(|node| &node.id)
    }

    /// Whether the state of some transform is lost.
    pub fn loses_state(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.state, Some(State::Lost(_))))
    }
}
