//! [`Engine`]: compiles, applies, reloads, rolls back, stops. One task owns the runtime; everyone else asks it through an
//! [`EngineHandle`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use fieldline_api::{
    Change, FilesStatus, PlanPreview, ReloadOutcome, ReloadRequest, ReloadResult, ReplayOutcome,
};
use fieldline_compiler::change::Losses;
use fieldline_compiler::{Broken, Compiled, NodeId, Plan};
use fieldline_core::{Clock, Draft, amount};
use fieldline_runtime::dead_letter::Letter;
use fieldline_runtime::{ApplyError, Environment, InjectError, Runtime, View};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinError;

use crate::blocking::blocking;
use crate::clock_monitor::ClockMonitor;
use crate::event::{EngineEvent, Observer, Summary, Trigger};
use crate::failing::FailureMonitor;
use crate::handle::{Ask, EngineHandle, Files};
use crate::inputs::Inputs;
use crate::last_good::{Kept, LastGood};
use crate::load::{Loaded, Loader, error_lines, with_broken_as_they_run};
use crate::outcome::{self, rejected};
use crate::preview::tell;
use crate::shutdown::{Toll, stopped};
use crate::start::Start;
use crate::trial::{RolledBack, Trials};

/// Time between two looks at the program.
const LOOK: Duration = Duration::from_secs(1);

/// Number of questions that may wait for the engine.
const QUESTIONS: usize = 4;

/// Why an engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Neither the files nor the last good version can be built.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// Why files were not read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    /// What reads them panicked.
    #[error(transparent)]
    Panicked(#[from] JoinError),
    /// The program stops.
    #[error("the program is stopping")]
    Stopping,
}

/// A program that runs and can be changed.
pub struct Engine {
    runtime: Runtime,
    view: View,
    clock: Clock,
    last_good: Option<LastGood>,
    trials: Trials,
    loader: Loader,
    grace: Duration,
    clock_monitor: ClockMonitor,
    failures: FailureMonitor,
    toll: Toll,
    observer: Observer,
    files: Files,
    paths: watch::Sender<BTreeSet<PathBuf>>,
    asks: mpsc::Receiver<Ask>,
    stop: watch::Receiver<bool>,
}

impl Engine {
    /// Starts a version; `observer` hears of all that happens from then on, until `stop` is true.
    pub async fn start(
        start: Start,
        clock: Clock,
        mut clock_monitor: ClockMonitor,
        observer: Observer,
        stop: watch::Receiver<bool>,
    ) -> Result<(Self, EngineHandle), EngineError> {
        let Start { options, loader, compiled, mut inputs, last_good, plan, found, otherwise, rolled_back } =
            start;
        let mut runtime = Runtime::new(Environment {
            clock: clock.clone(),
            data_dir: options.data_dir.into(),
            drain: options.grace,
            save_every: Some(options.save_every),
        });
        let view = runtime.view();
        let (sender, asks) = mpsc::channel(QUESTIONS);
        let (paths, read_paths) = watch::channel(owned(inputs.paths()));
        let contents = inputs.take_contents();
        let status = FilesStatus {
            files_differ: !compiled.broken.is_empty() || rolled_back.is_some(),
            broken: broken_files(&compiled.broken),
            errors: error_lines(&compiled),
            last_reload: rolled_back
                .clone()
                .map(|reason| ReloadOutcome::RolledBack { reasons: vec![reason] }),
        };
        let files = Files::new(loader.source().clone(), status, inputs);
        clock_monitor.look(clock.instant(), clock.time());
        let failures = FailureMonitor::default();
        let handle = EngineHandle {
            view: view.clone(),
            unwell: failures.unwell(),
            notice: clock_monitor.notice(),
            files: files.clone(),
            paths: read_paths,
            asks: sender,
        };
        if let Err(error) = runtime.apply(plan).await {
            let Some(good) = otherwise else { return Err(error.into()) };
            tracing::error!(%error, "what the files say cannot be started; the last good version starts");
            runtime.apply(good).await?;
        }
        let toll = Toll::new(view.clone());
        let rolled_back = rolled_back.map(|reason| RolledBack { version: found, reasons: vec![reason] });
        let mut engine = Engine {
            trials: Trials::new(clock.clone(), runtime.plan(), rolled_back),
            runtime,
            view,
            clock,
            last_good,
            loader,
            grace: options.grace,
            clock_monitor,
            failures,
            toll,
            observer,
            files,
            paths,
            asks,
            stop,
        };
        engine.tell(&EngineEvent::Ready(engine.summary()));
        let is_good = compiled.broken.is_empty() && engine.runtime.plan().fingerprint() == found;
        engine.keep(is_good, contents);
        Ok((engine, handle))
    }

    /// Runs until every source has finished or the stop comes, then drains; reloads whenever a trigger asks for it. Gives
    /// back how many events the stop has lost; where every source has finished, how many were lost or put into the dead
    /// letter since the start.
    pub async fn run(mut self, mut triggers: mpsc::Receiver<Trigger>) -> u64 {
        let mut stop = std::pin::pin!(stopped(self.stop.clone()));
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(ask) = self.asks.recv() => self.answer(ask).await,
                Some(trigger) = triggers.recv() => self.obey(trigger).await,
                () = self.runtime.source_ended() => {}
                _ = look.tick() => {
                    self.tell(&EngineEvent::Alive);
                    self.clock_monitor.look(self.clock.instant(), self.clock.time());
                    self.look().await;
                }
            }
            if self.runtime.has_finished() {
                tracing::info!("every source has come to its end");
                break;
            }
        }
        self.tell(&EngineEvent::Stopping);
        let has_finished = self.runtime.has_finished();
        self.toll.drain(&mut self.runtime, self.grace, has_finished).await
    }

    async fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Reload(request, answer) => drop(answer.send(self.reload(request).await)),
            Ask::Preview(answer) => drop(answer.send(self.preview().await)),
            Ask::Replay(letters, answer) => drop(answer.send(self.replay(letters).await)),
        }
    }

    async fn obey(&mut self, trigger: Trigger) {
        let is_due = match trigger {
            Trigger::Reload => true,
            Trigger::FilesChanged => self.files_have_changed().await,
        };
        if is_due {
            self.reload(ReloadRequest::default()).await;
        }
    }

    /// Compiles the files again and takes over what is whole.
    async fn reload(&mut self, request: ReloadRequest) -> ReloadOutcome {
        let Loaded { compiled, mut inputs } = match self.load().await {
            Ok(loaded) => loaded,
            Err(error) => return self.conclude(rejected(&error)),
        };
        self.paths.send_replace(owned(inputs.paths()));
        let errors = error_lines(&compiled);
        let contents = inputs.take_contents();
        self.note(&compiled, inputs);
        let is_whole = compiled.broken.is_empty();
        self.trials.read(compiled.plan.fingerprint());
        let outcome = match self.next(compiled) {
            ControlFlow::Continue(next) => {
                let outcome = self.trials.apply(&mut self.runtime, next, request.losses).await;
                outcome::beside(outcome, errors)
            }
            ControlFlow::Break(outcome) => outcome,
        };
        self.keep(is_whole && !outcome.is_refused(), contents);
        self.conclude(outcome)
    }

    /// The plan that a reload applies, or its outcome if it applies none.
    fn next(&self, compiled: Compiled) -> ControlFlow<ReloadOutcome, Plan> {
        let errors = error_lines(&compiled);
        let is_whole = compiled.broken.is_empty();
        let next = with_broken_as_they_run(self.runtime.plan(), compiled.plan, &compiled.broken);
        let found = next.fingerprint();
        let is_running = found == self.runtime.plan().fingerprint();
        if next.pipelines.is_empty() {
            ControlFlow::Break(ReloadOutcome::rejected(nothing_left(errors)))
        } else if let Some(rolled_back) = self.trials.rolled_back().filter(|one| one.version == found) {
            ControlFlow::Break(ReloadOutcome::RolledBack { reasons: rolled_back.reasons.clone() })
        } else if is_running && is_whole {
            ControlFlow::Break(ReloadOutcome::Unchanged)
        } else if is_running {
            ControlFlow::Break(ReloadOutcome::rejected(errors))
        } else {
            ControlFlow::Continue(next)
        }
    }

    /// Judges nodes and the version that runs, and looks whether one that was refused can be applied now.
    async fn look(&mut self) {
        let status = self.view.status();
        self.failures.look(self.clock.instant(), &status.nodes);
        let outcome = self.trials.look(&mut self.runtime, &status).await;
        if let Some(last_good) = &mut self.last_good {
            match (&outcome, self.trials.rolled_back()) {
                (Some(_), Some(RolledBack { version, reasons })) => {
                    last_good.refuse(*version, &reasons.join("; ")).await;
                }
                (Some(_), None) => last_good.forgive().await,
                (None, _) if !self.trials.is_open() => last_good.look(self.clock.instant()).await,
                (None, _) => {}
            }
        }
        if let Some(outcome) = outcome {
            self.conclude(outcome);
        }
        if self.trials.may_apply_refused(&self.runtime) {
            tracing::info!("the events that a change had to wait for are sent; it is made now");
            self.reload(ReloadRequest::default()).await;
        }
    }

    /// What these files say runs from now on; if it is good it may be what the next start falls back to.
    fn keep(&mut self, is_good: bool, contents: BTreeMap<PathBuf, Bytes>) {
        match &mut self.last_good {
            Some(last_good) if is_good => last_good.consider(Kept::of(contents), self.clock.instant()),
            Some(last_good) => last_good.withdraw(),
            None => {}
        }
    }

    /// Whether a compilation would read something else than the last one did.
    async fn files_have_changed(&mut self) -> bool {
        let files = self.files.clone();
        let read = self.read(move || files.have_changed()).await;
        matches!(read, Ok(true) | Err(ReadError::Panicked(_)))
    }

    /// What a reload would do.
    async fn preview(&mut self) -> PlanPreview {
        let rejected = |reasons: Vec<String>| PlanPreview::Rejected { reasons };
        let compiled = match self.load().await {
            Ok(loaded) => loaded.compiled,
            Err(error) => return rejected(vec![error.to_string()]),
        };
        let errors = error_lines(&compiled);
        let running = self.runtime.plan();
        let next = match self.next(compiled) {
            ControlFlow::Continue(next) => next,
            ControlFlow::Break(ReloadOutcome::Unchanged) => running.clone(),
            ControlFlow::Break(ReloadOutcome::RolledBack { reasons }) => {
                return rejected(vec![format!("this version was rolled back: {}", reasons.join("; "))]);
            }
            ControlFlow::Break(outcome) => return rejected(outcome.reasons().to_vec()),
        };
        let (change, refusals) = self.runtime.forecast(&next, Losses::Refuse);
        let told = tell(&change, &refusals, |id| self.runtime.waiting(id).events, running, &next);
        PlanPreview::Change(Change { errors, ..told })
    }

    /// Puts dead letters in again; what cannot be is told with its reason. A node whose queue is full is tried once: what
    /// else happens to the program waits for this.
    async fn replay(&mut self, letters: Vec<(u64, Letter)>) -> ReplayOutcome {
        let mut lines = Vec::new();
        let mut refused: BTreeMap<String, u64> = BTreeMap::new();
        let mut full: BTreeMap<NodeId, InjectError> = BTreeMap::new();
        for (line, letter) in letters {
            let draft = Draft { body: letter.body, meta: letter.meta };
            let injected = match full.get(&letter.node) {
                Some(error) => Err(error.clone()),
                None => self.runtime.inject(&letter.node, letter.input.as_deref(), vec![draft]).await,
            };
            match injected {
                Ok(()) => lines.push(line),
                Err(error) => {
                    *refused.entry(error.to_string()).or_default() += 1;
                    if matches!(error, InjectError::Full(_)) {
                        full.insert(letter.node, error);
                    }
                }
            }
        }
        let told = |(error, events): (String, u64)| match events {
            1 => error,
            _ => format!("{error} ({})", amount(events, "event", "events")),
        };
        ReplayOutcome {
            replayed: lines.len() as u64,
            lines,
            not_replayed: refused.values().sum(),
            refused: refused.into_iter().map(told).collect(),
            ..ReplayOutcome::default()
        }
    }

    async fn load(&mut self) -> Result<Loaded, ReadError> {
        let loader = self.loader.clone();
        self.read(move || loader.load()).await
    }

    /// Reads files, which may hang; a stop does not wait for that.
    async fn read<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ReadError> {
        tokio::select! {
            read = blocking(work) => Ok(read?),
            () = stopped(self.stop.clone()) => Err(ReadError::Stopping),
        }
    }

    /// Remembers what was read, and what is wrong with it.
    fn note(&self, compiled: &Compiled, inputs: Inputs) {
        let mut read = self.files.read();
        read.1 = inputs;
        read.0.broken = broken_files(&compiled.broken);
        read.0.errors = error_lines(compiled);
    }

    /// Tells everyone what came of a reload.
    fn conclude(&mut self, outcome: ReloadOutcome) -> ReloadOutcome {
        outcome::log(&outcome);
        let summary = self.summary();
        self.tell(&EngineEvent::Reloaded { outcome: &outcome, summary });
        let status = &mut self.files.read().0;
        let is_whole = status.broken.is_empty() && !self.trials.keeps_files_out();
        status.files_differ = outcome.is_refused() || !is_whole;
        if outcome.result() != ReloadResult::Unchanged {
            status.last_reload = Some(outcome.clone());
        }
        outcome
    }

    fn tell(&mut self, event: &EngineEvent<'_>) {
        (self.observer)(event);
    }

    fn summary(&self) -> Summary {
        let status = self.view.status();
        Summary { nodes: status.nodes.len(), generation: status.generation }
    }
}

/// Why a change to nothing is rejected: it is a slip far more often than a wish, and would end the program.
fn nothing_left(errors: Vec<String>) -> Vec<String> {
    let reason = "no pipeline is left in the files; to end the program, stop it".to_owned();
    [reason].into_iter().chain(errors).collect()
}

fn broken_files(broken: &[Broken]) -> Vec<String> {
    broken.iter().map(|broken| broken.file.display().to_string()).collect()
}

fn owned<'p>(paths: impl Iterator<Item = &'p Path>) -> BTreeSet<PathBuf> {
    paths.map(Path::to_owned).collect()
}
