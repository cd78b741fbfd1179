//! What the program keeps resident, at rest and under load, with the allocator it has and with others in its place.

mod allocator;

use std::path::Path;

use anyhow::Result;

use super::super::broker::Broker;
use super::super::process::{megabytes, wait};
use super::super::spread::Spread;
use super::scale::{AT_REST, Plant, REST, start};
use super::topics::{Load, MESSAGES, Stage, Subject, WINDOW, tools};
use super::{Bench, Say};
use allocator::Allocator;

/// A plant of a thousand nodes.
const PLANT: Plant = Plant { pipelines: 100, chains: 1 };

/// Edits of one of its nodes.
const EDITS: u32 = 50;

/// What one turn of one allocator showed; memory is resident, in MB.
#[derive(Clone, Copy, Debug)]
struct Turn {
    /// A source, a script and a sink before the first message.
    idle: f64,
    /// After the last.
    loaded: f64,
    /// Processor time per message in microseconds.
    cpu: f64,
    /// A thousand nodes at rest.
    plant: f64,
    /// After one of them was edited again and again.
    edited: f64,
}

pub(super) fn run(bench: Bench<'_>, say: Say<'_>) -> Result<String> {
    let [bare_loop, load] = tools(bench.root)?;
    let allocators = Allocator::installed(say);
    let folder = tempfile::tempdir()?;
    let broker = Broker::in_memory(folder.path())?;
    let mut rows: Vec<(Allocator, Vec<Turn>)> =
        allocators.into_iter().map(|allocator| (allocator, Vec::new())).collect();
    for round in 1..=bench.rounds {
        for (allocator, turns) in &mut rows {
            let environment = allocator.environment();
            let environment: Vec<(&str, &str)> =
                environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let stage = Stage {
                program: bench.program,
                bare_loop: &bare_loop,
                port: broker.port(),
                folder: folder.path(),
                environment: &environment,
            };
            let turn = turn(allocator, &stage, &load, round)?;
            say(format!("memory, round {round}, {}: {turn:.1?}", allocator.name));
            turns.push(turn);
        }
    }
    Ok(table(&rows))
}

fn turn(allocator: &Allocator, stage: &Stage<'_>, load: &Path, round: u32) -> Result<Turn> {
    let subject = Subject::one_script(1);
    let topic = format!("memory/{}/{round}", allocator.word());
    let process = stage.start(&subject, &topic)?;
    let load = Load { program: load, port: stage.port, topic: &topic, qos: subject.qos, copies: 1 };
    let _listening = load.window(1, 1)?;
    allocator.check(&process)?;
    let idle = process.resident()?;
    let before = process.cpu()?;
    let _all = load.window(2 * MESSAGES, WINDOW)?;
    let used = process.cpu()? - before;
    let loaded = process.resident()?;
    process.interrupt()?;
    let folder = tempfile::tempdir()?;
    let pipelines = folder.path().join("pipelines");
    PLANT.write(&pipelines, AT_REST)?;
    let (engine, admin) = start(stage.program, folder.path(), &pipelines, stage.environment)?;
    wait(REST);
    let plant = engine.resident()?;
    for edit in 1..=EDITS {
        PLANT.edit(&pipelines, AT_REST, edit)?;
        admin.reload("applied")?;
    }
    let edited = engine.resident()?;
    engine.interrupt()?;
    Ok(Turn {
        idle: megabytes(idle),
        loaded: megabytes(loaded),
        cpu: used.as_secs_f64() * 1e6 / (2 * MESSAGES) as f64,
        plant: megabytes(plant),
        edited: megabytes(edited),
    })
}

fn table(rows: &[(Allocator, Vec<Turn>)]) -> String {
    let mut text = format!(
        "{:<20} {:>17} {:>17} {:>17} {:>6} {:>7} {:>8} {:>11} {:>9}\n",
        "",
        "CPU / glibc",
        "loaded / glibc",
        "edited / glibc",
        "CPU us",
        "idle MB",
        "loaded",
        "1000 nodes",
        "edited"
    );
    let Some((_, glibc)) = rows.first() else { return text };
    for (allocator, turns) in rows {
        let ratio = |value: fn(&Turn) -> f64| {
            Spread::of(turns.iter().zip(glibc).map(|(turn, glibc)| value(turn) / value(glibc))).to_string()
        };
        let median = |value: fn(&Turn) -> f64| Spread::of(turns.iter().map(value)).median;
        text += &format!(
            "{:<20} {:>17} {:>17} {:>17} {:>6.1} {:>7.1} {:>8.1} {:>11.1} {:>9.1}\n",
            allocator.name,
            ratio(|turn| turn.cpu),
            ratio(|turn| turn.loaded),
            ratio(|turn| turn.edited),
            median(|turn| turn.cpu),
            median(|turn| turn.idle),
            median(|turn| turn.loaded),
            median(|turn| turn.plant),
            median(|turn| turn.edited),
        );
    }
    text
}
