//! `fieldline run`: runs pipelines until they end or are stopped.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use fieldline_core::Clock;
use fieldline_engine::{ClockMonitor, Engine, EngineEvent, EngineOptions, Start, Trigger, watch};
use fieldline_runtime::{SystemTime, Unset};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::cli::{BAD_CONFIG, Format, RunOptions};
use crate::service::Service;
use crate::{admin, disk, logging, output, telemetry};

/// Runs what is whole; a broken file does not keep the others from running.
pub(crate) fn run(options: &RunOptions) -> anyhow::Result<ExitCode> {
    logging::start(&options.log)?;
    let start = Start::new(engine_options(options), disk::loader(&options.paths));
    output::diagnostics(start.compiled(), Format::Human);
    if start.plan().nodes.is_empty() {
        let found = output::count(start.compiled()).unwrap_or_else(|| "no pipeline found".into());
        tracing::error!(found, "nothing can run");
        return Ok(BAD_CONFIG.into());
    }
    for broken in &start.compiled().broken {
        let file = broken.file.display().to_string();
        if start.plan().pipelines.iter().any(|pipeline| pipeline.file == broken.file) {
            tracing::error!(file, "this file has errors; it runs as it was when it had none");
        } else {
            tracing::error!(file, "this file has errors and does not run; the others do");
        }
    }
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    threads.context("tokio cannot start")?.block_on(run_until_stopped(options, start))?;
    Ok(ExitCode::SUCCESS)
}

fn engine_options(options: &RunOptions) -> EngineOptions {
    EngineOptions {
        data_dir: disk::data_dir(options.data_dir.as_deref()),
        grace: Duration::from_secs(options.grace),
        save_every: Duration::from_secs(options.save_every),
        last_good: options.last_good,
    }
}

/// Runs the engine, and beside it all that asks it or reports on it.
async fn run_until_stopped(options: &RunOptions, start: Start) -> anyhow::Result<()> {
    let metrics = telemetry::install()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let hangup = signal(SignalKind::hangup())?;
    let listener = if options.no_admin { None } else { admin::bind(options.admin).await? };
    let (pipelines, nodes) = (start.plan().pipelines.len(), start.plan().nodes.len());
    let unset = Unset::default();
    let clock = Clock::new(SystemTime::new(unset.clone()));
    let service = Service::new();
    let observer = move |event: &EngineEvent<'_>| {
        telemetry::observe(event);
        service.observe(event);
    };
    let (engine, handle) = Engine::start(start, clock, ClockMonitor::new(unset), Box::new(observer)).await?;
    tracing::info!(pipelines, nodes, "running; stop with Ctrl-C");
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => tracing::info!("interrupted: draining"),
            _ = terminate.recv() => tracing::info!("terminated: draining"),
        }
    };
    let (triggers, triggered) = mpsc::channel(1);
    let hangups = send_hangups(hangup, triggers.clone());
    let watching = async {
        if !options.no_watch {
            watch(handle.paths(), triggers).await;
        }
    };
    let serving = async {
        if let Some(listener) = listener {
            admin::run(listener, handle.clone(), metrics.clone()).await;
        }
    };
    let beside = async { tokio::join!(hangups, watching, serving, telemetry::tidy(&metrics)) };
    tokio::select! {
        () = engine.run(triggered, stop) => {}
        _ = beside => {}
    }
    Ok(())
}

/// Asks for a reload at each SIGHUP.
async fn send_hangups(mut hangup: Signal, triggers: mpsc::Sender<Trigger>) {
    while hangup.recv().await.is_some() && triggers.send(Trigger::Reload).await.is_ok() {}
}
