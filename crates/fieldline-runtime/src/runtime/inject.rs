//! Putting events in at a node, past everything before it: what failed there once, after the fix.

use std::sync::Arc;
use std::time::Duration;

use fieldline_compiler::NodeId;
use fieldline_core::{Draft, Edge, Event, Receipt};

use crate::outlet::{MAIN_SLOT, Parcel};
use crate::runtime::Runtime;
use crate::wiring::edge;

/// Why events cannot be put in at a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InjectError {
    /// No node of this name runs.
    #[error("there is no node `{0}`")]
    Unknown(NodeId),
    /// Sources and connections read no events: what a source could not read has to be sent to it again.
    #[error("`{0}` takes no events, it brings them in")]
    TakesNone(NodeId),
    /// The node has been given other inputs.
    #[error("`{node}` does not read `{input}` any more")]
    NoInput {
        /// The node.
        node: NodeId,
        /// The input, as it was written under `inputs`.
        input: String,
    },
    /// The node's queue stays full: it is behind a sink that cannot send.
    #[error("`{0}` takes no more events now: its queue is full")]
    Full(NodeId),
    /// The node ended while its queue was full.
    #[error("`{0}` ended before it took the events")]
    Ended(NodeId),
}

/// How long to wait for room in a queue: more than a node that works needs, and little to whoever waits behind.
const PATIENCE: Duration = Duration::from_millis(500);

impl Runtime {
    /// Puts events in at `node`, which counts them as received; nobody hears what becomes of them but its ledger. A node
    /// with several inputs is told that they came by `input`. Waits half a second at most where its queue is full.
    pub async fn inject(
        &self,
        node: &NodeId,
        input: Option<&str>,
        drafts: Vec<Draft>,
    ) -> Result<(), InjectError> {
        let (unit, running) = self.unit_of(node).ok_or_else(|| InjectError::Unknown(node.clone()))?;
        let inbox = running.inbox.as_ref().ok_or_else(|| InjectError::TakesNone(node.clone()))?;
        let edge = self.edge_of(node, input)?;
        let stage = unit.members().iter().position(|member| member == node).unwrap_or(0);
        let room = tokio::time::timeout(PATIENCE, inbox.reserve()).await;
        let room = room.map_err(|_late| InjectError::Full(node.clone()))?;
        let permit = room.map_err(|_gone| InjectError::Ended(node.clone()))?;
        let enter = |draft: Draft| {
            let mut event = Event::new(draft.body, draft.meta, Receipt::untracked());
            event.enter_by(edge.as_ref(), self.ledger_of(node));
            event
        };
        permit.send(Parcel { slot: MAIN_SLOT, stage, events: drafts.into_iter().map(enter).collect() });
        Ok(())
    }

    /// What an event that comes by `input` knows of it; nothing where the node has no choice of inputs.
    fn edge_of(&self, node: &NodeId, input: Option<&str>) -> Result<Option<Arc<Edge>>, InjectError> {
        let inputs = self.plan.node(node).map_or(&[][..], |node| &node.inputs);
        let Some(input) = input.filter(|_| inputs.len() > 1) else { return Ok(None) };
        let edge =
            inputs.iter().map(|input| edge(input, self.plan.node(&input.from))).find(|edge| edge.is(input));
        let edge =
            edge.ok_or_else(|| InjectError::NoInput { node: node.clone(), input: input.to_owned() })?;
        Ok(Some(Arc::new(edge)))
    }
}
