//! The device of example 3 at mosquitto, with the shadow service at the far side of it, as with AWS: what is wanted is
//! done and reported, what cannot be is refused and the reason reported.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use fieldline_shadow::limits::Limits;
use fieldline_shadow::service::{MemoryStore, Service};
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use serde_json::Value;

use super::{answer, await_true, shadow};
use crate::mosquitto;
use crate::program::{Process, folder, read, workspace, write};

/// Some second of the epoch.
const NOW: u64 = 1_800_000_000;

/// Serves shadows at the broker on `port` for as long as that runs; returns when it listens.
fn serve(port: u16) {
    let (client, mut connection) = Client::new(MqttOptions::new("shadow-service", "127.0.0.1", port), 1000);
    let (ready, is_ready) = mpsc::sync_channel(1);
    let service = std::thread::Builder::new().name("shadow-service".into());
    let mut shadows = Service::new(MemoryStore::default(), Limits::default());
    client.subscribe("$aws/things/+/shadow/#", QoS::AtLeastOnce).expect("there is room");
    let run = move || {
        for event in connection.iter().map_while(Result::ok) {
            match event {
                Event::Incoming(Packet::SubAck(_)) => ready.send(()).expect("the test waits"),
                Event::Incoming(Packet::Publish(request)) => {
                    for answer in shadows.answer(&request.topic, &request.payload, NOW).publications {
                        let sent = client.try_publish(answer.topic, QoS::AtLeastOnce, false, answer.payload);
                        sent.expect("there is room");
                    }
                }
                _ => {}
            }
        }
    };
    service.spawn(run).expect("a thread");
    is_ready.recv().expect("the subscription is granted");
}

/// Example 3 with a connection to the broker on `port` in place of its own.
fn device(folder: &Path, port: u16) -> Process {
    let example = read(&workspace().join("examples/03-shadow/shadow.yaml"));
    let embedded = example.lines().find(|line| line.contains("broker: embedded")).expect("its connection");
    let outside = format!("  broker: {{ type: mqtt, url: \"mqtt://127.0.0.1:{port}\", client_id: bme680 }}");
    write(&folder.join("device.yaml"), &example.replace(embedded, &outside));
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldline"));
    command.args(["run", "device.yaml", "--no-admin", "--no-watch"]).current_dir(folder);
    Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"))
}

#[test]
fn a_device_does_what_its_shadow_wants_and_reports_why_not() {
    let Some(program) = mosquitto::find() else { return };
    let folder = folder(&[]);
    let (_broker, port) = mosquitto::start(&program, folder.path(), "");
    serve(port);
    let _device = device(folder.path(), port);
    let url = format!("mqtt://127.0.0.1:{port}");
    let ask = |arguments: &[&str]| shadow(folder.path(), &[arguments, &["--url", &url]].concat());
    let state = || -> Value {
        let document = ask(&["get", "bme680"]);
        if document.code == 0 { answer(&document)["state"].clone() } else { Value::Null }
    };

    answer(&ask(&["update", "bme680", r#"{"state":{"desired":{"every":"300ms"}}}"#]));
    await_true("it is done and reported", || {
        let state = state();
        state["reported"]["every"] == "300ms"
            && state["reported"]["temperature"].is_f64()
            && state.get("delta").is_none()
    });
    answer(&ask(&["update", "bme680", r#"{"state":{"desired":{"mode":"eco"}}}"#]));
    await_true("the refusal is reported", || {
        let state = state();
        state["reported"]["errors"]["reason"] == "unknown_setting" && state["delta"]["mode"] == "eco"
    });
    assert_eq!(state()["reported"]["every"], "300ms", "what was refused has changed nothing");
}
