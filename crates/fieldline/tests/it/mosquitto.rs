//! A real broker for tests: mosquitto in a process of its own, on a free port of this machine.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use crate::program::{Process, unused_port, write};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ports to try. Another program may be faster once, not that often.
const TRIES: usize = 8;

/// The installed program. Where there is none, the test says that it is skipped.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn find() -> Option<PathBuf> {
    let found = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.exists());
    if found.is_none() {
        println!("skipped: mosquitto is not installed");
    }
    found
}

/// Starts it on a free port with further lines of configuration, and waits until it says that it runs.
pub(crate) fn start(program: &Path, folder: &Path, configuration: &str) -> (Process, u16) {
    let config = folder.join("mosquitto.conf");
    let mut last_log = String::new();
    for port in (0..TRIES).map(|_try| unused_port()) {
        let text = format!("listener {port} 127.0.0.1\nuser root\nallow_anonymous true\n{configuration}");
        write(&config, &text);
        match launch(program, &config) {
            Ok(process) => return (process, port),
            Err(log) if log.contains("Address already in use") => last_log = log,
            Err(log) => panic!("mosquitto does not run:\n{log}"),
        }
    }
    panic!("mosquitto finds no port:\n{last_log}");
}

/// Starts it; the error is its log if it ends instead of running.
fn launch(program: &Path, config: &Path) -> Result<Process, String> {
    let mut command = Command::new(program);
    command.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Process(command.spawn().expect("mosquitto starts"));
    let log = process.0.stderr.take().expect("piped");
    let (verdict, runs) = sync_channel(1);
    let reader = std::thread::Builder::new().name("mosquitto".into());
    reader.spawn(move || follow(log, &verdict)).expect("a thread");
    runs.recv_timeout(PATIENCE).expect("mosquitto says in time whether it runs").map(|()| process)
}

/// Says whether it runs, and reads its log to the end, so that a full pipe never stops it.
fn follow(log: impl Read, verdict: &SyncSender<Result<(), String>>) {
    let mut text = String::new();
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        if line.ends_with(" running") {
            // Only the first word counts; nobody takes a second.
            let _taken = verdict.try_send(Ok(()));
        }
        text += &format!("{line}\n");
    }
    let _taken = verdict.try_send(Err(text));
}
