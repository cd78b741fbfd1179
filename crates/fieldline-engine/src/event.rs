//! What reaches the engine beside questions, [`Trigger`], and what it tells, [`EngineEvent`].

use fieldline_api::ReloadOutcome;

/// A reason to look at the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Somebody wants a reload.
    Reload,
    /// Files may have changed; they are reloaded if they have.
    FilesChanged,
}

/// A step in the life of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineEvent<'a> {
    /// The pipelines have started.
    Ready(Summary),
    /// A reload has ended, or a change was rolled back.
    Reloaded {
        /// Its outcome.
        outcome: &'a ReloadOutcome,
        /// The program after it.
        summary: Summary,
    },
    /// The loop that owns the runtime turns; told once a second.
    Alive,
    /// The pipelines drain.
    Stopping,
}

/// The running program in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Number of nodes.
    pub nodes: usize,
    /// Number of plans applied since the start.
    pub generation: u64,
}

/// Called with every event. It must not block.
pub type Observer = Box<dyn FnMut(&EngineEvent<'_>) + Send>;
