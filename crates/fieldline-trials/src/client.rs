//! The senders and receivers of the chaos runs: mosquitto's own clients, so that nothing of ours judges itself.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;

use super::place::Place;
use super::process::{Process, command, now};

/// `mosquitto_pub -l`: publishes each line that it is given with QoS 1, directly at the broker.
pub(super) struct Sender {
    process: Process,
    lines: Option<ChildStdin>,
}

impl Sender {
    /// Starts it.
    pub(super) fn start(broker: impl Into<Place>, topic: &str) -> Result<Self> {
        let mut command = command("mosquitto_pub");
        let id = topic.replace('/', "-");
        command.args(broker.into().arguments()).args(["-t", topic, "-q", "1", "-l", "-i", &id]);
        let mut child = command.stdin(Stdio::piped()).spawn().context("`mosquitto_pub` does not start")?;
        let lines = child.stdin.take();
        Ok(Sender { process: Process::from(child), lines })
    }

    /// Waits until the broker has acknowledged everything.
    pub(super) fn finish(mut self) -> Result<()> {
        drop(self.lines.take());
        self.process.wait_for_end()
    }

    /// Sends one line.
    pub(super) fn send(&mut self, line: &str) -> Result<()> {
        let lines = self.lines.as_mut().context("the sender has finished")?;
        writeln!(lines, "{line}").context("`mosquitto_pub` has ended")
    }
}

/// `mosquitto_sub` with a session that stays: counts how often each number arrives, and in which order.
pub(super) struct Receiver {
    _process: Process,
    topic: &'static str,
    seen: Arc<Mutex<Seen>>,
}

/// What has arrived.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How often each number came.
    pub(super) counts: BTreeMap<u64, u32>,
    /// Arrivals beyond the first of each number.
    pub(super) duplicated: u64,
    /// How often a number came for the first time after a greater one.
    pub(super) out_of_order: u64,
    /// When a number came for the first time, last.
    pub(super) last: Option<Instant>,
    /// The edit of the pipeline that made the message with the greatest number, where messages name it.
    pub(super) edit: Option<u64>,
    greatest: u64,
}

impl Receiver {
    /// Starts it.
    pub(super) fn start(broker: impl Into<Place>, topic: &'static str) -> Result<Self> {
        let mut command = command("mosquitto_sub");
        let id = topic.replace(['/', '#'], "-");
        command.args(broker.into().arguments()).args(["-t", topic, "-q", "1", "-c", "-i", &id]);
        let mut child = command.stdout(Stdio::piped()).spawn().context("`mosquitto_sub` does not start")?;
        let output = child.stdout.take().context("its output is piped")?;
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let book = seen.clone();
        let reader = std::thread::Builder::new().name("receiver".into());
        reader.spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let message: Value = serde_json::from_str(&line).unwrap_or_default();
                let mut seen = book.lock().unwrap_or_else(PoisonError::into_inner);
                numbers(&message["n"]).for_each(|number| seen.book(number, message["edit"].as_u64()));
            }
        })?;
        Ok(Receiver { _process: Process::from(child), topic, seen })
    }

    /// What it subscribed to.
    pub(super) fn topic(&self) -> &'static str {
        self.topic
    }

    /// What has arrived so far.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn book(&mut self, number: u64, edit: Option<u64>) {
        let count = self.counts.entry(number).or_default();
        *count += 1;
        if *count > 1 {
            self.duplicated += 1;
            return;
        }
        self.last = Some(now());
        if number < self.greatest {
            self.out_of_order += 1;
        } else {
            (self.greatest, self.edit) = (number, edit);
        }
    }
}

/// The numbers of a message, which has one or a list of them.
fn numbers(n: &Value) -> impl Iterator<Item = u64> {
    let list = n.as_array().map_or(std::slice::from_ref(n), Vec::as_slice);
    list.iter().filter_map(Value::as_u64)
}
