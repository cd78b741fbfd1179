//! [`Stage`]: one transform of a segment, with what its driver needs to begin, to keep and to replace it.

use std::sync::Arc;

use fieldline_core::{BuildError, Built, Event, EventError, Moment, Outputs, Port, Transform, Value};

use crate::control::desk::Desk;
use crate::memory::keeper::Keeper;
use crate::node::NodeHandle;
use crate::status::NodeState;
use crate::supervise::{Panic, guard_sync};

/// One transform of the chain.
pub(crate) struct Stage {
    pub(crate) handle: Arc<NodeHandle>,
    pub(crate) transform: Box<dyn Transform>,
    /// What it goes on with, until it does.
    pub(crate) past: Past,
    /// Which output of the stage before feeds this one.
    pub(crate) fed_by: Port,
    /// Takes its commands, where something steers it; only the first stage can be.
    pub(crate) desk: Option<Desk>,
    /// Keeps on disk what it remembers, where that outlives the program.
    pub(crate) keeper: Option<Keeper>,
    /// It has worked on events, so how long that takes is known.
    pub(crate) is_known: bool,
}

/// What a transform goes on with when its segment starts.
pub(crate) enum Past {
    /// What is on disk from the program before, if anything is.
    OnDisk,
    /// What it remembers itself: it moved here from another segment.
    Own,
    /// What the version before a change remembers.
    Version(Box<dyn Transform>),
}

impl Stage {
    /// Gives the transform the settings in force; it is at work from now on.
    pub(crate) async fn begin(&mut self) {
        if let Some(desk) = &mut self.desk {
            desk.load().await;
            desk.begin(|settings| self.transform.adjust(settings));
        }
        self.handle.monitor.set(NodeState::Running);
    }

    /// Lets the transform go on with what it remembered when the program ran before.
    pub(crate) async fn recall(&mut self, moment: &Moment<'_>) {
        let Some(keeper) = &mut self.keeper else { return };
        let Some((remembered, pause)) = keeper.load().await else { return };
        let recalled = guard_sync(|| self.transform.recall(&remembered, pause, moment));
        match recalled.map_err(BuildError::from).flatten() {
            Ok(()) => {
                let pause_seconds = pause.as_secs();
                tracing::info!(node = %self.handle.node.id, pause_seconds, "goes on with what it remembered before the restart");
            }
            Err(error) => keeper.reject(&error.to_string()),
        }
    }

    /// What the transform remembers, for its keeper.
    pub(crate) fn remember(&self, moment: &Moment<'_>) -> Result<Option<Value>, BuildError> {
        guard_sync(|| self.transform.remember(moment))?
    }

    /// Puts a new transform in the place of one that panicked.
    pub(crate) fn start_anew(&mut self, panic: &Panic) {
        match self.handle.rebuild(panic) {
            Ok(Built::Transform(mut transform)) => {
                self.desk.iter_mut().for_each(|desk| desk.begin(|settings| transform.adjust(settings)));
                self.transform = transform;
            }
            _ => {
                self.handle.monitor.set(NodeState::Failed(panic.message.clone()));
                self.transform = Box::new(Broken);
            }
        }
    }
}

/// Stands in for a transform that panicked and could not be built again.
pub(crate) struct Broken;

impl Transform for Broken {
    fn apply(&mut self, event: Event, _: &Moment<'_>, out: &mut Outputs) {
        out.fail(event, EventError::new("node_failed", "the node panicked and could not be built again"));
    }
}
