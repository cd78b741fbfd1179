//! `cargo xtask bench`: the program between two topics of mosquitto, against a bare rumqttc loop that does the least
//! that can be done there. All take turns, round after round, at the same broker under the same load, so that what else
//! the machine does meets all of them; what counts are the ratios.

mod load;

mod subject;

mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::broker::Broker;
use super::build::examples;
use load::Load;
use subject::{Bench, Subject};
pub use table::Table;

/// How long a run is.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// How often every subject has its turn.
    pub rounds: u32,
    /// Messages sent as fast as they are taken, to find rate and processor time.
    pub messages: u64,
    /// Messages sent at [`RATE`], to find latencies.
    pub paced: u64,
}

/// The whole of it: some minutes.
pub const WHOLE: Length = Length { rounds: 3, messages: 10_000, paced: 1_000 };

/// Enough to see that everything runs.
pub const SHORT: Length = Length { rounds: 1, messages: 10_000, paced: 1_000 };

/// Messages under way at most while the rate is sought.
pub const WINDOW: u64 = 400;

/// Messages a second while latencies are measured.
pub const RATE: u64 = 1000;

/// What one turn of one subject showed.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Messages a second.
    pub rate: f64,
    /// Processor time per message in microseconds.
    pub cpu: f64,
    /// Latencies in microseconds at [`RATE`]: median, 99 % and 99.9 %.
    pub latencies: [f64; 3],
    /// Resident memory in MB before the first message.
    pub idle: f64,
    /// Resident memory in MB after the last.
    pub loaded: f64,
}

/// Measures `program` in `folder`; tells about each turn through `say`.
pub fn run(
    root: &Path,
    program: &Path,
    folder: &Path,
    length: Length,
    mut say: impl FnMut(String),
) -> Result<Vec<Table>> {
    let built = examples(root, "fieldline-mqtt", &["bare_loop", "load"])?;
    let broker = Broker::in_memory(folder)?;
    let bench = Bench { program, bare_loop: &built[0], port: broker.port(), folder };
    let mut tables = Vec::new();
    for qos in [0, 1] {
        let subjects = Subject::all(qos);
        let mut table = Table::new(qos, &subjects);
        for round in 0..length.rounds {
            for (index, subject) in subjects.iter().enumerate() {
                let topic = format!("bench/{qos}/{index}/{round}");
                let turn = turn(&bench, subject, &topic, &built[1], length)
                    .with_context(|| format!("{}, QoS {qos}", subject.name))?;
                say(format!(
                    "QoS {qos}, round {}: {:<28} {:>7.0}/s {:>6.1} us",
                    round + 1,
                    subject.name,
                    turn.rate,
                    turn.cpu
                ));
                table.book(index, turn);
            }
        }
        tables.push(table);
    }
    Ok(tables)
}

fn turn(bench: &Bench<'_>, subject: &Subject, topic: &str, load: &PathBuf, length: Length) -> Result<Turn> {
    let process = bench.start(subject, topic)?;
    let load = Load { program: load, port: bench.port, topic, qos: subject.qos, copies: subject.copies };
    let _listening = load.window(1, 1)?;
    let idle = process.resident()?;
    let _warm = load.window(length.messages / 10, WINDOW)?;
    let before = process.cpu()?;
    let fast = load.window(length.messages, WINDOW)?;
    let used = process.cpu()? - before;
    let loaded = process.resident()?;
    let paced = load.rate(length.paced, RATE)?;
    process.interrupt()?;
    let messages = length.messages as f64;
    Ok(Turn {
        rate: messages / fast.seconds,
        cpu: used.as_secs_f64() * 1e6 / messages,
        latencies: paced.latencies,
        idle: idle as f64 * 1024.0 / 1e6,
        loaded: loaded as f64 * 1024.0 / 1e6,
    })
}
