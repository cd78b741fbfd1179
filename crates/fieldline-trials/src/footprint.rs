//! `cargo trials footprint`: how large the release binary is, and what it takes at rest: memory, and processor time at
//! one reading a second, publishing to mosquitto.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};

use super::broker::{Broker, write};
use super::process::{Process, command, now, wait};

/// What a program takes.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// Bytes of the binary.
    pub size: u64,
    /// Resident memory in KiB after a minute at one reading a second.
    pub resident: u64,
    /// Share of one processor at one reading a second.
    pub share: f64,
}

const PIPELINE: &str = r#"pipeline: publish
connections:
  plant: { type: mqtt, url: "mqtt://127.0.0.1:PORT", client_id: footprint }
sources:
  air: { type: bme680, bus: simulated, every: 1s, read: [temperature] }
transforms:
  message: { type: map, inputs: air, body: { sequence: meta.sequence, timestamp_utc: meta.time, value: temperature, status: status } }
sinks:
  temperature: { type: mqtt, inputs: message, connection: plant, topic: bme680/temperature, qos: 1 }
"#;

/// Measures `program` for `time`, after some seconds of warming up.
pub fn measure(program: &Path, folder: &Path, time: Duration) -> Result<Footprint> {
    let broker = Broker::start(folder)?;
    let pipeline = folder.join("publish.yaml");
    write(&pipeline, &PIPELINE.replace("PORT", &broker.port().to_string()))?;
    let mut command = command(program);
    command.args(["run", "--admin", "127.0.0.1:0", "--log", "error", "--data-dir"]).arg(folder.join("data"));
    let engine = Process::start(command.arg(&pipeline).stdout(Stdio::null()).stderr(Stdio::inherit()))?;
    wait(Duration::from_secs(5));
    let (start, before) = (now(), engine.cpu()?);
    wait(time);
    let used = engine.cpu()? - before;
    let share = used.as_secs_f64() / now().duration_since(start).as_secs_f64();
    let resident = engine.resident()?;
    engine.interrupt()?;
    let size = program.metadata().with_context(|| format!("no `{}`", program.display()))?.len();
    Ok(Footprint { size, resident, share })
}
