//! The dead letter: where an event goes that cannot be processed or delivered, with the reason and all it takes
//! to send it in again. By default a capped file of JSON lines; a pipeline may name a sink instead, which then
//! answers for the event. What that sink does not take goes to the file, so that nothing goes in circles. What a full
//! file lets go comes back to the account of the node that failed it, and leaves it as dropped.

mod file;

mod letter;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fieldline_compiler::NodeId;
use fieldline_core::policy::LetterFile;
use fieldline_core::{Clock, Door, Event, EventError, Ledger, Meta, Outcome, Redactor};
use tokio::sync::{mpsc, watch};

use crate::outlet::{Parcel, Target};
use file::{CappedFile, Dropped};
use letter::LineError;
pub use letter::{Letter, LetterError};

/// How long a dead letter sink may keep a failed event waiting before the file takes it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why an event is here.
pub(crate) struct Failure<'a> {
    /// The node that failed it.
    pub(crate) node: &'a NodeId,
    /// What went wrong.
    pub(crate) error: &'a EventError,
    /// How often it was tried.
    pub(crate) attempts: u32,
}

/// Where letters go; level-triggered, like the wiring.
#[derive(Clone)]
pub(crate) enum Route {
    /// To the file.
    File,
    /// Wait: this sink is being replaced. What it cannot take itself any more goes to the file.
    Hold(NodeId),
    /// To this sink.
    Sink(NodeId, Target),
}

/// One pipeline's dead letter.
#[derive(Clone)]
pub(crate) struct DeadLetters(Arc<Office>);

struct Office {
    pipeline: String,
    data_dir: PathBuf,
    settings: Mutex<LetterFile>,
    /// Takes out what no letter may hold.
    redactor: Redactor,
    file: tokio::sync::Mutex<CappedFile>,
    /// The accounts of the nodes that have failed events.
    accounts: Mutex<BTreeMap<NodeId, Arc<Ledger>>>,
    route: watch::Sender<Route>,
    /// Set while the sink does not keep up, so that not every event waits for it.
    is_spilling: AtomicBool,
}

impl DeadLetters {
    /// The dead letter of `pipeline`, a file under `data_dir` that is made when first needed; `redactor` takes secrets out.
    pub(crate) fn new(data_dir: &Path, pipeline: &str, redactor: Redactor) -> Self {
        DeadLetters(Arc::new(Office {
            pipeline: pipeline.to_owned(),
            data_dir: data_dir.to_owned(),
            settings: Mutex::default(),
            redactor,
            file: tokio::sync::Mutex::default(),
            accounts: Mutex::default(),
            route: watch::Sender::new(Route::File),
            is_spilling: AtomicBool::new(false),
        }))
    }

    /// Keeps the file like this from now on.
    pub(crate) fn set_file(&self, settings: LetterFile) {
        *lock(&self.0.settings) = settings;
    }

    /// Sends letters elsewhere from now on.
    pub(crate) fn set_route(&self, route: Route) {
        self.0.route.send_replace(route);
    }

    /// Whether letters go to this sink now.
    pub(crate) fn leads_to(&self, sink: &NodeId) -> bool {
        matches!(&*self.0.route.borrow(), Route::Sink(id, _) if id == sink)
    }

    /// Keeps the event and ends it as dead-lettered; if that fails it ends as rejected, which a source
    /// that can send again is told. A dead letter sink takes the receipt over with the event.
    pub(crate) async fn put(&self, event: Event, failure: Failure<'_>, clock: &Clock) {
        let reason = failure.error.reason;
        tracing::debug!(node = %failure.node, reason, error = %failure.error, "event goes to the dead letter");
        let mut letter = Letter {
            time: clock.time(),
            node: failure.node.clone(),
            input: event.edge().map(ToString::to_string),
            reason: reason.to_owned(),
            message: failure.error.message.clone().into_owned(),
            attempts: failure.attempts,
            meta: event.meta().clone(),
            body: event.body().clone(),
        };
        letter.redact(&self.0.redactor);
        if let Some((target, permit)) = self.permit(failure.node).await {
            let meta = Meta::new(letter.time, failure.node.node().into());
            let receipt = event.hand_over(Door::DeadLettered(reason));
            let mut event = Event::new(letter.into_value(), meta, receipt);
            event.enter(&target.ledger);
            permit.send(Parcel { slot: target.slot, stage: 0, events: vec![event] });
            return;
        }
        if let Some(ledger) = event.ledger() {
            lock(&self.0.accounts).insert(failure.node.clone(), ledger.clone());
        }
        match self.0.keep(letter).await {
            Ok(dropped) => {
                event.finish(Door::DeadLettered(reason));
                self.0.book(dropped);
            }
            Err(error) => {
                tracing::error!(node = %failure.node, %error, "the dead letter cannot be written; the event is lost here");
                event.finish_as(Door::Lost, Outcome::Rejected);
            }
        }
    }

    /// A place in the queue of the dead letter sink; `None` where the file is to take the letter: there is no
    /// such sink, it is the one that failed, or it does not keep up.
    async fn permit(&self, failed: &NodeId) -> Option<(Target, mpsc::OwnedPermit<Parcel>)> {
        let mut route = self.0.route.subscribe();
        let may_wait = |route: &Route| matches!(route, Route::Hold(sink) if sink != failed);
        let route = route.wait_for(|route| !may_wait(route)).await.ok()?.clone();
        let Route::Sink(id, target) = route else { return None };
        if id == *failed {
            return None;
        }
        let patience = if self.0.is_spilling.load(Ordering::Relaxed) { Duration::ZERO } else { PATIENCE };
        let permit = tokio::time::timeout(patience, target.inbox.clone().reserve_owned()).await;
        let permit = permit.ok().and_then(Result::ok);
        let was_spilling = self.0.is_spilling.swap(permit.is_none(), Ordering::Relaxed);
        if permit.is_none() && !was_spilling {
            tracing::warn!(node = %id, "the dead letter sink does not keep up; failed events go to the file");
        }
        Some((target, permit?))
    }
}

/// Why a letter is not in the file.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("`{}`: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
}

impl Office {
    /// Writes a letter to the file; gives back what had to go for it.
    async fn keep(&self, letter: Letter) -> Result<Dropped, KeepError> {
        let line = letter.into_line()?;
        let settings = lock(&self.settings).clone();
        let folder = self.data_dir.join(settings.folder.as_deref().unwrap_or(Path::new("dead-letter")));
        let path = folder.join(format!("{}.jsonl", self.pipeline));
        let kept = self.file.lock().await.append(line, &path, &settings).await;
        kept.map_err(|error| KeepError::File { path, error })
    }

    /// Books letters that went with an old file. The account of a node that has failed nothing since the program
    /// started is closed; for it the log has to do.
    fn book(&self, dropped: Dropped) {
        for (node, letters) in dropped {
            tracing::error!(%node, letters, "the dead letter is full; its oldest file is deleted, and failed events with it");
            if let Some(ledger) = lock(&self.accounts).get(&node) {
                ledger.create_many(letters);
                ledger.leave_many(Door::Dropped("dead_letter_full"), letters);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
