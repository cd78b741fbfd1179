//! [`Turn`]: what one plant shows at its turn: at rest, edited, and at work.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::super::super::admin::{Admin, Times};
use super::super::super::broker::write;
use super::super::super::process::{Process, command, free_port, now, wait};
use super::plant::{AT_REST, Plant};

/// How often an event goes through a node while a plant is at work, over all nodes.
const STEPS: usize = 4_000_000;

/// Edits at a turn.
const EDITS: u32 = 5;

/// How long a plant is left alone before its memory is read.
pub(in crate::bench) const REST: Duration = Duration::from_millis(500);

const EVENT: &str = "{\"sequence\":25,\"timestamp_utc\":\"2020-02-15T16:43:16.226983Z\",\"value\":21.5,\"status\":\"success\"}\n";

/// What was measured at one turn.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// Resident memory at rest in KiB.
    pub(super) resident: u64,
    /// Milliseconds that `fieldline check` takes in all.
    pub(super) check: f64,
    /// Milliseconds from the request to reload until all is applied, in the middle of some edits of one node.
    pub(super) reload: f64,
    /// Millions of times a second that an event goes through a node.
    pub(super) rate: f64,
}

impl Turn {
    /// Measures `plant` with `program`.
    pub(super) fn of(plant: Plant, program: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let folder = folder.path();
        let (idle, recording) = (folder.join("idle"), folder.join("recording.jsonl"));
        plant.write(&idle, AT_REST)?;
        let check = run(program, &["check"], &idle)?;
        let (resident, reload) = at_rest(plant, program, folder, &idle)?;
        let busy = folder.join("busy");
        plant.write(&busy, &format!("type: file, path: {}", recording.display()))?;
        let data = folder.join("work");
        let work =
            ["run", "--no-watch", "--no-admin", "--log", "error", "--data-dir", &data.to_string_lossy()]
                .map(str::to_owned);
        let work: Vec<&str> = work.iter().map(String::as_str).collect();
        write(&recording, "")?;
        let empty = run(program, &work, &busy)?;
        let events = STEPS / plant.nodes();
        write(&recording, &EVENT.repeat(events))?;
        let full = run(program, &work, &busy)?;
        let steps = (events * plant.nodes()) as f64;
        Ok(Turn {
            resident,
            check: check.as_secs_f64() * 1e3,
            reload: reload.as_secs_f64() * 1e3,
            rate: steps / full.saturating_sub(empty).as_secs_f64() / 1e6,
        })
    }
}

/// Memory of a plant at rest, and the time of a reload.
fn at_rest(plant: Plant, program: &Path, folder: &Path, pipelines: &Path) -> Result<(u64, Duration)> {
    let (engine, admin) = start(program, folder, pipelines, &[])?;
    wait(REST);
    let resident = engine.resident()?;
    let mut times = Vec::new();
    for edit in 1..=EDITS {
        plant.edit(pipelines, AT_REST, edit)?;
        times.push(admin.reload("applied")?);
    }
    engine.interrupt()?;
    Ok((resident, Times(times).percentile(0.5)))
}

/// Starts `program` with the files in `pipelines`; comes back when all nodes are at work.
pub(in crate::bench) fn start(
    program: &Path,
    folder: &Path,
    pipelines: &Path,
    environment: &[(&str, &str)],
) -> Result<(Process, Admin)> {
    let port = free_port()?;
    let mut command = command(program);
    command
        .args(["run", "--no-watch", "--log", "error", "--admin", &format!("127.0.0.1:{port}")])
        .args(["--data-dir".as_ref(), folder.join("data").as_os_str(), pipelines.as_os_str()])
        .envs(environment.iter().copied())
        .stdout(Stdio::null());
    Ok((Process::start(&mut command)?, Admin::ready(port)?))
}

/// How long a run of `program` to its end takes.
fn run(program: &Path, arguments: &[&str], pipelines: &Path) -> Result<Duration> {
    let mut command = command(program);
    command.args(arguments).arg(pipelines).stdout(Stdio::null());
    let begun = now();
    let status = command.status()?;
    ensure!(status.success(), "`{command:?}` failed");
    Ok(now().duration_since(begun))
}
