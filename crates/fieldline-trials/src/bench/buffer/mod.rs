//! A sink's buffer on disk: appended to while the sink is away, drained when it is back, and passed through. The log of
//! `fieldline-store` by itself and a plain file take the same bytes with the same rhythm of syncs.

mod program;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::super::broker::write;
use super::super::build::examples;
use super::super::spread::Spread;
use super::{Bench, Say};
use program::Site;

/// Events at a turn.
const EVENTS: u64 = 300_000;

/// What it costs to take events, and to give them back.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// A second.
    append: f64,
    /// A second.
    drain: f64,
    /// Bytes handed to the file system while they were appended.
    written: u64,
    /// While they were appended.
    syncs: u64,
}

/// What one round showed: the plain file, the log, and the program.
struct Round {
    costs: [Cost; 3],
    /// Events a second to a sink that takes everything, through a buffer in memory and on disk.
    through: [f64; 2],
}

const SUBJECTS: [&str; 3] = ["plain file", "log", "program, sink away"];

pub(super) fn run(bench: Bench<'_>, say: Say<'_>) -> Result<String> {
    let [loops] =
        examples(bench.root, "fieldline-store", &["append_drain"])?.try_into().ok().context("one program")?;
    // Beside the build, which is on a disk, where the folder for temporary files may be memory.
    let home = loops.parent().context("the example is in a folder")?;
    let mut rounds = Vec::new();
    for number in 1..=bench.rounds {
        let folder = tempfile::tempdir_in(home)?;
        let recording = folder.path().join("recording.jsonl");
        write(&recording, &(0..EVENTS).map(line).collect::<String>())?;
        let site =
            Site { program: bench.program, folder: folder.path(), recording: &recording, events: EVENTS };
        let program = site.fill_and_drain()?;
        let bytes = program.written / EVENTS;
        let plain = bare(&loops, "plain", folder.path(), bytes)?;
        let log = bare(&loops, "log", folder.path(), bytes)?;
        let through = [site.pass(false)?, site.pass(true)?];
        let costs = [plain, log, program];
        say(format!("buffer, round {number}: {costs:.0?}, through: {through:.0?}"));
        rounds.push(Round { costs, through });
    }
    Ok(table(&rounds))
}

/// A reading of about 100 bytes.
fn line(number: u64) -> String {
    format!(
        "{{\"sequence\":{number},\"timestamp_utc\":\"2020-02-15T16:43:16.226983Z\",\"value\":21.5,\"status\":\"success\"}}\n"
    )
}

fn bare(program: &Path, subject: &str, folder: &Path, bytes: u64) -> Result<Cost> {
    let mut command = Command::new(program);
    command.arg(subject).arg(folder).args([EVENTS.to_string(), bytes.to_string()]);
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    let answer: Value = serde_json::from_slice(&output.stdout).context("the example answers no JSON")?;
    let read = |name: &str| answer[name].as_f64().with_context(|| format!("no `{name}` in {answer}"));
    Ok(Cost {
        append: EVENTS as f64 / read("append")?,
        drain: EVENTS as f64 / read("drain")?,
        written: read("written")? as u64,
        syncs: read("syncs")? as u64,
    })
}

fn table(rounds: &[Round]) -> String {
    let mut text = format!(
        "{:<24} {:>17} {:>17} {:>12} {:>12} {:>11} {:>7}\n",
        format!("{EVENTS} events"),
        "append / plain",
        "drain / plain",
        "appended/s",
        "drained/s",
        "bytes each",
        "syncs"
    );
    for (index, name) in SUBJECTS.iter().enumerate() {
        let spread = |value: fn(&Cost, &Cost) -> f64| {
            Spread::of(rounds.iter().map(|round| value(&round.costs[index], &round.costs[0])))
        };
        text += &format!(
            "{name:<24} {:>17} {:>17} {:>12.0} {:>12.0} {:>11.1} {:>7.0}\n",
            spread(|cost, plain| cost.append / plain.append).to_string(),
            spread(|cost, plain| cost.drain / plain.drain).to_string(),
            spread(|cost, _| cost.append).median,
            spread(|cost, _| cost.drain).median,
            spread(|cost, _| cost.written as f64 / EVENTS as f64).median,
            spread(|cost, _| cost.syncs as f64).median,
        );
    }
    text += &format!("\n{:<24} {:>17} {:>17}\n", "program, sink at work", "rate / memory", "events/s");
    for (index, name) in ["buffer in memory", "buffer on disk"].iter().enumerate() {
        let ratio = Spread::of(rounds.iter().map(|round| round.through[index] / round.through[0]));
        let rate = Spread::of(rounds.iter().map(|round| round.through[index])).median;
        text += &format!("{name:<24} {:>17} {rate:>17.0}\n", ratio.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_to_the_plain_file_of_the_same_round() {
        let cost = |append| Cost { append, drain: 100.0, written: 2 * EVENTS, syncs: 7 };
        let round = |speed| Round {
            costs: [cost(speed), cost(speed / 2.0), cost(speed / 4.0)],
            through: [speed, speed / 5.0],
        };
        let table = table(&[round(1000.0), round(3000.0)]);
        assert!(table.contains("program, sink away        0.25 (0.25-0.25)  1.00 (1.00-1.00)"), "{table}");
        assert!(table.contains("buffer on disk            0.20 (0.20-0.20)"), "{table}");
    }
}
