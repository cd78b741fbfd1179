//! The program between two topics of mosquitto, against a bare rumqttc loop that does the least that can be done there,
//! all under the same load at the same broker.

mod load;

mod subject;

mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::super::broker::Broker;
use super::super::build::examples;
use super::super::process::megabytes;
use super::{Bench, Say};
pub(super) use load::Load;
pub(super) use subject::{Stage, Subject};
use table::Table;

/// Messages sent as fast as they are taken, to find rate and processor time.
pub(super) const MESSAGES: u64 = 10_000;

/// Messages sent at [`RATE`], to find latencies.
const PACED: u64 = 1_000;

/// Messages under way at most while the rate is sought.
pub(super) const WINDOW: u64 = 400;

/// Messages a second while latencies are measured.
const RATE: u64 = 1000;

/// What one turn of one subject showed.
#[derive(Clone, Copy, Debug)]
struct Turn {
    /// Messages a second.
    rate: f64,
    /// Processor time per message in microseconds.
    cpu: f64,
    /// Latencies in microseconds at [`RATE`]: median, 99 % and 99.9 %.
    latencies: [f64; 3],
    /// Messages that did not come, of all that were sent.
    dropped: u64,
    /// Resident memory in MB before the first message.
    idle: f64,
    /// Resident memory in MB after the last.
    loaded: f64,
}

/// The programs that the program is measured with: the bare loop and the load.
pub(super) fn tools(root: &Path) -> Result<[PathBuf; 2]> {
    examples(root, "fieldline-mqtt", &["bare_loop", "load"])?.try_into().ok().context("two programs")
}

pub(super) fn run(bench: Bench<'_>, say: Say<'_>) -> Result<String> {
    let [bare_loop, load] = tools(bench.root)?;
    let folder = tempfile::tempdir()?;
    let broker = Broker::in_memory(folder.path())?;
    let stage = Stage {
        program: bench.program,
        bare_loop: &bare_loop,
        port: broker.port(),
        folder: folder.path(),
        environment: &[],
    };
    let mut text = String::new();
    for qos in [0, 1] {
        let subjects = Subject::all(qos);
        let mut table = Table::new(qos, &subjects);
        for round in 0..bench.rounds {
            for (index, subject) in subjects.iter().enumerate() {
                let topic = format!("bench/{qos}/{index}/{round}");
                let turn = turn(&stage, subject, &topic, &load)
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
        text += &format!("{}{table}", if text.is_empty() { "" } else { "\n" });
    }
    Ok(text)
}

fn turn(stage: &Stage<'_>, subject: &Subject, topic: &str, load: &Path) -> Result<Turn> {
    let process = stage.start(subject, topic)?;
    let load = Load { program: load, port: stage.port, topic, qos: subject.qos, copies: subject.copies };
    let _listening = load.window(1, 1)?;
    let idle = process.resident()?;
    let _warm = load.window(MESSAGES / 10, WINDOW)?;
    let before = process.cpu()?;
    let fast = load.window(MESSAGES, WINDOW)?;
    let used = process.cpu()? - before;
    let loaded = process.resident()?;
    let paced = load.rate(PACED, RATE)?;
    process.interrupt()?;
    Ok(Turn {
        rate: (MESSAGES - fast.dropped) as f64 / fast.seconds,
        cpu: used.as_secs_f64() * 1e6 / MESSAGES as f64,
        latencies: paced.latencies,
        dropped: fast.dropped + paced.dropped,
        idle: megabytes(idle),
        loaded: megabytes(loaded),
    })
}
