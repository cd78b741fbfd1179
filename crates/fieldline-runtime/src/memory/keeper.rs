//! [`Keeper`]: writes down what a transform remembers, at an interval while it changes and when it ends, and reads it when
//! the program starts again. Writing does not hold up events; what a crash costs is one interval.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldline_core::memory::LARGEST;
use fieldline_core::{BuildError, Clock, Value};
use fieldline_store::{Checkpoint, Storage};
use tokio::task::JoinHandle;

use super::note::{Note, VERSION};
use super::path;
use crate::node::NodeHandle;
use crate::node::kept::Kept;
use crate::supervise::{blocking, describe, spawn};

/// Keeps what one transform remembers on disk. The driver of its segment owns it.
pub(crate) struct Keeper {
    handle: Arc<NodeHandle>,
    checkpoint: Arc<Checkpoint>,
    clock: Clock,
    every: Duration,
    /// What was written, or is being written; `None` until that is known.
    note: Option<Arc<Note>>,
    writing: Option<JoinHandle<()>>,
    /// When it is to be written again; `None` while nothing can have changed.
    due: Option<Instant>,
}

impl Keeper {
    /// The keeper of a node; `None` for one that remembers nothing beyond the end of the program.
    pub(crate) fn of(
        handle: &Arc<NodeHandle>,
        clock: &Clock,
        storage: &Arc<dyn Storage>,
        every: Option<Duration>,
    ) -> Option<Self> {
        handle.node.memory.as_ref()?.outlives?;
        let path = path(&handle.data_dir, &handle.node.id);
        Some(Keeper {
            handle: handle.clone(),
            checkpoint: Arc::new(Checkpoint::new(storage.clone(), path)),
            clock: clock.clone(),
            every: every?,
            note: None,
            writing: None,
            due: None,
        })
    }

    /// What was remembered when the program ran before, and how long ago. What the node cannot go on with is left out,
    /// and the log says why.
    pub(crate) async fn load(&mut self) -> Option<(Value, Duration)> {
        let checkpoint = self.checkpoint.clone();
        let read = blocking(move || match checkpoint.load() {
            Ok(None) => Ok(None),
            Ok(Some(saved)) => Note::decode(&saved).map(Some).map_err(|error| error.to_string()),
            Err(error) => Err(describe(&error)),
        });
        let note = read.await.map_err(|panic| panic.message).flatten();
        let fitting = note.and_then(|note| {
            let Some(note) = note else { return Ok(None) };
            let age = note.age_for(&self.handle.node, &self.clock);
            age.map(|age| Some((note, age))).map_err(|error| error.to_string())
        });
        match fitting {
            Ok(None) => None,
            Ok(Some((note, age))) => {
                self.handle.on_disk.kept().saved_at = Some(note.time);
                let remembered = note.remembered.clone();
                self.note = Some(Arc::new(note));
                Some((remembered, age))
            }
            Err(error) => {
                self.reject(&error);
                None
            }
        }
    }

    /// Says that the node begins anew, because what is on disk is of no use to it.
    pub(crate) fn reject(&mut self, error: &str) {
        self.note = None;
        self.handle.on_disk.kept().saved_at = None;
        tracing::warn!(node = %self.handle.node.id, error, "what it remembered before the restart is of no use; it begins anew");
    }

    /// The transform may remember something else now.
    pub(crate) fn touch(&mut self) {
        if self.due.is_none() {
            self.due = Some(self.clock.instant() + self.every);
        }
    }

    /// When [`Keeper::save`] wants to be called.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Begins to write what the transform remembers, if that is something else than what is on disk.
    pub(crate) fn save(&mut self, remembered: Result<Option<Value>, BuildError>) {
        self.due = None;
        if self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) {
            return self.touch();
        }
        match remembered {
            Ok(None) => {}
            Ok(Some(remembered)) if remembered.weight() <= LARGEST => self.write(remembered),
            Ok(Some(_)) => complain(&self.handle, format!("it is over {LARGEST} bytes")),
            Err(error) => complain(&self.handle, error.to_string()),
        }
    }

    /// Waits until everything is written.
    pub(crate) async fn settle(&mut self) {
        if let Some(writing) = self.writing.take() {
            let _ended_either_way = writing.await;
        }
    }

    fn write(&mut self, remembered: Value) {
        let time = self.clock.time();
        let memory = self.handle.node.memory.as_ref();
        let limit = memory.and_then(|memory| memory.outlives).unwrap_or_default();
        // What is the same for long must not look old when it is needed.
        let is_same = |note: &Arc<Note>| {
            note.remembered == remembered && time.duration_since(note.time).unsigned_abs() < limit / 2
        };
        if self.handle.on_disk.kept().fault.is_none() && self.note.as_ref().is_some_and(is_same) {
            return;
        }
        let key = memory.and_then(|memory| memory.key.clone()).unwrap_or_default();
        let note = Arc::new(Note { component: self.handle.node.component.to_owned(), key, time, remembered });
        self.note = Some(note.clone());
        let (handle, checkpoint) = (self.handle.clone(), self.checkpoint.clone());
        self.writing = Some(spawn(async move {
            let written = blocking(move || match note.encode() {
                Ok(payload) => checkpoint.save(VERSION, &payload).map_err(|error| describe(&error)),
                Err(error) => Err(error.to_string()),
            });
            match written.await.map_err(|panic| panic.message).flatten() {
                Ok(()) => *handle.on_disk.kept() = Kept { saved_at: Some(time), fault: None },
                Err(error) => complain(&handle, error),
            }
        }));
    }
}

/// Tells once why nothing can be written, and again when it is for another reason.
fn complain(handle: &NodeHandle, error: String) {
    let mut kept = handle.on_disk.kept();
    if kept.fault.as_ref() != Some(&error) {
        tracing::error!(node = %handle.node.id, error, "what it remembers cannot be saved; a restart goes back to what is on disk");
        kept.fault = Some(error);
    }
}
