//! `cargo trials outages`: numbered messages go from a broker through source, script and two sinks of a real program to
//! another broker, which is stopped and started or stands still at random moments, while the pipeline is edited well
//! and badly. Then every number must have arrived in order, and every correct edit must have stayed.

mod draft;

mod weather;

mod report;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use fastrand::Rng;
use serde_json::Value;

use self::draft::{Draft, Edit};
use self::report::Report;
use self::weather::Weather;
use super::{GIVEN_UP, LOG_LINES, PATIENCE, PAUSE};
use crate::admin::Admin;
use crate::broker::{Broker, write};
use crate::client::Receiver;
use crate::engine::Engine;
use crate::process::{now, wait};
use crate::proxy::Proxy;
use crate::sending::Sending;
use crate::witness::Witness;

/// How edits during outages are made.
#[derive(Clone, Copy, Debug)]
pub struct Trouble {
    /// How often the pipeline is edited.
    pub reloads: u32,
    /// Messages sent in a second.
    pub rate: u32,
    /// What decides on edits and outages.
    pub seed: u64,
}

/// Seconds that the program gives what leaves to drain: less than most outages last.
const GRACE: &str = "1";
/// Lines of the program's log that belong to a run that goes well.
const TOLD: [&str; 3] = ["\"INFO\"", "not connected", "reload: rejected"];
/// Every fourth number goes to the second sink.
const SPARE_SHARE: u64 = 4;

/// Runs `program` through edits during outages, in `folder`; tells how it goes through `say`.
pub fn run(
    program: &Path,
    folder: &Path,
    trouble: Trouble,
    mut say: impl FnMut(String) + Send,
) -> Result<Report> {
    let source_broker = Broker::on_socket_in_memory(&folder.join("inbound"))?;
    let mut sink_broker = Broker::on_socket(&folder.join("outbound"), None)?;
    let witness = Arc::new(Witness::default());
    let inbound = Proxy::start(source_broker.socket(), witness.clone())?;
    let mut gates = Vec::new();
    for _ in 0..2 {
        gates.push(Proxy::start(sink_broker.socket(), witness.clone())?);
    }
    let receiver = |topic| Receiver::start(sink_broker.socket(), topic);
    let receivers = [receiver("storm/out/#")?, receiver("storm/spare")?];
    let arrived = || receivers.iter().map(|receiver| receiver.seen().counts.len() as u64).sum::<u64>();

    let mut chance = Rng::with_seed(trouble.seed);
    let mut draft = Draft::new(inbound.port(), [gates[0].port(), gates[1].port()]);
    let file = folder.join("storm.yaml");
    write(&file, &draft.text())?;
    let engine = Engine::start(program, folder, &file, &["--no-watch", "--grace", GRACE])?;
    let admin = Admin::ready(engine.admin().port())?;

    let (start, mut report) = (now(), Report { seed: trouble.seed, ..Report::default() });
    let sending = Sending::start(source_broker.socket(), &["storm/in"], trouble.rate)?;
    let (last, times) = (trouble.reloads + 1, &mut report);
    let edit = || -> Result<()> {
        for number in 1..=last {
            wait(PAUSE);
            let edit = if number == last { Edit::Script } else { Edit::ALL[chance.usize(..Edit::ALL.len())] };
            draft.edit(edit, number, &mut chance);
            write(&file, &draft.text())?;
            times.reload(&admin, edit)?;
            if number % 100 == 0 {
                say(format!("{number:>5} reloads, {} messages arrived", arrived()));
            }
        }
        Ok(())
    };
    report.weather = std::thread::scope(|scope| {
        let editing = scope.spawn(edit);
        let weather =
            Weather::befall(&mut sink_broker, Rng::with_seed(!trouble.seed), || editing.is_finished());
        editing.join().map_err(|_| anyhow!("the thread that edits panicked"))??;
        weather
    })?;
    report.sent = sending.finish()?;
    report.rate = report.sent as f64 / now().duration_since(start).as_secs_f64();

    let expected = report.sent + report.sent.div_ceil(SPARE_SHARE);
    await_arrivals(expected, arrived);
    for receiver in &receivers {
        report.out_of_order += receiver.seen().out_of_order;
    }
    report.book_missing(&witness.testimony().taken, &receivers);
    {
        let testimony = witness.testimony();
        (report.repeated, report.sent_twice) = (testimony.repeated, testimony.sent_twice);
    }
    report.given_up = GIVEN_UP.iter().map(|door| admin.events(door)).sum::<Result<u64>>()?;
    let is_latest = receivers[0].seen().edit == Some(u64::from(last));
    report.runs_at_the_end = is_latest && admin.reload_with("refuse")?.0["result"] == "unchanged";
    let result = &["result=\"rolled_back\""];
    let refused_again = report.misjudged.iter().filter(|answer| answer.contains("rolled_back")).count();
    report.taken_back = admin.series("fieldline_reloads_total", result)? as u64 - refused_again as u64;
    if !report.is_clean() {
        let log = engine.log()?;
        let is_told = |line: &&String| TOLD.iter().all(|word| !line.contains(word));
        let lines: Vec<&String> = log.iter().filter(is_told).collect();
        lines.iter().rev().take(LOG_LINES).rev().for_each(|line| say((*line).clone()));
    }
    Ok(report)
}

/// Waits until so many have arrived or nothing arrives any more.
fn await_arrivals(expected: u64, arrived: impl Fn() -> u64) {
    let (mut latest, mut since): (u64, Instant) = (arrived(), now());
    while latest < expected && now().duration_since(since) < PATIENCE {
        wait(Duration::from_millis(50));
        if arrived() > latest {
            (latest, since) = (arrived(), now());
        }
    }
}

impl Report {
    /// Books the numbers that have not arrived: those that the program has acknowledged to the source's broker, `taken`,
    /// are lost; the others wait there still.
    fn book_missing(&mut self, taken: &BTreeSet<u64>, [out, spare]: &[Receiver; 2]) {
        let (out, spare) = (out.seen(), spare.seen());
        let missing = (0..self.sent).filter(|number| !out.counts.contains_key(number));
        let spares = (0..self.sent).step_by(SPARE_SHARE as usize);
        for number in missing.chain(spares.filter(|number| !spare.counts.contains_key(number))) {
            match taken.contains(&number) {
                true => self.lost += 1,
                false => self.left += 1,
            }
        }
    }

    /// Makes the program read its files and books the answer.
    fn reload(&mut self, admin: &Admin, edit: Edit) -> Result<()> {
        let (answer, time) = admin.reload_with("refuse")?;
        self.times.entry(edit).or_default().0.push(time);
        let result = answer["result"].as_str().context("no result")?;
        let is_right = match edit {
            Edit::Mistake => result == "rejected",
            _ => matches!(result, "applied" | "unchanged"),
        };
        if !is_right {
            self.misjudged.push(format!("{edit}: {answer}"));
        }
        self.cut_off += answer["cut_off"].as_array().map_or(0, Vec::len) as u64;
        if let Some(held) = answer.get("held_ms").and_then(Value::as_u64) {
            self.held = self.held.max(Some(Duration::from_millis(held)));
        }
        Ok(())
    }
}
