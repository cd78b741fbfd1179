//! The running program: compiles, applies, watches, reloads, takes back, stops. One task owns the runtime;
//! everyone else asks it through an [`EngineHandle`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fieldline_compiler::plan::Fingerprint;
use fieldline_compiler::{Broken, Compiled};
use fieldline_core::{Clock, Draft};
use fieldline_runtime::dead_letter::Letter;
use fieldline_runtime::{Environment, Runtime, View};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::cli::RunOptions;
use crate::inputs::Inputs;
use crate::last_good::{Kept, LastGood, Start};
use crate::preview::preview;
use crate::probation::Past;
use crate::service::Service;
use crate::timekeeper::Timekeeper;
use crate::watch::Watch;
use crate::{disk, output, telemetry};

mod handle;

mod merge;

mod outcome;

mod trial;

use handle::Ask;
pub(crate) use handle::{EngineHandle, Files};
pub(crate) use merge::with_broken_as_they_run;
pub(crate) use outcome::Outcome;
use trial::Trial;

/// How often the engine looks whether all is done and well.
const LOOK: Duration = Duration::from_secs(1);

/// The running program.
pub(crate) struct Engine {
    options: RunOptions,
    runtime: Runtime,
    view: View,
    clock: Clock,
    timekeeper: Timekeeper,
    service: Service,
    last_good: Option<LastGood>,
    files: Arc<Mutex<Files>>,
    asks: mpsc::Receiver<Ask>,
    watch: Option<Watch>,
    past: Past,
    trial: Option<Trial>,
    /// A version that was taken back, and why: not to be applied again until somebody edits it.
    taken_back: Option<(Fingerprint, String)>,
}

impl Engine {
    /// Applies what was compiled.
    pub(crate) async fn start(
        options: RunOptions,
        (compiled, mut inputs): (Compiled, Inputs),
        start: Start,
        clock: Clock,
        mut timekeeper: Timekeeper,
    ) -> anyhow::Result<(Self, EngineHandle)> {
        let environment = Environment {
            clock: clock.clone(),
            data_dir: disk::data_dir(options.data_dir.as_deref()).into(),
            drain: Duration::from_secs(options.grace),
            save_every: Some(Duration::from_secs(options.save_every)),
        };
        let mut runtime = Runtime::new(environment);
        let (sender, asks) = mpsc::channel(4);
        let broken = broken_files(&compiled.broken);
        let errors = output::lines(&compiled);
        let found = start.found;
        let mut watch = (!options.no_watch).then(Watch::new);
        if let Some(watch) = &mut watch {
            watch.set(inputs.paths());
        }
        let contents = inputs.take_contents();
        let differ = !broken.is_empty() || start.taken_back.is_some();
        let files = Arc::new(Mutex::new(Files { differ, broken, errors, inputs, last: None }));
        let view = runtime.view();
        timekeeper.look(clock.instant(), clock.time());
        let notice = timekeeper.notice();
        let handle = EngineHandle { view: view.clone(), notice, files: files.clone(), asks: sender };
        if let Err(error) = runtime.apply(start.plan).await {
            let Some(good) = start.otherwise else { return Err(error.into()) };
            tracing::error!(%error, "what the files say cannot be started; the last good version starts");
            runtime.apply(good).await?;
        }
        let service = Service::new();
        service.ready(&summary(&view));
        let (past, trial) = (Past::default(), None);
        let mut engine = Engine {
            options,
            runtime,
            view,
            clock,
            timekeeper,
            service,
            files,
            asks,
            watch,
            past,
            trial,
            last_good: start.last_good,
            taken_back: start.taken_back.map(|reason| (found, reason)),
        };
        let is_good = compiled.broken.is_empty() && engine.runtime.plan().fingerprint() == found;
        engine.keep(is_good, contents);
        Ok((engine, handle))
    }

    /// Runs until every source has finished or `stop` resolves, then drains.
    pub(crate) async fn run(
        mut self,
        stop: impl Future<Output = ()>,
        mut hangup: tokio::signal::unix::Signal,
    ) {
        let mut stop = std::pin::pin!(stop);
        let mut look = tokio::time::interval(LOOK);
        loop {
            let changed = async {
                match &mut self.watch {
                    Some(watch) => watch.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = &mut stop => break,
                Some(ask) = self.asks.recv() => match ask {
                    Ask::Reload(answer) => drop(answer.send(self.reload().await)),
                    Ask::Preview(answer) => drop(answer.send(self.preview().await)),
                    Ask::Replay(letters, answer) => drop(answer.send(self.replay(letters).await)),
                },
                _ = hangup.recv() => drop(self.reload().await),
                () = changed => {
                    if self.files_have_changed().await {
                        self.reload().await;
                    }
                }
                () = self.runtime.source_ended() => {}
                _ = look.tick() => {
                    self.service.alive();
                    self.timekeeper.look(self.clock.instant(), self.clock.time());
                    self.look().await;
                }
            }
            if self.runtime.has_finished() {
                tracing::info!("every source has come to its end");
                break;
            }
        }
        self.service.stopping();
        let applied = self.runtime.stop(Duration::from_secs(self.options.grace)).await;
        match applied.cut_off.as_slice() {
            [] => tracing::info!("stopped; everything was drained"),
            cut_off => {
                tracing::warn!(units = cut_off.len(), "stopped; not everything could be drained in time")
            }
        }
    }

    /// Compiles the files again and takes over what is whole.
    async fn reload(&mut self) -> Outcome {
        let (compiled, mut inputs) = match self.compile().await {
            Ok(compiled) => compiled,
            Err(outcome) => return self.conclude(outcome),
        };
        if let Some(watch) = &mut self.watch {
            watch.set(inputs.paths());
        }
        let broken = broken_files(&compiled.broken);
        let errors = output::lines(&compiled);
        let is_whole = broken.is_empty();
        let contents = inputs.take_contents();
        self.files(|files| {
            (files.broken, files.inputs) = (broken, inputs);
            files.errors.clone_from(&errors);
        });
        let next = with_broken_as_they_run(self.runtime.plan(), compiled.plan, &compiled.broken);
        let found = next.fingerprint();
        let is_running = found == self.runtime.plan().fingerprint();
        let outcome = match &self.taken_back {
            Some((plan, reason)) if *plan == found => Outcome::RolledBack(reason.clone()),
            _ if is_running && is_whole => Outcome::Unchanged,
            _ if is_running => Outcome::Rejected(errors),
            _ => self.apply(next).await,
        };
        self.keep(is_whole && !outcome.is_refused(), contents);
        self.conclude(outcome)
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
    async fn files_have_changed(&self) -> bool {
        let files = self.files.clone();
        let looking = tokio::task::spawn_blocking(move || lock(&files).inputs.have_changed());
        looking.await.unwrap_or(true)
    }

    /// What a reload would do, as data.
    async fn preview(&self) -> Value {
        match self.compile().await {
            Ok((compiled, _)) if !compiled.is_ok() => json!({ "reasons": output::lines(&compiled) }),
            Ok((compiled, _)) => preview(self.runtime.plan(), &compiled.plan).to_json(),
            Err(outcome) => outcome.to_json(),
        }
    }

    /// Puts dead letters in again; what cannot be is told with its reason.
    async fn replay(&self, letters: Vec<Letter>) -> Value {
        let mut replayed = 0;
        let mut refused = Vec::new();
        for letter in letters {
            let draft = Draft { body: letter.body, meta: letter.meta };
            match self.runtime.inject(&letter.node, letter.input.as_deref(), vec![draft]).await {
                Ok(()) => replayed += 1,
                Err(error) => refused.push(error.to_string()),
            }
        }
        json!({ "replayed": replayed, "refused": refused })
    }

    async fn compile(&self) -> Result<(Compiled, Inputs), Outcome> {
        let paths = self.options.paths.clone();
        let compiling = tokio::task::spawn_blocking(move || disk::compile_recorded(&paths)).await;
        compiling.map_err(|panic| Outcome::Rejected(vec![panic.to_string()]))
    }

    /// Tells everyone what came of a reload.
    fn conclude(&self, outcome: Outcome) -> Outcome {
        outcome.log();
        self.service.status(&format!("{}; last reload: {}", summary(&self.view), outcome.word()));
        telemetry::count_reload(outcome.word());
        self.files(|files| {
            files.differ = outcome.is_refused() || !files.broken.is_empty();
            if !matches!(outcome, Outcome::Unchanged) {
                files.last = Some(outcome.clone());
            }
        });
        outcome
    }

    fn files(&self, change: impl FnOnce(&mut Files)) {
        change(&mut lock(&self.files));
    }
}

/// What runs, in a few words.
fn summary(view: &View) -> String {
    let status = view.status();
    format!("{} nodes run, generation {}", status.nodes.len(), status.generation)
}

fn lock(files: &Mutex<Files>) -> MutexGuard<'_, Files> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

fn broken_files(broken: &[Broken]) -> Vec<PathBuf> {
    broken.iter().map(|broken| broken.file.clone()).collect()
}
