//! The dead letter: where an event goes that cannot be processed or delivered, with the reason and all it takes
//! to send it in again. One JSON line an event, in a file that is capped.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fieldline_compiler::NodeId;
use fieldline_core::clock::rfc3339;
use fieldline_core::ledger::Door;
use fieldline_core::{Clock, Event, EventError, Outcome, Value, json};
use tokio::fs;
use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;

/// The size at which a file is put aside; one older file is kept.
const MAX_SIZE: u64 = 8 << 20;

/// Why an event is here.
pub(crate) struct Failure<'a> {
    /// The node that failed it.
    pub(crate) node: &'a NodeId,
    /// What went wrong.
    pub(crate) error: &'a EventError,
    /// How often it was tried.
    pub(crate) attempts: u32,
}

/// One pipeline's dead letter.
#[derive(Clone)]
pub(crate) struct DeadLetters(Arc<Mutex<CappedFile>>);

struct CappedFile {
    path: PathBuf,
    open: Option<(fs::File, u64)>,
}

impl DeadLetters {
    /// The dead letter of `pipeline`, a file under `data_dir` that is made when first needed.
    pub(crate) fn new(data_dir: &Path, pipeline: &str) -> Self {
        let path = data_dir.join("dead-letter").join(format!("{pipeline}.jsonl"));
        DeadLetters(Arc::new(Mutex::new(CappedFile { path, open: None })))
    }

    /// Keeps the event and ends it as dead-lettered; if that fails it ends as rejected, which a source
    /// that can send again is told.
    pub(crate) async fn put(&self, event: Event, failure: Failure<'_>, clock: &Clock) {
        let reason = failure.error.reason;
        tracing::debug!(node = %failure.node, reason, error = %failure.error, "event goes to the dead letter");
        let line = json::encode(&letter(&event, &failure, clock));
        let kept = match line {
            Ok(line) => self.0.lock().await.append(line).await,
            Err(error) => Err(io::Error::other(error)),
        };
        match kept {
            Ok(()) => event.finish(Door::DeadLettered(reason)),
            Err(error) => {
                tracing::error!(node = %failure.node, %error, "the dead letter cannot be written; the event is lost here");
                event.finish_as(Door::Lost, Outcome::Rejected);
            }
        }
    }
}

/// The line: what failed, where, why, and the event as it was.
fn letter(event: &Event, failure: &Failure<'_>, clock: &Clock) -> Value {
    Value::from([
        ("time", Value::from(rfc3339(clock.time()))),
        ("node", Value::from(failure.node.as_str())),
        ("reason", Value::from(failure.error.reason)),
        ("message", Value::from(&*failure.error.message)),
        ("attempts", Value::Int(i64::from(failure.attempts))),
        ("meta", Value::Map(event.meta().to_map())),
        ("body", event.body().clone()),
    ])
}

impl CappedFile {
    async fn append(&mut self, mut line: Vec<u8>) -> io::Result<()> {
        line.push(b'\n');
        let (mut file, size) = match self.open.take() {
            Some((_, size)) if size >= MAX_SIZE => {
                fs::rename(&self.path, self.path.with_extension("1.jsonl")).await?;
                self.create().await?
            }
            Some(open) => open,
            None => self.create().await?,
        };
        file.write_all(&line).await?;
        file.flush().await?;
        self.open = Some((file, size + line.len() as u64));
        Ok(())
    }

    async fn create(&self) -> io::Result<(fs::File, u64)> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).await?;
        }
        let file = fs::OpenOptions::new().create(true).append(true).open(&self.path).await?;
        let size = file.metadata().await?.len();
        Ok((file, size))
    }
}
