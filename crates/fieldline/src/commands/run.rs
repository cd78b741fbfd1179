//! `fieldline run`: runs pipelines until they end or are stopped.

use std::cell::OnceCell;
use std::future::pending;
use std::io;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use fieldline_core::Clock;
use fieldline_engine::{
    ClockMonitor, Engine, EngineError, EngineEvent, EngineHandle, EngineOptions, Start, Trigger,
};
use fieldline_runtime::{SystemTime, Unset};
use tokio::runtime::{Builder, Handle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{mpsc, oneshot, watch};

use crate::cli::{Format, RunOptions};
use crate::exit::Exit;
use crate::service::Service;
use crate::{admin, disk, logging, output, telemetry};

/// What the engine may take beyond the grace to end in order.
const LAST: Duration = Duration::from_millis(500);

/// Runs what is whole; a broken file does not keep the others from running.
pub(crate) fn run(options: &RunOptions) -> anyhow::Result<Exit> {
    let loader = disk::loader(&options.paths);
    logging::start(options.log.clone(), options.log_format, loader.redactor())?;
    if let Err(error) = fieldline_files::raise_descriptor_limit() {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
    let engine_options = engine_options(options);
    disk::close_to_others(&engine_options.data_dir);
    let start = Start::new(engine_options, loader);
    output::diagnostics(start.compiled(), Format::Human);
    if start.plan().nodes.is_empty() {
        let found = output::count(start.compiled()).unwrap_or_else(|| "no pipeline found".into());
        tracing::error!(found, "nothing can run");
        return Ok(Exit::BadConfig);
    }
    for broken in &start.compiled().broken {
        let file = broken.file.display().to_string();
        if start.plan().pipelines.iter().any(|pipeline| pipeline.file == broken.file) {
            tracing::error!(file, "this file has errors; it runs as it was when it had none");
        } else {
            tracing::error!(file, "this file has errors and does not run; the others do");
        }
    }
    let pipelines = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let pipelines = pipelines.context("tokio cannot start")?;
    let front = Builder::new_current_thread().enable_all().build().context("tokio cannot start")?;
    let ending = front.block_on(run_until_stopped(options, start, pipelines.handle()));
    // What hangs is not waited for.
    front.shutdown_background();
    pipelines.shutdown_timeout(if matches!(ending, Ok(Ending::Whole { .. })) {
        LAST
    } else {
        Duration::ZERO
    });
    Ok(ending?.code())
}

fn engine_options(options: &RunOptions) -> EngineOptions {
    EngineOptions {
        data_dir: disk::data_dir(options.data_dir.as_deref()),
        grace: Duration::from_secs(options.grace),
        save_every: Duration::from_secs(options.save_every),
        last_good: options.last_good,
    }
}

/// How a run came to its end.
enum Ending {
    /// The engine has ended by itself, or has drained, and has lost so many events at that.
    Whole { lost: u64 },
    /// Something hangs, and the grace is over.
    GraceOver,
    /// A second signal came during the grace.
    Hurried(Interruption),
}

impl Ending {
    fn code(&self) -> Exit {
        match self {
            Ending::Whole { lost: 0 } => Exit::Done,
            Ending::Whole { .. } | Ending::GraceOver => Exit::Loss,
            Ending::Hurried(Interruption::Interrupt) => Exit::Interrupted,
            Ending::Hurried(Interruption::Terminate) => Exit::Terminated,
        }
    }
}

/// Runs the engine on a thread of its own, and here all that asks it or reports on it: signals and the admin listener
/// are answered whatever the threads of the pipelines do.
async fn run_until_stopped(options: &RunOptions, start: Start, pipelines: &Handle) -> anyhow::Result<Ending> {
    let metrics = telemetry::install(pipelines.clone())?;
    let mut signals = Signals::new()?;
    let hangup = signal(SignalKind::hangup())?;
    let listener = if options.no_admin { None } else { admin::bind(options.admin).await? };
    let (triggers, triggered) = mpsc::channel(1);
    let watched = (!options.no_watch).then(|| triggers.clone());
    let (stop, stopped) = watch::channel(false);
    let EngineThread { started, mut ended } =
        EngineThread::start(start, pipelines, watched, triggered, stopped)?;
    let engine = OnceCell::new();
    let beside = async {
        let Ok(handle) = started.await else { return pending().await };
        let handle = engine.get_or_init(|| handle);
        let serving = async {
            if let Some(listener) = listener {
                admin::run(listener, handle.clone(), metrics.clone()).await;
            }
        };
        tokio::join!(send_hangups(hangup, triggers), serving, telemetry::tidy(&metrics));
    };
    let ending = async {
        tokio::select! {
            ended = &mut ended => return whole(ended),
            signal = signals.next() => tracing::info!("{}: draining", signal.word()),
        }
        stop.send_replace(true);
        tokio::select! {
            ended = &mut ended => whole(ended),
            signal = signals.next() => {
                tracing::warn!("{} again: ending at once", signal.word());
                tell_left_behind(engine.get());
                Ok(Ending::Hurried(signal))
            }
            () = tokio::time::sleep(Duration::from_secs(options.grace) + LAST) => {
                tracing::error!("something hangs; the grace is over, and the program ends without it");
                tell_left_behind(engine.get());
                Ok(Ending::GraceOver)
            }
        }
    };
    tokio::select! {
        ending = ending => ending,
        () = beside => Ok(Ending::Whole { lost: 0 }),
    }
}

fn whole(ended: Result<Result<u64, EngineError>, RecvError>) -> anyhow::Result<Ending> {
    let lost = ended.context("the engine panicked")??;
    Ok(Ending::Whole { lost })
}

/// Says which nodes still have events that nobody will get from them.
fn tell_left_behind(engine: Option<&EngineHandle>) {
    let Some(engine) = engine else { return };
    for node in engine.program().nodes {
        let events = node.balance.in_flight;
        if events > 0 {
            tracing::warn!(node = node.node, events, "left behind");
        }
    }
}

/// The thread of the engine, among the threads of the pipelines but not of them.
struct EngineThread {
    /// Gives the way to ask the engine, once it runs.
    started: oneshot::Receiver<EngineHandle>,
    /// How it ended.
    ended: oneshot::Receiver<Result<u64, EngineError>>,
}

impl EngineThread {
    fn start(
        start: Start,
        pipelines: &Handle,
        watched: Option<mpsc::Sender<Trigger>>,
        triggered: mpsc::Receiver<Trigger>,
        stopped: watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let (tell_started, started) = oneshot::channel();
        let (tell_ended, ended) = oneshot::channel();
        let pipelines = pipelines.clone();
        let run = run_engine(start, tell_started, watched, triggered, stopped);
        let run = move || {
            let _nobody_waits = tell_ended.send(pipelines.block_on(run));
        };
        thread::Builder::new().name("engine".into()).spawn(run).context("no thread can be started")?;
        Ok(EngineThread { started, ended })
    }
}

/// Starts the engine and runs it to its end; gives back how many events that lost. Files are watched here, since a file
/// system that is gone may hang.
async fn run_engine(
    start: Start,
    started: oneshot::Sender<EngineHandle>,
    watched: Option<mpsc::Sender<Trigger>>,
    triggered: mpsc::Receiver<Trigger>,
    stopped: watch::Receiver<bool>,
) -> Result<u64, EngineError> {
    let (pipelines, nodes) = (start.plan().pipelines.len(), start.plan().nodes.len());
    let unset = Unset::default();
    let clock = Clock::new(SystemTime::new(unset.clone()));
    let service = Service::new();
    let observer = move |event: &EngineEvent<'_>| {
        telemetry::observe(event);
        service.observe(event);
    };
    let (engine, handle) =
        Engine::start(start, clock, ClockMonitor::new(unset), Box::new(observer), stopped).await?;
    tracing::info!(pipelines, nodes, "running; stop with Ctrl-C");
    let paths = handle.paths();
    let _nobody_waits = started.send(handle);
    let watching = async {
        if let Some(triggers) = watched {
            fieldline_engine::watch(paths, triggers).await;
        }
        pending::<()>().await;
    };
    tokio::select! {
        lost = engine.run(triggered) => Ok(lost),
        () = watching => Ok(0),
    }
}

/// What asks the program to stop.
#[derive(Clone, Copy)]
enum Interruption {
    /// Ctrl-C.
    Interrupt,
    /// What systemd and `kill` send.
    Terminate,
}

impl Interruption {
    fn word(self) -> &'static str {
        match self {
            Interruption::Interrupt => "interrupted",
            Interruption::Terminate => "terminated",
        }
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Interruption {
        tokio::select! {
            _ = self.interrupt.recv() => Interruption::Interrupt,
            _ = self.terminate.recv() => Interruption::Terminate,
        }
    }
}

/// Asks for a reload at each SIGHUP.
async fn send_hangups(mut hangup: Signal, triggers: mpsc::Sender<Trigger>) {
    while hangup.recv().await.is_some() && triggers.send(Trigger::Reload).await.is_ok() {}
}
