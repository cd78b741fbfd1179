//! [`EngineHandle`]: how everyone else asks the one task that owns the runtime.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fieldline_api::{
    FilesStatus, PlanPreview, ProgramStatus, ReloadOutcome, ReloadRequest, ReplayOutcome, Status,
};
use fieldline_runtime::View;
use fieldline_runtime::dead_letter::Letter;
use tokio::sync::{mpsc, oneshot, watch};

use crate::blocking::blocking;
use crate::clock_monitor::Notice;
use crate::failing::UnwellNodes;
use crate::inputs::Inputs;
use crate::source::ConfigSource;
use crate::status;

/// How many lines that are no dead letters are told one by one.
const MOST_UNREADABLE: usize = 20;

/// How many lines of dead letters are read in one go.
const LINES_AT_ONCE: u64 = 256;

/// The engine is stopping and answers no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the program is stopping")]
pub struct Stopping;

/// The files on disk compared with what runs.
#[derive(Clone)]
pub(crate) struct Files {
    source: Arc<dyn ConfigSource>,
    read: Arc<Mutex<(FilesStatus, Inputs)>>,
}

impl Files {
    /// Files of which `inputs` was read.
    pub(crate) fn new(source: Arc<dyn ConfigSource>, status: FilesStatus, inputs: Inputs) -> Self {
        Files { source, read: Arc::new(Mutex::new((status, inputs))) }
    }

    /// The status and what was read last, to be changed.
    pub(crate) fn read(&self) -> MutexGuard<'_, (FilesStatus, Inputs)> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a compilation would read something else than the last one did. Blocks.
    pub(crate) fn have_changed(&self) -> bool {
        self.read().1.have_changed(&*self.source)
    }
}

/// What can be asked of the engine.
pub(crate) enum Ask {
    /// Read the files again and take over what they say.
    Reload(ReloadRequest, oneshot::Sender<ReloadOutcome>),
    /// Tell what that would do.
    Preview(oneshot::Sender<PlanPreview>),
    /// Put dead letters in again.
    Replay(Vec<(u64, Letter)>, oneshot::Sender<ReplayOutcome>),
}

/// A way to ask the engine.
#[derive(Clone)]
pub struct EngineHandle {
    pub(crate) view: View,
    pub(crate) unwell: UnwellNodes,
    pub(crate) notice: Notice,
    pub(crate) files: Files,
    pub(crate) paths: watch::Receiver<BTreeSet<PathBuf>>,
    pub(crate) asks: mpsc::Sender<Ask>,
}

impl EngineHandle {
    /// The state of the program.
    pub fn program(&self) -> ProgramStatus {
        status::program(&self.view.status(), &self.unwell.lock(), self.notice.read())
    }

    /// The files compared with what runs. Reads those that may have been edited since they were read.
    pub async fn files(&self) -> FilesStatus {
        let files = self.files.clone();
        let looking = blocking(move || {
            let is_edited = files.have_changed();
            let mut status = files.read().0.clone();
            status.files_differ |= is_edited;
            status
        });
        looking.await.unwrap_or_default()
    }

    /// The state of the program and of its files.
    pub async fn status(&self) -> Status {
        Status { program: self.program(), files: self.files().await }
    }

    /// The files and folders that were read last, also those that are not there.
    pub fn paths(&self) -> watch::Receiver<BTreeSet<PathBuf>> {
        self.paths.clone()
    }

    /// Reads the files again and waits for the outcome.
    pub async fn reload(&self, request: ReloadRequest) -> Result<ReloadOutcome, Stopping> {
        self.ask(|answer| Ask::Reload(request, answer)).await
    }

    /// The effect of a reload.
    pub async fn preview(&self) -> Result<PlanPreview, Stopping> {
        self.ask(Ask::Preview).await
    }

    /// Puts the events of a dead letter file in again, at the nodes that failed them. An unreadable line is reported
    /// and does not affect the others; of many, the first are.
    pub async fn replay(&self, lines: &str) -> Result<ReplayOutcome, Stopping> {
        let mut letters = Vec::new();
        let mut unreadable = Vec::new();
        let mut unreadable_lines = 0;
        for (number, line) in (1..).zip(lines.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            match Letter::read(line) {
                Ok(letter) => letters.push((number, letter)),
                Err(error) => {
                    unreadable_lines += 1;
                    if unreadable.len() < MOST_UNREADABLE {
                        unreadable.push(format!("line {number}: {error}"));
                    }
                }
            }
            if number % LINES_AT_ONCE == 0 {
                // A long text keeps no other task of the thread waiting.
                tokio::task::yield_now().await;
            }
        }
        let outcome = self.ask(|answer| Ask::Replay(letters, answer)).await?;
        Ok(ReplayOutcome { unreadable, unreadable_lines, ..outcome })
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Stopping> {
        let (sender, answer) = oneshot::channel();
        self.asks.send(ask(sender)).await.map_err(|_| Stopping)?;
        answer.await.map_err(|_| Stopping)
    }
}
