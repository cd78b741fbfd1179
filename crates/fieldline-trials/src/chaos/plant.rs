//! [`Plant`]: everything that runs in a run: broker, networks, disk, program and receivers.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::broker::{Broker, write};
use crate::card::Card;
use crate::client::Receiver;
use crate::process::{Process, command, wait};
use crate::proxy::{Proxy, Weather};
use crate::witness::Witness;

/// Bytes of the program's disk.
const CARD: usize = 32 << 20;

/// What the sender publishes to.
pub(super) const INPUT: &str = "chaos/in";

/// What the sinks publish to: one with its buffer in memory, one with its buffer on disk.
const OUTPUTS: [&str; 2] = ["chaos/memory", "chaos/disk"];

const PIPELINE: &str = r#"pipeline: chaos
connections:
  inbound:
    type: mqtt
    url: mqtt://127.0.0.1:INBOUND
    client_id: chaos-inbound
    keep_alive: 2s
    operation_timeout: 2s
    backoff: { initial: 100ms, max: 1s }
  outbound:
    type: mqtt
    url: mqtt://127.0.0.1:OUTBOUND
    client_id: chaos-outbound
    keep_alive: 2s
    operation_timeout: 2s
    backoff: { initial: 100ms, max: 1s }
sources:
  in: { type: mqtt, connection: inbound, topics: [chaos/in], qos: 1 }
transforms:
  work: { type: script, inputs: in, code: "this.doubled = this.n * 2;" }
sinks:
  memory: { type: mqtt, inputs: work, connection: outbound, topic: chaos/memory, qos: 1, retry: { max: 1s } }
  disk:
    type: mqtt
    inputs: work
    connection: outbound
    topic: chaos/disk
    qos: 1
    retry: { max: 1s }
    buffer: { type: disk, max_size: 16MiB }
"#;

/// What runs.
pub(super) struct Plant<'a> {
    pub(super) broker: Broker,
    /// Between the broker and the program's sources.
    source_network: Proxy,
    /// Between the program's sinks and the broker.
    pub(super) sink_network: Proxy,
    pub(super) witness: Arc<Witness>,
    pub(super) receivers: Vec<Receiver>,
    /// The program's disk, where one can be made that can be filled.
    pub(super) card: Option<Card>,
    program: &'a Path,
    data_dir: PathBuf,
    pipeline: PathBuf,
    /// `None` for a moment, while it is started again.
    engine: Option<Process>,
}

impl<'a> Plant<'a> {
    /// Starts everything in `folder`; says what cannot be had.
    pub(super) fn start(program: &'a Path, folder: &Path, say: &mut impl FnMut(String)) -> Result<Self> {
        let broker = Broker::start(folder)?;
        let witness = Arc::new(Witness::default());
        let source_network = Proxy::start(broker.port(), witness.clone())?;
        let sink_network = Proxy::start(broker.port(), witness.clone())?;
        let pipeline = folder.join("chaos.yaml");
        let text = PIPELINE.replace("INBOUND", &source_network.port().to_string());
        write(&pipeline, &text.replace("OUTBOUND", &sink_network.port().to_string()))?;
        let check = Command::new(program).arg("check").arg(&pipeline).stdout(Stdio::null()).status();
        ensure!(check.context("the program does not start")?.success(), "the program refuses the pipeline");
        let data_dir = folder.join("data");
        create_folder(&data_dir)?;
        let card = Card::mount(&data_dir, CARD);
        if let Err(reason) = &card {
            say(format!("no round with a full disk: no small file system can be mounted here: {reason}"));
        }
        let receivers = OUTPUTS.map(|topic| Receiver::start(broker.port(), topic));
        let receivers = receivers.into_iter().collect::<Result<_>>()?;
        let mut plant = Plant {
            broker,
            source_network,
            sink_network,
            witness,
            receivers,
            card: card.ok(),
            program,
            data_dir,
            pipeline,
            engine: None,
        };
        plant.start_program()?;
        wait(Duration::from_secs(2));
        Ok(plant)
    }

    /// Kills the program without a word, and starts it again.
    pub(super) fn kill_program(&mut self) -> Result<()> {
        self.engine.take().into_iter().for_each(Process::kill);
        self.start_program()
    }

    fn start_program(&mut self) -> Result<()> {
        let mut command = command(self.program);
        command.args(["run", "--no-admin", "--no-watch", "--log", "error", "--data-dir"]).arg(&self.data_dir);
        command.arg(&self.pipeline).stdout(Stdio::null()).stderr(Stdio::null());
        self.engine = Some(Process::start(&mut command)?);
        Ok(())
    }

    /// Changes the weather between the program and the broker.
    pub(super) fn set_weather(&self, weather: Weather) {
        self.source_network.set(weather);
        self.sink_network.set(weather);
    }

    /// Stops the program in good order.
    pub(super) fn stop(mut self) -> Result<()> {
        self.engine.take().map_or(Ok(()), Process::interrupt)
    }
}

fn create_folder(path: &Path) -> Result<()> {
    std::fs::create_dir(path).with_context(|| format!("cannot create `{}`", path.display()))
}
