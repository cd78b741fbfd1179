//! `fieldline shadow` against the shadow service of the embedded broker, in a program of its own, and against a server
//! of REST that demands certificates.

mod outside_broker;
mod rest_server;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use self::rest_server::RestServer;
use crate::program::{Done, Process, fieldline, folder, read, unused_port, write};

const BROKER: &str = "pipeline: plant
connections:
  broker: { type: mqtt, broker: embedded, shadows: SHADOWS, listen: \"127.0.0.1:PORT\" }
sources:
  changes: { type: mqtt, connection: broker, topics: [\"a\"] }
sinks:
  print: { type: stdout, inputs: changes }
";

/// What makes the broker of [`BROKER`] speak TLS.
const TLS: &str = "
    listen_tls: { cert: certs/server.pem, key: certs/server.key }
    tls: { ca: certs/ca.pem, cert: certs/lamp.pem, key: certs/lamp.key }";

/// A program with a broker, which runs until this is dropped.
struct Plant {
    folder: TempDir,
    url: String,
    port: u16,
    program: Process,
}

impl Plant {
    fn start(shadows: bool) -> Self {
        Plant::run(BROKER.replace("SHADOWS", &shadows.to_string()), "mqtt://127.0.0.1", folder(&[]))
    }

    fn with_tls() -> Self {
        let folder = folder(&[]);
        let made = fieldline(folder.path(), &["certs", "--device", "lamp"]);
        assert_eq!(made.code, 0, "{}", made.errors);
        let fields = format!(
            "\n    type: mqtt\n    broker: embedded\n    shadows: true\n    listen: \"127.0.0.1:PORT\"{TLS}"
        );
        let connection = BROKER.lines().nth(2).expect("the connection");
        Plant::run(BROKER.replace(connection, &format!("  broker:{fields}")), "mqtts://localhost", folder)
    }

    fn run(pipeline: String, host: &str, folder: TempDir) -> Self {
        let port = unused_port();
        write(&folder.path().join("plant.yaml"), &pipeline.replace("PORT", &port.to_string()));
        let program = program(folder.path(), port);
        Plant { folder, url: format!("{host}:{port}"), port, program }
    }

    /// Kills the program and starts it again, with the same port and data.
    fn restart(&mut self) {
        self.program.0.kill().expect("it runs");
        self.program.0.wait().expect("it is ours");
        self.program = program(self.folder.path(), self.port);
    }

    fn shadow(&self, arguments: &[&str]) -> Done {
        shadow(self.folder.path(), &[arguments, &["--url", &self.url]].concat())
    }
}

/// Runs `plant.yaml`; returns when its broker accepts.
fn program(folder: &Path, port: u16) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldline"));
    command.args(["run", "plant.yaml", "--no-admin", "--no-watch"]).current_dir(folder);
    let program = Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"));
    await_true("the broker accepts", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    program
}

pub(crate) fn await_true(what: &str, is_true: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_true() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        std::thread::yield_now();
    }
}

fn shadow(folder: &Path, arguments: &[&str]) -> Done {
    fieldline(folder, &[&["shadow"], arguments].concat())
}

/// The answer, JSON in one line.
fn answer(done: &Done) -> serde_json::Value {
    assert_eq!(done.code, 0, "{}", done.errors);
    serde_json::from_str(&done.out).expect("JSON")
}

fn assert_fails(done: &Done, code: i32, error: &str) {
    assert_eq!((done.code, done.out.as_str()), (code, ""), "{}", done.errors);
    assert!(done.errors.contains(error), "{}", done.errors);
}

#[test]
fn a_shadow_is_made_read_changed_and_deleted_over_mqtt() {
    let plant = Plant::start(true);
    assert_fails(
        &plant.shadow(&["get", "lamp"]),
        5,
        "error: rejected with 404: No shadow exists with name: 'lamp'",
    );
    let made = answer(&plant.shadow(&["update", "lamp", r#"{"state":{"desired":{"mode":"eco"}}}"#]));
    assert_eq!((&made["version"], &made["state"]["desired"]["mode"]), (&1.into(), &"eco".into()));
    write(&plant.folder.path().join("report.json"), r#"{"state":{"reported":{"mode":"off"}}}"#);
    assert_eq!(answer(&plant.shadow(&["update", "lamp", "@report.json"]))["version"], 2);
    let document = answer(&plant.shadow(&["get", "lamp"]));
    assert_eq!(document["state"]["delta"], serde_json::json!({"mode": "eco"}));
    let conflict = plant.shadow(&["update", "lamp", r#"{"state":{},"version":1}"#]);
    assert_fails(&conflict, 5, "error: rejected with 409: Version conflict");
    assert_eq!(answer(&plant.shadow(&["delete", "lamp"]))["version"], 2);
    assert_fails(&plant.shadow(&["delete", "lamp"]), 5, "404");
}

#[test]
fn a_named_shadow_is_another_one_and_the_document_may_come_from_standard_input() {
    let plant = Plant::start(true);
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldline"));
    command.args(["shadow", "update", "lamp", "--name", "config", "--url", &plant.url]);
    let mut updating = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut input = updating.stdin.take().expect("a pipe");
    input.write_all(br#"{"state":{"reported":{"a":1}},"clientToken":"mine"}"#).expect("it reads");
    drop(input);
    let done = updating.wait_with_output().expect("it ends");
    assert!(done.status.success());
    let accepted: serde_json::Value = serde_json::from_slice(&done.stdout).expect("JSON");
    assert_eq!(accepted["clientToken"], "mine");
    assert_eq!(answer(&plant.shadow(&["get", "lamp", "--name", "config"]))["state"]["reported"]["a"], 1);
    assert_fails(&plant.shadow(&["get", "lamp"]), 5, "No shadow exists with name: 'lamp'");
    assert_fails(&plant.shadow(&["get", "lamp", "--name", "x"]), 5, "No shadow exists with name: 'lamp~x'");
}

#[test]
fn watching_tells_the_document_first_and_then_each_change_over_a_lost_connection_too() {
    let mut plant = Plant::start(true);
    answer(&plant.shadow(&["update", "lamp", r#"{"state":{"desired":{"a":1}}}"#]));
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldline"));
    command.args(["shadow", "watch", "lamp", "--what", "delta", "--count", "3", "--url", &plant.url]);
    let mut watching = Process(command.stdout(Stdio::piped()).spawn().expect("it starts"));
    let mut lines = BufReader::new(watching.0.stdout.take().expect("a pipe")).lines();
    let mut next = || -> serde_json::Value {
        serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON")
    };
    let first = next();
    assert_eq!((&first["version"], &first["delta"]), (&1.into(), &serde_json::json!({"a": 1})));
    answer(&plant.shadow(&["update", "lamp", r#"{"state":{"desired":{"b":2}},"clientToken":"t"}"#]));
    let second = next();
    assert_eq!((&second["version"], &second["delta"]), (&2.into(), &serde_json::json!({"a": 1, "b": 2})));
    assert_eq!(second["clientToken"], "t");
    // What is desired while there is no connection is told when there is one again.
    plant.restart();
    answer(&plant.shadow(&["update", "lamp", r#"{"state":{"desired":{"a":3}}}"#]));
    assert_eq!(next()["version"], 3);
    assert!(watching.0.wait().expect("it ends").success());
}

#[test]
fn the_connection_may_be_that_of_a_pipeline_file() {
    let plant = Plant::start(true);
    let by_file = |arguments: &[&str]| {
        shadow(plant.folder.path(), &[arguments, &["--pipeline", "plant.yaml"]].concat())
    };
    answer(&by_file(&["update", "lamp", r#"{"state":{"desired":{"a":1}}}"#]));
    assert_eq!(answer(&by_file(&["get", "lamp", "--connection", "broker"]))["version"], 1);
    let unknown = by_file(&["get", "lamp", "--connection", "other"]);
    assert_fails(&unknown, 2, "`plant.yaml` has no such `mqtt` connection");
    write(&plant.folder.path().join("wrong.yaml"), "pipeline: wrong\nsinks: 1\n");
    assert_eq!(shadow(plant.folder.path(), &["get", "lamp", "--pipeline", "wrong.yaml"]).code, 78);
    let free = BROKER.replace("SHADOWS", "true").replace(", listen: \"127.0.0.1:PORT\"", "");
    write(&plant.folder.path().join("free.yaml"), &free);
    let free = shadow(plant.folder.path(), &["get", "lamp", "--pipeline", "free.yaml"]);
    assert_fails(&free, 2, "add `listen: 127.0.0.1:1884` to it");
}

#[test]
fn what_a_shadow_cannot_take_goes_to_the_dead_letter_with_the_code() {
    let mut plant = Plant::start(true);
    let document = format!(r#"{{"state":{{"desired":{{"text":"{}"}}}}}}"#, "x".repeat(8_000));
    answer(&plant.shadow(&["update", "lamp", &document]));
    let source =
        format!("  large: {{ type: timer, every: 1h, body: {{ text: {} }} }}\nsinks:", "y".repeat(500));
    let sink = "  twin: { type: shadow, inputs: large, connection: broker, thing: lamp }\n";
    let file = plant.folder.path().join("plant.yaml");
    write(&file, &format!("{}{sink}", read(&file).replace("sinks:", &source)));
    plant.restart();
    let letters = plant.folder.path().join("fieldline-data/dead-letter/plant.jsonl");
    await_true("there is a dead letter", || read(&letters).ends_with('\n'));
    let letter: serde_json::Value =
        serde_json::from_str(read(&letters).trim_end()).expect("one line of JSON");
    assert_eq!(letter["reason"], "rejected");
    let message = letter["message"].as_str().expect("a text");
    assert!(message.contains("refused it with 413"), "{message}");
    assert_eq!(answer(&plant.shadow(&["get", "lamp"]))["version"], 1);
}

#[test]
fn an_embedded_broker_with_a_certificate_serves_those_who_show_theirs() {
    let plant = Plant::with_tls();
    let made = plant
        .shadow(&[&["update", "lamp", r#"{"state":{"desired":{"a":1}}}"#] as &[&str], &CREDENTIALS].concat());
    assert_eq!(answer(&made)["version"], 1);
    let by_file = shadow(plant.folder.path(), &["get", "lamp", "--pipeline", "plant.yaml"]);
    assert_eq!(answer(&by_file)["version"], 1);
    let nobody = plant.shadow(&["get", "lamp", "--ca", "certs/ca.pem"]);
    assert_fails(&nobody, 6, "the broker demands a client certificate");
    let plain = shadow(plant.folder.path(), &["get", "lamp", "--url", &plant.url.replace("mqtts", "mqtt")]);
    assert_eq!(plain.code, 6, "{}", plain.errors);
}

#[test]
fn a_service_that_is_not_there_is_unreachable() {
    let plant = Plant::start(false);
    let silent = plant.shadow(&["get", "lamp", "--timeout", "1"]);
    assert_fails(&silent, 6, "error: no answer from the shadow service within 1s");
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let url = format!("mqtt://{closed}");
    let refused = shadow(plant.folder.path(), &["get", "lamp", "--url", &url]);
    assert_fails(&refused, 6, &format!("error: `{closed}` refuses connections"));
    let refused = shadow(plant.folder.path(), &["watch", "lamp", "--url", &url]);
    assert_fails(&refused, 6, "refuses connections");
}

#[test]
fn what_cannot_be_asked_is_wrong_usage() {
    let folder = folder(&[]);
    for (arguments, error) in [
        (&["get", "lamp"] as &[&str], "--url <URL>"),
        (&["get", "two things", "--url", "mqtt://host"], "thing name `two things` must be"),
        (&["get", "lamp", "--url", "host"], "it must start with `mqtt://` or `mqtts://`"),
        (&["get", "lamp", "--url", "mqtts://host"], "`mqtts` needs the certificate"),
        (&["get", "lamp", "--url", "https://host"], "`https` needs --ca"),
        (&["update", "lamp", "[1]", "--url", "mqtt://host"], "the document is no JSON object"),
        (&["update", "lamp", "{", "--url", "mqtt://host"], "the document is no JSON"),
        (&["update", "lamp", r#"{"clientToken":7}"#, "--url", "mqtt://host"], "Invalid clientToken"),
    ] {
        assert_fails(&shadow(folder.path(), arguments), 2, error);
    }
}

/// A server that demands certificates, and what `certs` has made.
async fn rest_plant() -> (RestServer, TempDir) {
    let folder = folder(&[]);
    let made = fieldline(folder.path(), &["certs", "--device", "lamp"]);
    assert_eq!(made.code, 0, "{}", made.errors);
    (RestServer::start(&folder.path().join("certs")).await, folder)
}

const CREDENTIALS: [&str; 6] =
    ["--ca", "certs/ca.pem", "--cert", "certs/lamp.pem", "--key", "certs/lamp.key"];

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_is_made_read_changed_and_deleted_over_rest() {
    let (server, folder) = rest_plant().await;
    let ask = |arguments: &[&str]| {
        shadow(folder.path(), &[arguments, &["--url", &server.url], &CREDENTIALS].concat())
    };
    assert_fails(&ask(&["get", "lamp"]), 5, "rejected with 404: No shadow exists with name: 'lamp'");
    let made = answer(&ask(&["update", "lamp", "--name", "config", r#"{"state":{"desired":{"a":1}}}"#]));
    assert_eq!(made["version"], 1);
    let document = answer(&ask(&["get", "lamp", "--name", "config"]));
    assert_eq!(document["state"]["delta"], serde_json::json!({"a": 1}));
    let conflict = ask(&["update", "lamp", "--name", "config", r#"{"state":{},"version":9}"#]);
    assert_fails(&conflict, 5, "rejected with 409: Version conflict");
    let invalid = ask(&["update", "lamp", r#"{"state":{"delta":{}}}"#]);
    assert_fails(&invalid, 5, "rejected with 400: State contains an invalid node: 'delta'");
    assert_fails(&ask(&["get", "other"]), 5, "rejected with 403: Forbidden");
    assert_eq!(answer(&ask(&["delete", "lamp", "--name", "config"]))["version"], 1);
    assert_fails(&ask(&["watch", "lamp"]), 2, "only MQTT tells of changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_rest_wants_a_certificate_and_must_show_a_good_one() {
    let (server, folder) = rest_plant().await;
    let url = server.url.as_str();
    let nobody = shadow(folder.path(), &["get", "lamp", "--url", url, "--ca", "certs/ca.pem"]);
    assert_fails(&nobody, 6, "CertificateRequired");
    let other = fieldline(folder.path(), &["certs", "--into", "other"]);
    assert_eq!(other.code, 0, "{}", other.errors);
    let stranger = shadow(folder.path(), &["get", "lamp", "--url", url, "--ca", "other/ca.pem"]);
    assert_fails(&stranger, 6, "invalid peer certificate");
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let url = format!("https://{closed}");
    let gone = shadow(folder.path(), &[&["get", "lamp", "--url", &url] as &[&str], &CREDENTIALS].concat());
    assert_fails(&gone, 6, "cannot be reached");
}
