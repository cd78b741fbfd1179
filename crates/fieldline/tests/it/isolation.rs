//! What one part does does not stop the others, nor keep the program from ending.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{Process, folder, unused_port, write};

/// Compares two lists for ever, at each event.
const BULLY: &str = "\
pipeline: NAME
sources:
  t: { type: timer, every: 20ms }
transforms:
  bully:
    type: script
    inputs: t
    max_operations: 1000000000
    code: |
      let a = [];
      for i in 0..9900 { a.push(i); }
      let b = a;
      loop { a == b; }
sinks:
  out: { type: blackhole, inputs: bully }
";

const NEIGHBOUR: &str = "\
pipeline: neighbour
sources:
  t: { type: timer, every: 20ms }
sinks:
  out: { type: stdout, inputs: t }
";

#[expect(clippy::disallowed_methods, reason = "a rate and a grace are measured on a real process")]
fn now() -> Instant {
    Instant::now()
}

fn start(folder: &Path, grace: &str, port: u16) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldline"));
    command.args(["run", "--no-watch", "--data-dir"]).arg(folder.join("data"));
    command.args(["--grace", grace, "--admin", &format!("127.0.0.1:{port}")]).arg(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Process(command.spawn().expect("the program starts"))
}

fn signal(process: &Process, name: &str) {
    let sent = Command::new("kill").args([name, &process.0.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(2))).expect("it can be set");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers in time");
    answer
}

#[test]
fn scripts_that_compute_for_ever_leave_others_their_rate_and_end_with_the_program() {
    let pipelines = ["one", "two"].map(|name| (format!("{name}.yaml"), BULLY.replace("NAME", name)));
    let folder = folder(&[("neighbour.yaml", NEIGHBOUR)]);
    pipelines.iter().for_each(|(name, text)| write(&folder.path().join(name), text));
    let port = unused_port();
    let mut process = start(folder.path(), "1", port);
    let mut lines = BufReader::new(process.0.stdout.take().expect("it is piped")).lines();
    lines.next().expect("it runs").expect("UTF-8");
    let begin = now();
    let count = lines.by_ref().take(300).count();
    let taken = begin.elapsed();
    assert_eq!(count, 300);
    assert!(taken < Duration::from_millis(300 * 20 * 100 / 95), "300 events at 50 a second took {taken:?}");
    assert!(get(port, "/healthz").starts_with("HTTP/1.1 200"));
    let stopped = now();
    signal(&process, "-TERM");
    let status = process.0.wait().expect("it ends");
    let taken = stopped.elapsed();
    assert!(taken < Duration::from_secs(2), "it took {taken:?} to end: {status}");
    let mut log = String::new();
    process.0.stderr.take().expect("it is piped").read_to_string(&mut log).expect("UTF-8");
    let moved = log.matches("it goes on on one of its own").count();
    assert_eq!(moved, 2, "{log}");
}

#[test]
fn a_batch_whose_events_take_long_keeps_its_order_when_its_transforms_move_to_a_thread() {
    let numbers: Vec<String> = (0..60).map(|number| format!("{{\"n\":{number}}}")).collect();
    let pipeline = "\
pipeline: p
sources:
  lines: { type: file, path: lines.json }
transforms:
  slow: { type: script, inputs: lines, code: \"for i in 0..10000 { let x = i; }\" }
  slow_too: { type: script, inputs: slow, code: \"for i in 0..10000 { let x = i; }\" }
sinks:
  out: { type: stdout, inputs: slow_too }
";
    let folder = folder(&[("p.yaml", pipeline), ("lines.json", &(numbers.join("\n") + "\n"))]);
    let mut process = start(folder.path(), "10", unused_port());
    let (mut out, mut log) = (String::new(), String::new());
    process.0.stdout.take().expect("it is piped").read_to_string(&mut out).expect("UTF-8");
    process.0.stderr.take().expect("it is piped").read_to_string(&mut log).expect("UTF-8");
    assert!(process.0.wait().expect("it ends").success());
    assert_eq!(out.lines().collect::<Vec<_>>(), numbers, "{log}");
    assert_eq!(log.matches("it goes on on one of its own").count(), 1, "{log}");
}

#[test]
fn a_second_signal_ends_the_program_at_once_and_says_what_is_left() {
    let folder = folder(&[]);
    write(&folder.path().join("one.yaml"), &BULLY.replace("NAME", "one"));
    let mut process = start(folder.path(), "60", unused_port());
    let mut log = BufReader::new(process.0.stderr.take().expect("it is piped")).lines();
    let mut until =
        |words: &str| log.by_ref().map(|line| line.expect("UTF-8")).find(|line| line.contains(words));
    // It takes a quarter of a second for each event, and more come in that time.
    until("it goes on on one of its own").expect("it has a thread of its own");
    signal(&process, "-TERM");
    until("draining").expect("it drains");
    signal(&process, "-TERM");
    let left = until("left behind").expect("it tells");
    assert!(left.contains("one/bully") && left.contains("\"events\":"), "{left}");
    assert_eq!(process.0.wait().expect("it ends").code(), Some(143));
}

#[test]
fn a_write_that_never_returns_does_not_keep_the_program_from_ending() {
    let long = format!("every: 1ms, body: {{ text: {} }}", "x".repeat(1000));
    let folder = folder(&[("p.yaml", NEIGHBOUR.replace("every: 20ms", &long).as_str())]);
    let port = unused_port();
    // Nobody reads what it prints.
    let mut process = start(folder.path(), "1", port);
    let mut log = BufReader::new(process.0.stderr.take().expect("it is piped")).lines();
    let mut until =
        |words: &str| log.by_ref().map(|line| line.expect("UTF-8")).find(|line| line.contains(words));
    until("running").expect("it runs");
    while waiting(&get(port, "/v1/status"), "neighbour/out") < 100 {
        std::thread::yield_now();
    }
    let stopped = now();
    signal(&process, "-TERM");
    process.0.wait().expect("it ends");
    let taken = stopped.elapsed();
    assert!(taken < Duration::from_secs(2), "it took {taken:?} to end");
}

#[test]
fn a_file_that_cannot_be_read_to_its_end_does_not_keep_the_program_from_draining() {
    let folder = folder(&[("p.yaml", NEIGHBOUR)]);
    let mut process = start(folder.path(), "60", unused_port());
    let mut lines = BufReader::new(process.0.stdout.take().expect("it is piped")).lines();
    lines.next().expect("it runs").expect("UTF-8");
    // Nobody writes to it, so that reading it never ends.
    let made = Command::new("mkfifo").arg(folder.path().join("q.yaml")).status();
    assert!(made.expect("mkfifo runs").success());
    signal(&process, "-HUP");
    lines.next().expect("it runs").expect("UTF-8");
    let stopped = now();
    signal(&process, "-TERM");
    let status = process.0.wait().expect("it ends");
    let taken = stopped.elapsed();
    assert!(taken < Duration::from_secs(2) && status.success(), "{status} after {taken:?}");
}

/// The events that are in a node, as the status says.
fn waiting(answer: &str, node: &str) -> i64 {
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let status: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let nodes = status["nodes"].as_array().expect("nodes");
    let found = nodes.iter().find(|found| found["node"] == node).expect("the node");
    found["in_flight"].as_i64().expect("a number")
}

/// A broker in the program.
const BROKER: &str = "\
pipeline: p
sources:
  t: { type: timer, every: 100ms }
sinks:
  out: { type: mqtt, inputs: t, connection: c, topic: t }
connections:
  c: { type: mqtt, broker: embedded, listen: 127.0.0.1:PORT }
";

#[test]
fn clients_that_take_all_connections_keep_nobody_from_asking_how_the_program_is() {
    let (port, admin) = (unused_port(), unused_port());
    let folder = folder(&[("p.yaml", &BROKER.replace("PORT", &port.to_string()))]);
    let mut command = Command::new("sh");
    let run =
        format!("ulimit -n 64; exec \"$0\" run --no-watch --admin 127.0.0.1:{admin} --data-dir data p.yaml");
    command.args(["-c", &run, env!("CARGO_BIN_EXE_fieldline")]).current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Process(command.spawn().expect("the program starts"));
    let mut log = BufReader::new(process.0.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains("\"message\":\"connected\"")), "the program is the first client");
    let clients: Vec<_> = (0..300).filter_map(|_| TcpStream::connect(("127.0.0.1", port)).ok()).collect();
    let idle: Vec<_> = (0..100).filter_map(|_| TcpStream::connect(("127.0.0.1", admin)).ok()).collect();
    assert_eq!((clients.len(), idle.len()), (300, 100), "they are taken, or wait in the queue of the system");
    for _ in 0..20 {
        assert!(get(admin, "/healthz").starts_with("HTTP/1.1 200"));
    }
    signal(&process, "-TERM");
    let status = process.0.wait().expect("it ends");
    let refusals: Vec<_> = log.filter(|line| !line.contains("INFO")).collect();
    assert!(status.success() && !refusals.is_empty() && refusals.len() <= 3, "{status}, {refusals:#?}");
}
