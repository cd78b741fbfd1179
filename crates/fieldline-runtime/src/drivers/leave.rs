//! [`Leave`]: how a unit that a change ends has to leave.

use std::collections::BTreeSet;
use std::sync::Arc;

use fieldline_compiler::NodeId;

/// Told to a segment or a sink. Level-triggered; a later one replaces an earlier one.
#[derive(Clone, Default)]
pub(crate) enum Leave {
    /// It stays.
    #[default]
    Stay,
    /// It ends soon: a sink finishes the write under way, begins no other, and takes events in all the while.
    Pause,
    /// It ends as soon as nothing comes in any more.
    End(Arc<Succession>),
    /// The same for a sink that has had its time: what it still holds goes there.
    GiveUp(Rest),
}

/// The nodes of the next plan that continue with something of a unit that ends.
#[derive(Default)]
pub(crate) struct Succession {
    /// Transforms that move, or whose next version takes their state over: they are not finished.
    pub(crate) state: BTreeSet<NodeId>,
    /// Nodes that take over the events that wait at the node of their name.
    pub(crate) events: BTreeSet<NodeId>,
    /// Sinks whose next version sends elsewhere: their events have to leave before, also from a disk.
    pub(crate) sent: BTreeSet<NodeId>,
}

/// Where events go that a sink cannot send any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Into the dead letter.
    DeadLetter,
    /// Nowhere: somebody has accepted that they are lost.
    Dropped,
}

impl Leave {
    /// Whether the next version of `node` takes over the events that wait there.
    pub(crate) fn hands_over(&self, node: &NodeId) -> bool {
        matches!(self, Leave::End(succession) if succession.events.contains(node))
    }
}
