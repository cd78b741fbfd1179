//! [`Site`]: what a trial runs on: two brokers, each behind a network that can be cut, and the program with one
//! pipeline file that is edited.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::broker::{Broker, write};
use crate::client::Receiver;
use crate::engine::{Engine, figure};
use crate::process::{now, wait};
use crate::proxy::{Proxy, Weather};
use crate::witness::Witness;

/// How long something may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// The broker that the pipeline names at first, and the other one.
pub(super) const OLD: usize = 0;
pub(super) const NEW: usize = 1;

/// The pipeline of most trials. `OLD` and `NEW` in a file stand for the ports of the brokers.
pub(super) const PIPELINE: &str = r#"pipeline: p
rollback_window: 5s
connections:
  plant:
    type: mqtt
    url: mqtt://localhost:OLD
    client_id: repair
    user: storm
    password: first
    operation_timeout: 1s
    backoff: { initial: 100ms, max: 500ms }
sources:
  in: { type: timer, every: 50ms }
  rest: { type: timer, every: 1h }
transforms:
  work: { type: script, inputs: in, code: "this.n = meta.sequence; this.edit = 0;" }
sinks:
  out:
    type: mqtt
    inputs: work
    connection: plant
    topic: repair/out
    retry: { initial: 100ms, max: 500ms }
  none: { type: blackhole, inputs: rest }
"#;

/// What a trial runs on.
pub(super) struct Site {
    pub(super) brokers: [Broker<PathBuf>; 2],
    pub(super) networks: [Proxy; 2],
    pub(super) witness: Arc<Witness>,
    /// What came to the brokers.
    pub(super) receivers: [Receiver; 2],
    pub(super) engine: Engine,
    folder: PathBuf,
    program: PathBuf,
    text: String,
}

impl Site {
    /// Starts everything in `folder`. The network of the old broker is cut for now if `is_cut`. Files are read when the
    /// program is told to, or whenever they change if `is_watched`.
    pub(super) fn start(
        program: &Path,
        folder: &Path,
        text: &str,
        is_cut: bool,
        is_watched: bool,
    ) -> Result<Self> {
        let witness = Arc::new(Witness::default());
        let broker = |name: &str| Broker::on_socket(&folder.join(name), Some("first"));
        let brokers = [broker("old")?, broker("new")?];
        let network = |index: usize| Proxy::start(brokers[index].socket(), witness.clone());
        let networks = [network(OLD)?, network(NEW)?];
        let receiver = |index: usize| Receiver::start(brokers[index].socket(), "repair/out/#");
        let receivers = [receiver(OLD)?, receiver(NEW)?];
        if is_cut {
            networks[OLD].set(Weather::Cut);
        }
        let text = text.replace("OLD", &networks[OLD].port().to_string());
        let text = text.replace("NEW", &networks[NEW].port().to_string());
        let pipelines = folder.join("pipelines");
        std::fs::create_dir(&pipelines)?;
        write(&pipelines.join("p.yaml"), &text)?;
        let options: &[&str] = if is_watched { &[] } else { &["--no-watch"] };
        let engine = Engine::start(program, folder, &pipelines, options)?;
        let (folder, program) = (folder.to_owned(), program.to_owned());
        Ok(Site { brokers, networks, witness, receivers, engine, folder, program, text })
    }

    /// The folder of the pipelines.
    pub(super) fn pipelines(&self) -> PathBuf {
        self.folder.join("pipelines")
    }

    /// The pipeline file.
    pub(super) fn file(&self) -> PathBuf {
        self.pipelines().join("p.yaml")
    }

    /// The text of the pipeline file.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Puts `after` in the place of `before` in the pipeline file, and saves it.
    pub(super) fn edit(&mut self, before: &str, after: &str) -> Result<()> {
        ensure!(self.text.contains(before), "there is no `{before}` to edit");
        self.text = self.text.replace(before, after);
        write(&self.file(), &self.text)
    }

    /// The pipeline's url, with the port of this broker.
    pub(super) fn url(&self, host: &str, broker: usize) -> String {
        format!("mqtt://{host}:{}", self.networks[broker].port())
    }

    /// Reads the files again, which must be applied, with nothing cut off. Gives back the answer.
    pub(super) fn reload(&self) -> Result<Value> {
        let (answer, _) = self.engine.admin().reload_with("refuse")?;
        ensure!(answer["result"] == "applied", "a correct edit was not applied: {answer}");
        ensure!(answer["cut_off"].as_array().is_none_or(Vec::is_empty), "the reload cut off: {answer}");
        Ok(answer)
    }

    /// Runs a command of the program against itself: its exit code, and what it prints.
    pub(super) fn command(&self, arguments: &[&str]) -> Result<(i32, String)> {
        let admin = format!("127.0.0.1:{}", self.engine.admin().port());
        let mut command = Command::new(&self.program);
        let output = command.args(arguments).args(["--admin", &admin]).output()?;
        let text = [output.stdout, output.stderr].concat();
        let code = output.status.code().context("a command was killed")?;
        Ok((code, String::from_utf8_lossy(&text).into_owned()))
    }

    /// A number of a node in the program's status.
    pub(super) fn figure(&self, node: &str, field: &str) -> Result<u64> {
        figure(&self.engine.admin().status()?, node, field)
    }

    /// Waits until `is_so`, which must come; `event` names it.
    pub(super) fn until(&self, event: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
        let deadline = now() + PATIENCE;
        while !is_so()? {
            ensure!(now() < deadline, "in {} s not seen: {event}", PATIENCE.as_secs());
            wait(Duration::from_millis(20));
        }
        Ok(())
    }

    /// How many numbers have come to one of the brokers.
    pub(super) fn arrived(&self, broker: usize) -> u64 {
        self.receivers[broker].seen().counts.len() as u64
    }

    /// Waits until the numbers `first` to `last` have come to the brokers, and checks that they came in order and that
    /// nothing was sent again that was acknowledged.
    pub(super) fn await_numbers(&self, first: u64, last: u64) -> Result<()> {
        let has = |number: &u64| self.receivers.iter().any(|one| one.seen().counts.contains_key(number));
        let missing = || (first..=last).filter(|number| !has(number)).collect::<Vec<_>>();
        let all = last + 1 - first;
        let deadline = now() + PATIENCE;
        while let [gap, ..] = missing()[..] {
            ensure!(now() < deadline, "{} of {all} never arrive, the first is {gap}", missing().len());
            wait(Duration::from_millis(50));
        }
        let out_of_order: u64 = self.receivers.iter().map(|one| one.seen().out_of_order).sum();
        ensure!(out_of_order == 0, "{out_of_order} of {all} arrive after a later one");
        let sent_twice = self.witness.testimony().sent_twice;
        ensure!(sent_twice == 0, "{sent_twice} of {all} are sent again although they were acknowledged");
        Ok(())
    }

    /// Waits until the last change has been watched for `window`, and checks that it stays.
    pub(super) fn outlive(&self, window: Duration) -> Result<()> {
        wait(window + Duration::from_secs(2));
        let status = self.engine.admin().status()?;
        let last = &status["last_reload"];
        ensure!(last["result"] == "applied", "a correct edit does not stay: {last}");
        Ok(())
    }
}
