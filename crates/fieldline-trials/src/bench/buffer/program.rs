//! The program's disk buffer: filled while its sink has no broker, and drained by a sink that takes everything.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::super::admin::Admin;
use super::super::super::broker::write;
use super::super::super::process::{Process, command, free_port, now, wait};
use super::Cost;

/// Events the sink may have in hand, which are not in its buffer.
const IN_HAND: u64 = 256;

/// How often the program is asked how far it is.
const PACE: Duration = Duration::from_millis(10);

const PATIENCE: Duration = Duration::from_secs(60);

/// The pipeline `bench` with a sink `out`, and a source that keeps the program running.
const PIPELINE: &str = "pipeline: bench\nCONNECTIONS\
    sources:\n  in: { type: file, path: RECORDING }\n  rest: { type: timer, every: 1h }\n\
    sinks:\n  nothing: { type: blackhole, inputs: rest }\n  out: { inputs: in, SINK }\n";
const DISK: &str = "buffer: { type: disk, max_size: 1GiB }";

/// Where the program runs, and on what.
pub(super) struct Site<'a> {
    pub(super) program: &'a Path,
    pub(super) folder: &'a Path,
    /// JSON lines, and how many there are.
    pub(super) recording: &'a Path,
    pub(super) events: u64,
}

impl Site<'_> {
    /// Fills the buffer and drains it.
    pub(super) fn fill_and_drain(&self) -> Result<Cost> {
        let port = free_port()?;
        let nowhere = format!(
            "connections:\n  nowhere: {{ type: mqtt, url: \"mqtt://127.0.0.1:{port}\", client_id: bench }}\n"
        );
        let away = format!("type: mqtt, connection: nowhere, topic: bench/out, {DISK}");
        let data = tempfile::tempdir_in(self.folder)?;
        let (engine, admin) = self.start(data.path(), &nowhere, &away, self.recording)?;
        let stored = || admin.series("fieldline_buffer_events", OUT);
        let append = per_second(self.events - IN_HAND, stored)?;
        let written = admin.series("fieldline_buffer_written_bytes_total", OUT)? as u64;
        let syncs = admin.series("fieldline_buffer_syncs_total", OUT)? as u64;
        engine.kill();
        let empty = self.folder.join("empty.jsonl");
        write(&empty, "")?;
        let (engine, admin) = self.start(data.path(), "", &format!("type: blackhole, {DISK}"), &empty)?;
        let drain = per_second(self.events, || delivered(&admin))?;
        engine.kill();
        Ok(Cost { append, drain, written, syncs })
    }

    /// Events a second through the sink's buffer, on disk or in memory, to a sink that takes everything.
    pub(super) fn pass(&self, is_disk: bool) -> Result<f64> {
        let sink = if is_disk { format!("type: blackhole, {DISK}") } else { "type: blackhole".to_owned() };
        let data = tempfile::tempdir_in(self.folder)?;
        let (engine, admin) = self.start(data.path(), "", &sink, self.recording)?;
        let rate = per_second(self.events, || delivered(&admin))?;
        engine.kill();
        Ok(rate)
    }

    fn start(
        &self,
        data: &Path,
        connections: &str,
        sink: &str,
        recording: &Path,
    ) -> Result<(Process, Admin)> {
        let text = PIPELINE.replace("CONNECTIONS", connections).replace("SINK", sink);
        let pipeline = self.folder.join("bench.yaml");
        write(&pipeline, &text.replace("RECORDING", &recording.to_string_lossy()))?;
        let port = free_port()?;
        let mut command = command(self.program);
        command.args(["run", "--no-watch", "--log", "off", "--admin", &format!("127.0.0.1:{port}")]);
        command.arg("--data-dir").arg(data).arg(pipeline).stdout(Stdio::null());
        Ok((Process::start(&mut command)?, Admin::at(port)))
    }
}

/// The labels of the sink.
const OUT: &[&str] = &["node=\"out\""];

fn delivered(admin: &Admin) -> Result<f64> {
    admin.series("fieldline_events_total", &[OUT[0], "door=\"delivered\""])
}

/// How fast `count` grows, from when it is first seen to have begun until it reaches `goal`.
fn per_second(goal: u64, count: impl Fn() -> Result<f64>) -> Result<f64> {
    let goal = goal as f64;
    let deadline = now() + PATIENCE;
    let mut first: Option<(Instant, f64)> = None;
    loop {
        ensure!(now() < deadline, "the program does not come to an end");
        // It does not answer before it runs.
        let (time, count) = (now(), count().unwrap_or_default());
        match first {
            Some((begun, before)) if count >= goal => {
                return Ok((count - before) / time.duration_since(begun).as_secs_f64());
            }
            None if count >= goal => ensure!(false, "the program was too fast to be seen"),
            None if count > 0.0 => first = Some((time, count)),
            _ => {}
        }
        wait(PACE);
    }
}
