//! `cargo trials storm`: numbered messages go through source, script and sink of a real program at a real broker,
//! while its pipeline is edited again and again: well, badly, and so that a new node cannot connect. Then every
//! number must have arrived once, and in order.

mod draft;

mod report;

pub mod outages;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Result;

use self::draft::{Draft, Edit};
use self::report::{Footprint, Report};
use super::admin::{Admin, Times};
use super::broker::{Broker, write};
use super::client::Receiver;
use super::process::{Process, command, create, free_port, now, read, wait};
use super::sending::Sending;

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
const OUT: [&str; 5] = ["storm/out/0", "storm/out/1", "storm/out/2", "storm/out/3", SPARE];
/// How long nothing arrives until the rest counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time between two edits.
const PAUSE: Duration = Duration::from_millis(100);
/// What the spare sink writes has the numbers of this topic only.
const SPARE: &str = "storm/spare";
/// Doors through which no event may go.
const GIVEN_UP: [&str; 3] = ["lost", "dropped", "dead_lettered"];
/// The program's log.
const LOG: &str = "program.log";
/// Lines of the program's log that are told when it does not go well.
const LOG_LINES: usize = 20;

/// Runs `program` through a storm, in `folder`; tells how it goes through `say`.
pub fn run(program: &Path, folder: &Path, storm: Storm, mut say: impl FnMut(String)) -> Result<Report> {
    let report = weather(program, folder, storm, &mut say);
    if !report.as_ref().is_ok_and(Report::is_clean) {
        let log = read(&folder.join(LOG))?;
        let lines: Vec<&str> = log.lines().rev().take(LOG_LINES).collect();
        lines.into_iter().rev().for_each(|line| say(line.to_owned()));
    }
    report
}

fn weather(program: &Path, folder: &Path, storm: Storm, say: &mut impl FnMut(String)) -> Result<Report> {
    let broker = Broker::in_memory(folder)?;
    let pipelines = folder.join("pipelines");
    std::fs::create_dir(&pipelines)?;
    let mut draft = Draft::new(broker.port());
    write(&pipelines.join("storm.yaml"), &draft.text())?;
    let port = free_port()?;
    let mut command = command(program);
    command
        .args(["run", "--no-watch", "--log", "warn", "--admin", &format!("127.0.0.1:{port}")])
        .args(["--data-dir".as_ref(), folder.join("data").as_os_str(), pipelines.as_os_str()])
        .stdout(Stdio::null())
        .stderr(create(&folder.join(LOG))?);
    let engine = Process::start(&mut command)?;
    let admin = Admin::ready(port)?;
    let receivers: Vec<Receiver> =
        OUT.iter().map(|topic| Receiver::start(broker.port(), topic)).collect::<Result<_>>()?;
    let arrived = || receivers.iter().map(|receiver| receiver.seen().counts.len() as u64).sum::<u64>();
    wait(Duration::from_secs(1));

    let start = now();
    let sending = Sending::start(broker.port(), &IN, storm.rate)?;
    let mut times: BTreeMap<Edit, Times> = BTreeMap::new();
    let mut footprint = Vec::new();
    for reload in 0..storm.reloads {
        wait(PAUSE);
        let edit = Edit::before(reload);
        draft.edit(edit, reload);
        write(&pipelines.join("storm.yaml"), &draft.text())?;
        draft.place_unreachable(&pipelines.join("unreachable.yaml"))?;
        let wanted = if edit == Edit::Mistake { "rejected" } else { "applied" };
        times.entry(edit).or_default().0.push(admin.reload(wanted)?);
        footprint.push(measure(&engine, &admin)?);
        if reload % 100 == 99 {
            say(format!("{:>5} reloads, {} messages arrived", reload + 1, arrived()));
        }
    }
    draft.calm_down();
    draft.edit(Edit::Script, storm.reloads);
    write(&pipelines.join("storm.yaml"), &draft.text())?;
    admin.reload("applied")?;
    let sent = sending.finish()?;
    let rate = sent as f64 / now().duration_since(start).as_secs_f64();
    let expected = sent + sent.div_ceil(IN.len() as u64);
    let (mut latest, mut since) = (arrived(), now());
    while latest < expected && now().duration_since(since) < PATIENCE {
        wait(Duration::from_millis(50));
        if arrived() > latest {
            (latest, since) = (arrived(), now());
        }
    }
    let given_up = GIVEN_UP.iter().map(|door| admin.events(door)).sum::<Result<u64>>()?;
    engine.interrupt()?;
    let (first, second) = footprint.split_at(footprint.len() / 2);
    let mut report = Report {
        sent,
        rate,
        lost: expected,
        duplicated: 0,
        out_of_order: 0,
        given_up,
        times,
        footprint: [Footprint::most(first), Footprint::most(second)],
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
