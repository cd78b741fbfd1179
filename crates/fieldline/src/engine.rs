//! The running program: compiles, applies, watches, reloads, stops. One task owns the runtime; everyone else
//! asks it through an [`EngineHandle`].

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fieldline_compiler::plan::Plan;
use fieldline_compiler::{Broken, Compiled};
use fieldline_core::Clock;
use fieldline_runtime::runtime::View;
use fieldline_runtime::{Applied, Environment, Runtime, Status, SystemTime};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::cli::{Format, RunOptions};
use crate::watch::Watch;
use crate::{disk, output};

/// What came of a reload.
#[derive(Clone, Debug)]
pub(crate) enum ReloadResult {
    /// Something changed, as told.
    Applied(Applied),
    /// The files say what runs already.
    Unchanged,
    /// Nothing was changed; with the reasons, one line each.
    Rejected(Vec<String>),
}

impl ReloadResult {
    /// One word for metrics.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            ReloadResult::Applied(_) => "applied",
            ReloadResult::Unchanged => "unchanged",
            ReloadResult::Rejected(_) => "rejected",
        }
    }

    /// Whether the files could not be taken over.
    pub(crate) fn is_rejected(&self) -> bool {
        matches!(self, ReloadResult::Rejected(_))
    }

    /// As data for `/reload` and `/status`.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            ReloadResult::Applied(applied) => {
                let names = |units: &[fieldline_runtime::unit::Unit]| {
                    let members = units.iter().flat_map(|unit| unit.members().iter());
                    members.map(|id| id.as_str().to_owned()).collect::<Vec<_>>()
                };
                let moved: Vec<&str> = applied.moved.iter().map(|id| id.as_str()).collect();
                json!({
                    "result": self.word(),
                    "generation": applied.generation,
                    "kept": names(&applied.kept),
                    "started": names(&applied.started),
                    "stopped": names(&applied.stopped),
                    "moved": moved,
                    "cut_off": names(&applied.cut_off),
                })
            }
            ReloadResult::Unchanged => json!({ "result": self.word() }),
            ReloadResult::Rejected(reasons) => json!({ "result": self.word(), "reasons": reasons }),
        }
    }
}

/// How the files on disk stand to what runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    /// Whether they say something else than what runs.
    pub(crate) differ: bool,
    /// Files with errors.
    pub(crate) broken: Vec<PathBuf>,
    /// What came of the last reload.
    pub(crate) last: Option<ReloadResult>,
}

/// A way to ask the engine.
#[derive(Clone)]
pub(crate) struct EngineHandle {
    view: View,
    files: Arc<Mutex<Files>>,
    requests: mpsc::Sender<oneshot::Sender<ReloadResult>>,
}

impl EngineHandle {
    /// The state of all nodes.
    pub(crate) fn status(&self) -> Status {
        self.view.status()
    }

    /// How the files stand to what runs.
    pub(crate) fn files(&self) -> Files {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again and waits for what comes of it; `None` when the program is stopping.
    pub(crate) async fn reload(&self) -> Option<ReloadResult> {
        let (answer, result) = oneshot::channel();
        self.requests.send(answer).await.ok()?;
        result.await.ok()
    }
}

/// The running program.
pub(crate) struct Engine {
    options: RunOptions,
    runtime: Runtime,
    files: Arc<Mutex<Files>>,
    requests: mpsc::Receiver<oneshot::Sender<ReloadResult>>,
    watch: Option<Watch>,
}

impl Engine {
    /// Applies what was compiled.
    pub(crate) async fn start(
        options: RunOptions,
        compiled: Compiled,
    ) -> anyhow::Result<(Self, EngineHandle)> {
        let environment = Environment {
            clock: Clock::new(SystemTime),
            data_dir: disk::data_dir(options.data_dir.as_deref()).into(),
            drain: Duration::from_secs(options.grace),
        };
        let mut runtime = Runtime::new(environment);
        let (sender, requests) = mpsc::channel(4);
        let files =
            Arc::new(Mutex::new(Files { broken: broken_files(&compiled.broken), ..Files::default() }));
        let handle = EngineHandle { view: runtime.view(), files: files.clone(), requests: sender };
        let mut watch = (!options.no_watch).then(Watch::new);
        if let Some(watch) = &mut watch {
            watch.set(&compiled.watched);
        }
        runtime.apply(compiled.plan).await?;
        Ok((Engine { options, runtime, files, requests, watch }, handle))
    }

    /// Runs until every source has finished or `stop` resolves, then drains.
    pub(crate) async fn run(
        mut self,
        stop: impl Future<Output = ()>,
        mut hangup: tokio::signal::unix::Signal,
    ) {
        let mut stop = std::pin::pin!(stop);
        let mut look = tokio::time::interval(Duration::from_millis(200));
        loop {
            let changed = async {
                match &mut self.watch {
                    Some(watch) => watch.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = &mut stop => break,
                Some(answer) = self.requests.recv() => {
                    let result = self.reload().await;
                    let _nobody_waits = answer.send(result);
                }
                _ = hangup.recv() => drop(self.reload().await),
                () = changed => drop(self.reload().await),
                _ = look.tick() => if self.runtime.has_finished() {
                    tracing::info!("every source has come to its end");
                    break;
                }
            }
        }
        let applied = self.runtime.stop(Duration::from_secs(self.options.grace)).await;
        match applied.cut_off.as_slice() {
            [] => tracing::info!("stopped; everything was drained"),
            cut_off => {
                tracing::warn!(units = cut_off.len(), "stopped; not everything could be drained in time")
            }
        }
    }

    /// Compiles the files again and takes over what is whole. A broken file leaves what runs of it alone.
    async fn reload(&mut self) -> ReloadResult {
        let paths = self.options.paths.clone();
        let compiled = match tokio::task::spawn_blocking(move || disk::compile_paths(&paths)).await {
            Ok(compiled) => compiled,
            Err(panic) => return self.conclude(ReloadResult::Rejected(vec![panic.to_string()]), Vec::new()),
        };
        if let Some(watch) = &mut self.watch {
            watch.set(&compiled.watched);
        }
        let broken = broken_files(&compiled.broken);
        let reasons = output::lines(&compiled);
        let plan = keep_broken(self.runtime.plan(), compiled);
        let result = if is_same(self.runtime.plan(), &plan) {
            if broken.is_empty() { ReloadResult::Unchanged } else { ReloadResult::Rejected(reasons) }
        } else {
            match self.runtime.apply(plan).await {
                Ok(applied) => ReloadResult::Applied(applied),
                Err(error) => ReloadResult::Rejected(vec![error.to_string()]),
            }
        };
        self.conclude(result, broken)
    }

    /// Tells everyone what came of a reload.
    fn conclude(&self, result: ReloadResult, broken: Vec<PathBuf>) -> ReloadResult {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let news = files.broken != broken || !matches!(result, ReloadResult::Unchanged);
        match &result {
            ReloadResult::Applied(applied) => tracing::info!(
                generation = applied.generation,
                kept = applied.kept.len(),
                started = applied.started.len(),
                stopped = applied.stopped.len(),
                moved = applied.moved.len(),
                "reload: applied"
            ),
            ReloadResult::Unchanged => tracing::debug!("reload: unchanged"),
            ReloadResult::Rejected(reasons) if news => {
                for reason in reasons {
                    tracing::error!(reason, "reload: rejected; what runs goes on as it is");
                }
            }
            ReloadResult::Rejected(_) => tracing::debug!("reload: still rejected"),
        }
        if news {
            metrics::counter!("fieldline_reloads_total", "result" => result.word()).increment(1);
        }
        *files =
            Files { differ: result.is_rejected() || !broken.is_empty(), broken, last: Some(result.clone()) };
        result
    }
}

fn broken_files(broken: &[Broken]) -> Vec<PathBuf> {
    broken.iter().map(|broken| broken.file.clone()).collect()
}

/// The new plan with the pipelines of broken files as they run now.
fn keep_broken(running: &Plan, compiled: Compiled) -> Plan {
    let mut plan = compiled.plan;
    for broken in &compiled.broken {
        let is_free = |name: &str| plan.pipelines.iter().all(|pipeline| *pipeline.name != *name);
        let kept: Vec<_> = running
            .pipelines
            .iter()
            .filter(|old| old.file == broken.file && is_free(&old.name))
            .cloned()
            .collect();
        for pipeline in kept {
            let nodes = running.nodes.iter().filter(|node| node.id.pipeline() == &*pipeline.name).cloned();
            plan.nodes.extend(nodes);
            plan.pipelines.push(pipeline);
        }
    }
    for (path, content) in &running.files.0 {
        plan.files.0.entry(path.clone()).or_insert_with(|| content.clone());
    }
    plan
}

/// Whether applying `next` would change nothing.
fn is_same(running: &Plan, next: &Plan) -> bool {
    running.nodes.len() == next.nodes.len()
        && next.nodes.iter().all(|node| {
            running.node(&node.id).is_some_and(|old| {
                old.fingerprint == node.fingerprint
                    && old.inputs == node.inputs
                    && old.with == node.with
                    && old.policy == node.policy
                    && old.component == node.component
            })
        })
}

/// Prints what is wrong with the files at start; an error if nothing at all can run.
pub(crate) fn report_start(compiled: &Compiled) -> bool {
    output::diagnostics(compiled, Format::Human);
    !compiled.plan.nodes.is_empty()
}
