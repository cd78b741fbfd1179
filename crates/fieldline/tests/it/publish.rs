//! Example 1 against a real broker that demands certificates: mosquitto in a process of its own, on a free
//! port of this machine. Skipped, with a printed reason, where mosquitto is not installed.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::mosquitto;
use crate::program::{Process, write};

const FIELDLINE: &str = env!("CARGO_BIN_EXE_fieldline");

fn certs(folder: &Path) {
    let done =
        Command::new(FIELDLINE).arg("certs").arg("--into").arg(folder).output().expect("fieldline runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// mosquitto with mutual TLS.
fn broker(program: &Path, folder: &Path, certs: &Path) -> (Process, u16) {
    let certs = certs.display();
    let text = format!(
        "require_certificate true\ncafile {certs}/ca.pem\ncertfile {certs}/server.pem\nkeyfile {certs}/server.key\n"
    );
    mosquitto::start(program, folder, &text)
}

/// Starts example 1 as a station with the certificates of `certs`.
fn station(folder: &Path, certs: &Path, port: u16) -> Process {
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/01-publish/aws-iot.yaml");
    let template = template.canonicalize().expect("the example is there");
    let file = folder.join("station.yaml");
    let params = format!(
        "endpoint: localhost, port: {port}, certs: {}, bus: simulated, interval: 1s",
        certs.display()
    );
    write(&file, &format!("use: {}\nparams: {{ {params} }}\n", template.display()));
    let mut command = Command::new(FIELDLINE);
    command.args(["run", "--no-admin", "--no-watch", "--data-dir"]).arg(folder.join("data")).arg(&file);
    Process(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("fieldline starts"))
}

#[test]
fn readings_arrive_at_a_broker_that_demands_a_certificate() {
    let Some(program) = mosquitto::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let pki = folder.path().join("certs");
    certs(&pki);
    let (_broker, port) = broker(&program, folder.path(), &pki);
    let pem = |name: &str| pki.join(name).display().to_string();
    let subscriber = Command::new("mosquitto_sub")
        .args([
            "-h",
            "localhost",
            "-p",
            &port.to_string(),
            "-t",
            "bme680/temperature",
            "-q",
            "1",
            "-C",
            "2",
            "-W",
            "60",
        ])
        .args(["--cafile", &pem("ca.pem"), "--cert", &pem("device.pem"), "--key", &pem("device.key")])
        .stdout(Stdio::piped())
        .spawn();
    let Ok(subscriber) = subscriber else {
        println!("skipped: mosquitto_sub is not installed");
        return;
    };
    let mut subscriber = Process(subscriber);
    let _station = station(folder.path(), &pki, port);
    let mut messages = String::new();
    let output = subscriber.0.stdout.as_mut().expect("it is piped");
    output.read_to_string(&mut messages).expect("the messages are text");
    let messages: Vec<&str> = messages.lines().collect();
    assert_eq!(messages.len(), 2, "two readings arrive within a minute: {messages:?}");
    for message in messages {
        let body: serde_json::Value = serde_json::from_str(message).expect("JSON");
        let fields: Vec<&String> = body.as_object().expect("a map").keys().collect();
        assert_eq!(fields, ["sequence", "timestamp_utc", "value", "status"]);
        assert_eq!(body["status"], "success");
        let value = body["value"].as_f64().expect("a number");
        assert!((15.0..30.0).contains(&value), "the simulated room has {value} °C");
    }
}

#[test]
fn a_certificate_of_another_authority_is_refused_and_said_so() {
    let Some(program) = mosquitto::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (right, wrong) = (folder.path().join("right"), folder.path().join("wrong"));
    certs(&right);
    certs(&wrong);
    let (_broker, port) = broker(&program, folder.path(), &right);
    let mut station = station(folder.path(), &wrong, port);
    let mut log = String::new();
    let mut chunk = [0; 4096];
    let output = station.0.stderr.as_mut().expect("it is piped");
    while !log.contains("\"WARN\"") && !log.contains("\"ERROR\"") {
        let read = output.read(&mut chunk).expect("the log can be read");
        assert!(read > 0, "the program ended: {log}");
        log += &String::from_utf8_lossy(&chunk[..read]);
    }
    assert!(log.contains("authority"), "the message names the authority: {log}");
    assert!(!log.contains("\"connected\""), "{log}");
}
