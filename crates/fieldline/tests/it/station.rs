//! A program that runs while a test edits its files: what it prints and logs, line by line.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use serde_json::Value;

use crate::program::{Done, fieldline, read};

/// The longest a test waits for one line.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program, killed by its id when the test ends.
pub(crate) struct Station {
    process: Child,
    printed: Receiver<Value>,
    logged: Receiver<Value>,
    admin: String,
}

impl Drop for Station {
    fn drop(&mut self) {
        let _gone_already = self.process.kill();
        let _status = self.process.wait();
    }
}

impl Station {
    /// Runs the pipelines in `folder`, with an admin listener on a free port.
    pub(crate) fn start(folder: &Path, options: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_fieldline"))
            .args(["run", ".", "--admin", "127.0.0.1:0"])
            .args(options)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let printed = lines(process.stdout.take().expect("its output is piped"));
        let logged = lines(process.stderr.take().expect("its log is piped"));
        let mut station = Station { process, printed, logged, admin: String::new() };
        let listening = station.logs(|line| line["address"].is_string());
        station.admin = listening["address"].as_str().expect("just looked at").to_owned();
        station
    }

    /// The address of its admin listener.
    pub(crate) fn admin(&self) -> &str {
        &self.admin
    }

    /// The memory that it has, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.id());
        let status = read(Path::new(&path));
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
    }

    /// The next line it prints.
    pub(crate) fn next(&self) -> Value {
        self.printed.recv_timeout(PATIENCE).expect("the program prints")
    }

    /// All it prints until one line is as wanted, that one included.
    pub(crate) fn until(&self, is_wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut seen = Vec::new();
        while !seen.last().is_some_and(&is_wanted) {
            seen.push(self.next());
        }
        seen
    }

    /// Waits for a line of the log.
    pub(crate) fn logs(&self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.logged.recv_timeout(PATIENCE).expect("the program logs it");
            if is_wanted(&line) {
                return line;
            }
        }
    }

    /// Tells it to end, and gives all that it prints until it has.
    pub(crate) fn stop(mut self) -> Vec<Value> {
        self.terminate();
        self.printed.iter().collect()
    }

    fn terminate(&mut self) {
        let id = self.process.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().expect("`kill` is everywhere");
        assert!(told.success());
        assert!(self.process.wait().expect("it was started").success());
    }

    /// Tells it to end, and gives the lines of its log that nobody has asked for.
    pub(crate) fn log_to_the_end(mut self) -> Vec<Value> {
        self.terminate();
        self.logged.iter().collect()
    }

    /// Kills it, and gives what it had printed.
    pub(crate) fn kill(mut self) -> Vec<Value> {
        self.process.kill().expect("it runs");
        self.printed.iter().collect()
    }

    /// Asks it with a command such as `reload`.
    pub(crate) fn ask(&self, command: &str) -> Done {
        fieldline(Path::new("."), &[command, "--admin", &self.admin])
    }

    /// The same, with the answer as data.
    pub(crate) fn ask_data(&self, command: &str) -> Value {
        let done = fieldline(Path::new("."), &[command, "--admin", &self.admin, "--format", "json"]);
        serde_json::from_str(&done.out).unwrap_or_else(|_| panic!("no JSON: {}{}", done.out, done.errors))
    }
}

/// The lines that are JSON, read by a thread that ends with the process; what nobody wants does not hold it up.
fn lines(output: impl Read + Send + 'static) -> Receiver<Value> {
    let (sender, lines): (SyncSender<Value>, _) = sync_channel(100_000);
    let read = move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Ok(value) = serde_json::from_str(&line) {
                let _nobody_listens = sender.try_send(value);
            }
        }
    };
    std::thread::Builder::new().name("reader".into()).spawn(read).expect("a thread");
    lines
}
