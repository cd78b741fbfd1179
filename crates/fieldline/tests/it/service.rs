//! The program as a service of systemd: what it says to the socket that systemd gives it.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::program::{Process, fieldline, folder};

const PIPELINE: &str = "\
pipeline: p
sources:
  air: { type: timer, every: 100ms }
sinks:
  out: { type: blackhole, inputs: air }
";

/// What the program says next.
fn heard(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 1024];
    let length = socket.recv(&mut buffer).expect("it says something in time");
    String::from_utf8(buffer[..length].to_vec()).expect("UTF-8")
}

/// Starts the program as systemd would, with its socket at `path`.
fn start(path: &Path, pipeline: &Path, watchdog: Option<&str>) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldline"));
    command.args(["run", "--no-admin", "--no-watch", "--data-dir"]);
    command.arg(pipeline.with_file_name("data")).arg(pipeline).env("NOTIFY_SOCKET", path);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.envs(watchdog.map(|microseconds| ("WATCHDOG_USEC", microseconds)));
    Process(command.spawn().expect("the program starts"))
}

fn signal(process: &Process, name: &str) {
    let id = process.0.id().to_string();
    let sent = Command::new("kill").args([name, &id]).status().expect("kill runs");
    assert!(sent.success());
}

#[test]
fn systemd_hears_that_the_program_is_ready_and_alive_reloads_and_stops() {
    let folder = folder(&[("p.yaml", PIPELINE)]);
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("it can be set");
    let mut process = start(&path, &folder.path().join("p.yaml"), Some("60000000"));
    assert_eq!(heard(&socket), "READY=1\nSTATUS=2 nodes run, generation 1\n");
    assert_eq!(heard(&socket), "WATCHDOG=1\n");
    signal(&process, "-HUP");
    let told = std::iter::repeat_with(|| heard(&socket)).find(|told| told != "WATCHDOG=1\n");
    assert_eq!(told.as_deref(), Some("STATUS=2 nodes run, generation 1; last reload: unchanged\n"));
    signal(&process, "-TERM");
    let told = std::iter::repeat_with(|| heard(&socket)).find(|told| told != "WATCHDOG=1\n");
    assert_eq!(told.as_deref(), Some("STOPPING=1\nSTATUS=draining\n"));
    assert!(process.0.wait().expect("it ends").success());
}

#[test]
fn nothing_is_said_to_a_watchdog_that_is_not_there() {
    let folder = folder(&[("p.yaml", PIPELINE)]);
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("it can be set");
    let process = start(&path, &folder.path().join("p.yaml"), None);
    assert!(heard(&socket).starts_with("READY=1\n"));
    signal(&process, "-TERM");
    assert!(heard(&socket).starts_with("STOPPING=1\n"));
}

#[test]
fn each_line_for_the_journal_begins_with_its_priority_and_has_no_time_and_no_rust() {
    let text = "pipeline: p\nsources:\n  in: { type: stdin, format: text }\ntransforms:\n  t: { type: script, inputs: in, code: 'print(\"seen\")' }\nsinks:\n  out: { type: blackhole, inputs: t }\n";
    let folder = folder(&[("p.yaml", text)]);
    let arguments = ["run", "p.yaml", "--no-admin", "--log", "debug", "--log-format"];
    let run = |format: &str| fieldline(folder.path(), &[&arguments[..], &[format]].concat());
    let done = run("journald");
    assert_eq!(done.code, 0, "{}", done.errors);
    for line in done.errors.lines() {
        let rest = line.strip_prefix('<').and_then(|line| line[1..].strip_prefix('>'));
        let rest = rest.unwrap_or_else(|| panic!("no priority: {line}"));
        assert!(!rest.starts_with("20") && !rest.contains('\u{1b}') && !rest.contains("NodeId("), "{line}");
    }
    assert!(done.errors.contains("<6>"), "{}", done.errors);
    assert!(run("json").errors.lines().all(|line| line.starts_with('{')));
    assert!(run("text").errors.lines().all(|line| line.starts_with("20")));
    assert_eq!(run("xml").code, 2);
}
