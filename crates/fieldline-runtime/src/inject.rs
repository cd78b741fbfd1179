//! Putting events in at a node, past everything before it: what failed there once, after the fix.

use fieldline_compiler::NodeId;
use fieldline_core::{Draft, Event, Receipt};

use crate::outlet::{MAIN_SLOT, Parcel};
use crate::runtime::Runtime;

/// Why events cannot be put in at a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InjectError {
    /// No node of this name runs.
    #[error("there is no node `{0}`")]
    Unknown(NodeId),
    /// Sources and connections read no events: what a source could not read has to be sent to it again.
    #[error("`{0}` takes no events, it brings them in")]
    TakesNone(NodeId),
    /// The node ended while its queue was full.
    #[error("`{0}` ended before it took the events")]
    Ended(NodeId),
}

impl Runtime {
    /// Puts events in at the input of `node`, which counts them as received; nobody hears what becomes of them
    /// but its ledger. Waits where its queue is full.
    pub async fn inject(&self, node: &NodeId, drafts: Vec<Draft>) -> Result<(), InjectError> {
        let (unit, running) = self.unit_of(node).ok_or_else(|| InjectError::Unknown(node.clone()))?;
        let inbox = running.inbox.as_ref().ok_or_else(|| InjectError::TakesNone(node.clone()))?;
        let stage = unit.members().iter().position(|member| member == node).unwrap_or(0);
        let permit = inbox.reserve().await.map_err(|_| InjectError::Ended(node.clone()))?;
        let enter = |draft: Draft| {
            let mut event = Event::new(draft.body, draft.meta, Receipt::untracked());
            event.enter(self.ledger_of(node));
            event
        };
        permit.send(Parcel { slot: MAIN_SLOT, stage, events: drafts.into_iter().map(enter).collect() });
        Ok(())
    }
}
