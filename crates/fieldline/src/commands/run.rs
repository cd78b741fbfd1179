//! `fieldline run`: runs pipelines until they end or are stopped.

use std::process::ExitCode;

use anyhow::Context;
use fieldline_core::Clock;
use fieldline_runtime::{SystemTime, Unset};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{BAD_CONFIG, Format, RunOptions};
use crate::engine::Engine;
use crate::last_good::Start;
use crate::timekeeper::Timekeeper;
use crate::{admin, disk, logging, output, telemetry};

/// Runs what is whole; a broken file does not keep the others from running.
pub(crate) fn run(options: &RunOptions) -> anyhow::Result<ExitCode> {
    logging::start(&options.log)?;
    let (mut compiled, inputs) = disk::compile_recorded(&options.paths);
    output::diagnostics(&compiled, Format::Human);
    let start = Start::new(options, &mut compiled);
    if start.plan.nodes.is_empty() {
        let found = output::count(&compiled).unwrap_or_else(|| "no pipeline found".into());
        tracing::error!(found, "nothing can run");
        return Ok(BAD_CONFIG.into());
    }
    for broken in &compiled.broken {
        let file = broken.file.display().to_string();
        if start.plan.pipelines.iter().any(|pipeline| pipeline.file == broken.file) {
            tracing::error!(file, "this file has errors; it runs as it was when it had none");
        } else {
            tracing::error!(file, "this file has errors and does not run; the others do");
        }
    }
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    threads.context("tokio cannot start")?.block_on(async {
        let metrics = telemetry::install()?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let hangup = signal(SignalKind::hangup())?;
        let listener = if options.no_admin { None } else { admin::bind(options.admin).await? };
        let (pipelines, nodes) = (start.plan.pipelines.len(), start.plan.nodes.len());
        let unset = Unset::default();
        let clock = Clock::new(SystemTime::new(unset.clone()));
        let (engine, handle) =
            Engine::start(options.clone(), (compiled, inputs), start, clock, Timekeeper::new(unset)).await?;
        tracing::info!(pipelines, nodes, "running; stop with Ctrl-C");
        let stop = async move {
            tokio::select! {
                _ = interrupt.recv() => tracing::info!("interrupted: draining"),
                _ = terminate.recv() => tracing::info!("terminated: draining"),
            }
        };
        let upkeep = metrics.clone();
        let beside = async {
            let tidy = async {
                loop {
                    tokio::time::sleep(telemetry::UPKEEP).await;
                    upkeep.run_upkeep();
                }
            };
            match listener {
                Some(listener) => drop(tokio::join!(tidy, admin::run(listener, handle, metrics))),
                None => tidy.await,
            }
        };
        tokio::select! {
            () = engine.run(stop, hangup) => {}
            () = beside => {}
        }
        anyhow::Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}
