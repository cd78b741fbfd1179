//! [`EngineHandle`]: how everyone else asks the one task that owns the runtime.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use fieldline_runtime::dead_letter::Letter;
use fieldline_runtime::{Status, View};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::outcome::Outcome;
use crate::inputs::Inputs;
use crate::timekeeper::{Findings, Notice};

/// How the files on disk stand to what runs.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Whether they said something else than what runs when they were read last.
    pub(crate) differ: bool,
    /// Files with errors.
    pub(crate) broken: Vec<PathBuf>,
    /// The errors, one line each.
    pub(crate) errors: Vec<String>,
    /// What was read last.
    pub(super) inputs: Inputs,
    /// What came of the last reload that was not `unchanged`.
    pub(crate) last: Option<Outcome>,
}

/// What can be asked of the engine.
pub(super) enum Ask {
    /// Read the files again and take over what they say.
    Reload(oneshot::Sender<Outcome>),
    /// Tell what that would do.
    Preview(oneshot::Sender<Value>),
    /// Put dead letters in again.
    Replay(Vec<Letter>, oneshot::Sender<Value>),
}

/// A way to ask the engine.
#[derive(Clone)]
pub(crate) struct EngineHandle {
    pub(super) view: View,
    pub(super) notice: Notice,
    pub(super) files: Arc<Mutex<Files>>,
    pub(super) asks: mpsc::Sender<Ask>,
}

impl EngineHandle {
    /// The state of all nodes.
    pub(crate) fn status(&self) -> Status {
        self.view.status()
    }

    /// What is known of the machine's wall clock.
    pub(crate) fn clock(&self) -> Findings {
        self.notice.read()
    }

    /// How the files stand to what runs, and whether they were edited since they were read. Reads what may have
    /// been.
    pub(crate) async fn files(&self) -> Value {
        let files = self.files.clone();
        let looking = tokio::task::spawn_blocking(move || {
            let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
            json!({
                "files_differ": files.differ || files.inputs.have_changed(),
                "broken": files.broken,
                "errors": files.errors,
                "last_reload": files.last.as_ref().map(Outcome::to_json),
            })
        });
        looking.await.unwrap_or_default()
    }

    /// Reads the files again and waits for what comes of it; `None` when the program is stopping.
    pub(crate) async fn reload(&self) -> Option<Outcome> {
        let (answer, outcome) = oneshot::channel();
        self.asks.send(Ask::Reload(answer)).await.ok()?;
        outcome.await.ok()
    }

    /// What a reload would do, as data; `None` when the program is stopping.
    pub(crate) async fn preview(&self) -> Option<Value> {
        let (answer, preview) = oneshot::channel();
        self.asks.send(Ask::Preview(answer)).await.ok()?;
        preview.await.ok()
    }

    /// Puts dead letters in again at the nodes that failed them; what came of it as data, `None` when the program
    /// is stopping.
    pub(crate) async fn replay(&self, letters: Vec<Letter>) -> Option<Value> {
        let (answer, replayed) = oneshot::channel();
        self.asks.send(Ask::Replay(letters, answer)).await.ok()?;
        replayed.await.ok()
    }
}
