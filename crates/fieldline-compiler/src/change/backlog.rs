//! [`Backlog`]: what becomes of the events that wait in a sink when it ends, and when a change that would lose or
//! misdirect them is refused.

use std::collections::BTreeMap;
use std::fmt;

use fieldline_core::policy::BufferKind;
use fieldline_core::{Kind, amount};

use super::{Change, NodeChange};
use crate::plan::{Node, NodeId};

/// What becomes of the events that wait in a sink that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backlog {
    /// The next version of the sink sends them.
    CarriedOver,
    /// The next version of the sink sends to somewhere else: they would reach a place that they were not meant for.
    Redirected {
        /// Where they were to go.
        from: Destination,
        /// Where the next version sends.
        to: Destination,
    },
    /// The sink is gone; they stay in its disk buffer until a sink of this name comes back.
    StaysOnDisk,
    /// The sink is gone, and nobody else sends them.
    Abandoned,
}

/// Where a sink sends: the type of the sink, and the host at the other end if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    component: &'static str,
    host: Option<String>,
}

/// What a change may do to events that wait in a sink that cannot send them now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Losses {
    /// Neither lose nor misdirect one: a change that would is refused.
    #[default]
    Refuse,
    /// Drop those that would be lost or misdirected.
    Accept,
    /// Send them wherever the next version of the sink sends; those of a sink that is gone go to the dead letter.
    CarryOver,
}

/// The events of a sink at the moment of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many wait, or are being written.
    pub events: u64,
    /// Whether the sink can send them now, so that it does before it ends.
    pub is_moving: bool,
}

/// Why a change is refused: what it would do to the events that wait in a sink.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct Refusal {
    /// The sink.
    pub node: NodeId,
    /// How many events wait.
    pub events: u64,
    /// What would become of them.
    pub backlog: Backlog,
}

impl Backlog {
    /// What becomes of the events in `old`, a node that ends, when `new` comes in its place; `None` for one that is no
    /// sink.
    pub(super) fn of(
        old: &Node,
        new: Option<&Node>,
        before: &BTreeMap<&NodeId, &Node>,
        after: &BTreeMap<&NodeId, &Node>,
    ) -> Option<Self> {
        if old.kind != Kind::Sink {
            return None;
        }
        let Some(new) = new.filter(|new| new.kind == Kind::Sink) else {
            let is_on_disk = old.policy.buffer.kind == BufferKind::Disk;
            return Some(if is_on_disk { Backlog::StaysOnDisk } else { Backlog::Abandoned });
        };
        let (from, to) = (Destination::of(old, before), Destination::of(new, after));
        Some(if from == to { Backlog::CarriedOver } else { Backlog::Redirected { from, to } })
    }

    /// Whether the events are lost or misdirected unless the sink sends them before it ends.
    fn is_at_risk(&self) -> bool {
        matches!(self, Backlog::Redirected { .. } | Backlog::Abandoned)
    }
}

impl Destination {
    /// Where `sink` sends: what the sink says of it itself, or else its connection.
    fn of(sink: &Node, nodes: &BTreeMap<&NodeId, &Node>) -> Self {
        let connection = sink.connection.as_ref().and_then(|id| nodes.get(id));
        let peer = sink.facts.peer.as_ref().or_else(|| connection?.facts.peer.as_ref());
        Destination { component: sink.component, host: peer.map(|peer| host(peer).to_owned()) }
    }
}

/// The host of `host:port`.
fn host(peer: &str) -> &str {
    peer.rsplit_once(':').map_or(peer, |(host, _)| host)
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) => write!(formatter, "`{host}`"),
            None => write!(formatter, "a sink `{}`", self.component),
        }
    }
}

impl Refusal {
    fn text(&self) -> String {
        let Refusal { node, events, backlog } = self;
        match backlog {
            Backlog::Redirected { from, to } => format!(
                "{} in `{node}`, which cannot send now; the change would send them to {to}",
                amount(*events, &format!("event for {from} waits"), &format!("events for {from} wait"))
            ),
            _ => format!(
                "{} in `{node}`, which cannot send now; without it they are lost",
                amount(*events, "event waits", "events wait")
            ),
        }
    }
}

impl Change {
    /// The sinks whose waiting events are lost or misdirected unless they are sent before the sinks end.
    pub fn at_risk(&self) -> impl Iterator<Item = &NodeChange> {
        self.nodes.iter().filter(|node| node.backlog.as_ref().is_some_and(Backlog::is_at_risk))
    }

    /// The sinks whose waiting events the change would lose or misdirect, and how many there are. `waiting` tells what a
    /// sink holds now. With [`Losses::Accept`] and [`Losses::CarryOver`] nothing is refused.
    pub fn refusals(&self, losses: Losses, waiting: impl Fn(&NodeId) -> Waiting) -> Vec<Refusal> {
        if losses != Losses::Refuse {
            return Vec::new();
        }
        let refusal = |node: &NodeChange| {
            let backlog = node.backlog.as_ref()?;
            let Waiting { events, is_moving } = waiting(&node.id);
            (events > 0 && !is_moving).then(|| Refusal {
                node: node.id.clone(),
                events,
                backlog: backlog.clone(),
            })
        };
        self.at_risk().filter_map(refusal).collect()
    }
}
