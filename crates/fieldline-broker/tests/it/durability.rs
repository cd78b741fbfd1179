//! What is left after `kill -9`. The test starts itself a second time as the process to be killed.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use fieldline_broker::{Broker, BrokerOptions};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::device::{Connect, Device, Message, VERSIONS, Version};
use crate::support::{DEADLINE, plain};

const DATA: &str = "FIELDLINE_BROKER_TEST_DATA";
const LISTENS: &str = "listens on ";
const FLUSHED: &str = "flushed";

#[tokio::test]
async fn sessions_their_queues_and_retained_messages_survive_kill_9() {
    if let Some(directory) = std::env::var_os(DATA) {
        return be_a_broker(Path::new(&directory)).await;
    }
    let directory = tempfile::tempdir().expect("a directory is made");
    let mut process = Process::start(directory.path()).await;
    for version in VERSIONS {
        let mut device = session(process.address, version).open().await;
        assert!(!device.session_present);
        assert!(device.subscribe("queued/#").await);
    }
    let mut publisher = Device::three(process.address, "publisher").await;
    publisher.retain("retained", "on").await;
    for number in 0..20 {
        assert_eq!(publisher.publish("queued/a", &number.to_string()).await, Ok(true));
    }
    process.flush().await;
    process.kill().await;

    let process = Process::start(directory.path()).await;
    for version in VERSIONS {
        let mut device = session(process.address, version).open().await;
        assert!(device.session_present);
        for number in 0..20 {
            assert_eq!(device.next().await, Message::new("queued/a", &number.to_string()));
        }
        assert!(device.subscribe("retained").await);
        assert_eq!(device.next().await, Message::new("retained", "on").retained());
    }
    process.kill().await;
}

fn session(address: SocketAddr, version: Version) -> Connect<'static> {
    let id = if version == Version::Three { "three" } else { "five" };
    Connect { persistent: true, ..Connect::new(address, id, version) }
}

/// Serves until killed; writes out its queues for each line it reads.
async fn be_a_broker(directory: &Path) {
    let options = BrokerOptions { data_directory: Some(directory.to_owned()), ..plain() };
    let broker = Broker::start(options).await.expect("the broker starts");
    let link = broker.link();
    say(&format!("{LISTENS}{}", broker.addresses()[0]));
    let stop = async {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while lines.next_line().await.expect("standard input is readable").is_some() {
            link.flush().await.expect("the broker runs");
            say(FLUSHED);
        }
    };
    broker.run(stop).await;
}

/// Straight to the pipe, past the test harness and its captured output.
fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).expect("the parent reads");
}

struct Process {
    child: Child,
    address: SocketAddr,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    async fn start(directory: &Path) -> Self {
        let program = std::env::current_exe().expect("a test knows its program");
        let name = "durability::sessions_their_queues_and_retained_messages_survive_kill_9";
        let mut child = Command::new(program)
            .args(["--exact", name, "--nocapture"])
            .env(DATA, directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the process starts");
        let input = child.stdin.take().expect("the input is a pipe");
        let output = child.stdout.take().expect("the output is a pipe");
        let address = "0.0.0.0:0".parse().expect("the address is well-formed");
        let mut process = Self { child, address, input, output: BufReader::new(output).lines() };
        process.address = process.hear(LISTENS).await.parse().expect("an address follows");
        process
    }

    async fn flush(&mut self) {
        self.input.write_all(b"\n").await.expect("the process reads");
        self.hear(FLUSHED).await;
    }

    /// What follows `phrase`; the test harness may have put something in front of it.
    async fn hear(&mut self, phrase: &str) -> String {
        loop {
            let line = timeout(DEADLINE, self.output.next_line())
                .await
                .expect("the process speaks in time")
                .expect("the output is readable")
                .expect("the process is alive");
            if let Some((_, rest)) = line.split_once(phrase) {
                return rest.to_owned();
            }
        }
    }

    async fn kill(mut self) {
        self.child.kill().await.expect("the process is killed");
    }
}
