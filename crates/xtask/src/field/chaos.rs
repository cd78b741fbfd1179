//! `cargo xtask chaos`: numbered messages go through source, script and sink of a real program at a real broker, while
//! the program is killed, the broker is stopped and the network is cut or falls silent. Then every number must
//! have arrived.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};

use super::broker::{Broker, write};
use super::client::{Receiver, Seen, Sender};
use super::process::{Process, now, wait};
use super::proxy::{Proxy, Weather};

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub struct Chaos {
    /// Rounds, each with one accident.
    pub rounds: u32,
    /// Messages sent in a second.
    pub rate: u32,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Numbers sent.
    pub sent: u64,
    /// Numbers that never arrived.
    pub lost: u64,
    /// Arrivals beyond the first of each number.
    pub duplicated: u64,
    /// First arrivals after a greater number.
    pub out_of_order: u64,
    /// How long the slowest round took from its accident until all was there again.
    pub slowest_recovery: Duration,
}

/// What goes wrong in a round.
const ACCIDENTS: [&str; 4] = ["program killed", "network cut", "broker stopped", "network silent"];

const PIPELINE: &str = r#"pipeline: chaos
connections:
  plant:
    type: mqtt
    url: mqtt://127.0.0.1:PORT
    client_id: chaos-program
    keep_alive: 2s
    operation_timeout: 2s
    backoff: { initial: 100ms, max: 1s }
sources:
  in: { type: mqtt, connection: plant, topics: [chaos/in], qos: 1 }
transforms:
  work: { type: script, inputs: in, code: "this.doubled = this.n * 2;" }
sinks:
  out: { type: mqtt, inputs: work, connection: plant, topic: chaos/out, qos: 1 }
"#;

/// Runs `program` through the accidents, in `folder`; tells about each round through `say`.
pub fn run(program: &Path, folder: &Path, chaos: Chaos, mut say: impl FnMut(String)) -> Result<Account> {
    let mut broker = Broker::start(folder)?;
    let proxy = Proxy::start(broker.port())?;
    let pipeline = folder.join("chaos.yaml");
    write(&pipeline, &PIPELINE.replace("PORT", &proxy.port().to_string()))?;
    let start = || {
        let mut command = Command::new(program);
        command
            .args(["run", "--no-admin", "--no-watch", "--log", "error", "--data-dir"])
            .arg(folder.join("data"));
        Process::start(command.arg(&pipeline).stdout(Stdio::null()).stderr(Stdio::null()))
    };
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let receiver = Receiver::start(broker.port(), "chaos/out", seen.clone())?;
    let mut engine = start()?;
    wait(Duration::from_secs(2));
    let mut sent = 0;
    let mut slowest_recovery = Duration::ZERO;
    for round in 0..chaos.rounds {
        let mut sender = Sender::start(broker.port(), "chaos/in")?;
        let accident = ACCIDENTS[round as usize % ACCIDENTS.len()];
        let mut began = now();
        for position in 0..chaos.rate {
            sender.send(&format!("{{\"n\":{sent}}}"))?;
            sent += 1;
            if position % 50 == 49 {
                wait(Duration::from_secs(50) / chaos.rate);
            }
            if position == chaos.rate / 2 {
                began = now();
                match accident {
                    "program killed" => {
                        engine.kill();
                        engine = start()?;
                    }
                    "network cut" => proxy.set(Weather::Cut),
                    "network silent" => proxy.set(Weather::Silent),
                    _ => {}
                }
            }
        }
        sender.finish()?;
        if accident == "broker stopped" {
            // mosquitto keeps what it acknowledged only when it is stopped in good order.
            began = now();
            broker.stop()?;
            wait(Duration::from_millis(300));
            broker.resume()?;
        }
        proxy.set(Weather::Fair);
        let deadline = now() + Duration::from_secs(60);
        while (receiver.different() as u64) < sent && now() < deadline {
            wait(Duration::from_millis(20));
        }
        let recovery = now().duration_since(began);
        slowest_recovery = slowest_recovery.max(recovery);
        say(format!(
            "round {:>3}: {accident:<15} {} of {sent} arrived, {} more than once, {:.1} s after the accident",
            round + 1,
            receiver.different(),
            receiver.repeated(),
            recovery.as_secs_f64()
        ));
    }
    engine.interrupt()?;
    ensure!(sent > 0, "nothing was sent");
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let arrivals: u64 = seen.counts.values().map(|count| u64::from(*count)).sum();
    let different = seen.counts.len() as u64;
    Ok(Account {
        sent,
        lost: sent - different,
        duplicated: arrivals - different,
        out_of_order: seen.out_of_order,
        slowest_recovery,
    })
}
