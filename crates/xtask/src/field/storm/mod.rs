//! `cargo xtask storm`: numbered messages go through source, script and sink of a real program at a real broker,
//! while its pipeline is edited again and again: well, badly, and so that a new node cannot connect. Then every
//! number must have arrived once, and in order.

mod draft;

mod sending;

mod report;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use self::draft::{Draft, EDITS, Edit};
use self::report::{Footprint, Report};
use self::sending::Sending;
use super::admin::{Admin, Times};
use super::broker::{Broker, write};
use super::client::Receiver;
use super::process::{Process, free_port, now, wait};

/// How a storm is made.
#[derive(Clone, Copy, Debug)]
pub struct Storm {
    /// How often the pipeline is edited.
    pub reloads: u32,
    /// Messages sent in a second, over all topics.
    pub rate: u32,
}

/// Topics that messages are sent on, each with numbers of its own, and where they come out.
const IN: [&str; 4] = ["storm/in/0", "storm/in/1", "storm/in/2", "storm/in/3"];
const OUT: [&str; 4] = ["storm/out/0", "storm/out/1", "storm/out/2", "storm/out/3"];
/// How long nothing arrives until the rest counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time between two edits.
const PAUSE: Duration = Duration::from_millis(100);
/// After so many edits memory is looked at for the first time: buffers have their size then.
const WARM: u32 = 50;

/// Runs `program` through a storm, in `folder`; tells how it goes through `say`.
pub fn run(program: &Path, folder: &Path, storm: Storm, mut say: impl FnMut(String)) -> Result<Report> {
    let broker = Broker::start(folder)?;
    let pipelines = folder.join("pipelines");
    std::fs::create_dir(&pipelines)?;
    let mut draft = Draft::new(broker.port());
    write(&pipelines.join("storm.yaml"), &draft.text())?;
    let port = free_port()?;
    let mut command = Command::new(program);
    command
        .args(["run", "--no-watch", "--log", "off", "--admin", &format!("127.0.0.1:{port}")])
        .args(["--data-dir".as_ref(), folder.join("data").as_os_str(), pipelines.as_os_str()])
        .stdout(Stdio::null());
    let engine = Process::start(&mut command)?;
    let admin = Admin::ready(port)?;
    let receivers: Vec<Receiver> =
        OUT.iter().map(|topic| Receiver::start(broker.port(), topic)).collect::<Result<_>>()?;
    let arrived = || receivers.iter().map(|receiver| receiver.seen().counts.len() as u64).sum::<u64>();
    wait(Duration::from_secs(1));

    let start = now();
    let sending = Sending::start(broker.port(), &IN, storm.rate)?;
    let (mut applied, mut rejected) = (Times::default(), Times::default());
    let mut footprint = Vec::new();
    for reload in 0..storm.reloads {
        wait(PAUSE);
        if reload == WARM.min(storm.reloads - 1) {
            footprint.push(measure(&engine, &admin)?);
        }
        let edit = EDITS[reload as usize % EDITS.len()];
        draft.edit(edit, reload);
        write(&pipelines.join("storm.yaml"), &draft.text())?;
        draft.place_unreachable(&pipelines.join("unreachable.yaml"))?;
        if edit == Edit::Mistake {
            rejected.0.push(admin.reload("rejected")?);
        } else {
            applied.0.push(admin.reload("applied")?);
        }
        if reload % 100 == 99 {
            say(format!("{:>5} reloads, {} messages arrived", reload + 1, arrived()));
        }
    }
    footprint.push(measure(&engine, &admin)?);
    let sent = sending.finish()?;
    let rate = sent as f64 / now().duration_since(start).as_secs_f64();
    let (mut latest, mut since) = (arrived(), now());
    while latest < sent && now().duration_since(since) < PATIENCE {
        wait(Duration::from_millis(50));
        if arrived() > latest {
            (latest, since) = (arrived(), now());
        }
    }
    engine.interrupt()?;
    let mut report = Report {
        sent,
        rate,
        lost: sent,
        duplicated: 0,
        out_of_order: 0,
        applied,
        rejected,
        footprint: footprint.try_into().ok().context("memory was looked at twice")?,
    };
    for receiver in &receivers {
        let seen = receiver.seen();
        report.lost -= seen.counts.len() as u64;
        report.duplicated += seen.duplicated;
        report.out_of_order += seen.out_of_order;
    }
    Ok(report)
}

fn measure(engine: &Process, admin: &Admin) -> Result<Footprint> {
    let tasks = admin.metric("fieldline_tasks")? as u64;
    Ok(Footprint { resident: engine.resident()?, threads: engine.threads()?, tasks })
}
