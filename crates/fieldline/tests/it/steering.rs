//! Example 2 over the broker inside the program: what is asked for on a topic is done, answered on a topic, and still so
//! after the program was killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::program::{folder, workspace, write};

/// A station that prints what the broker sends it; killed by its id when the test ends.
struct Station {
    process: Child,
    heard: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Drop for Station {
    fn drop(&mut self) {
        let _gone_already = self.process.kill();
        let _status = self.process.wait();
    }
}

impl Station {
    /// Runs `example` on a free port; `added` lies over it.
    fn start(folder: &Path, example: &str, added: &str) -> Self {
        let example = workspace().join("examples/02-commands").join(example);
        let file = folder.join("station.yaml");
        let broker = "connections: { broker: { listen: \"127.0.0.1:0\" } }";
        write(&file, &format!("use: {}\n{broker}\n{added}", example.display()));
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldline"));
        command.args(["run", "--no-admin", "--no-watch", "--data-dir"]).arg(folder.join("data")).arg(&file);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
        let mut process = command.spawn().expect("the program starts");
        let out = process.stdout.take().expect("it is piped");
        Station { process, heard: BufReader::new(out).lines() }
    }

    /// The first message for which `wanted` holds.
    fn hears(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        for line in &mut self.heard {
            let body = serde_json::from_str(&line.expect("text")).expect("JSON");
            if wanted(&body) {
                return body;
            }
        }
        panic!("the program ended without a word of it");
    }
}

#[test]
fn an_action_switches_what_is_published() {
    let folder = folder(&[]);
    let added = "\
sources:
  received: { type: mqtt, connection: broker, topics: [\"bme680/+\"] }
  air: { every: 200ms }
  asking: { type: timer, every: 500ms, count: 4, body: { action: pressure } }
sinks:
  ask: { type: mqtt, inputs: asking, connection: broker, topic: bme680/action }
  print: { inputs: received, format: jsonl }
";
    let mut station = Station::start(folder.path(), "seed.yaml", added);
    let is_reading = |body: &Value| body.get("value").is_some();
    let message = station.hears(|body| is_reading(body) && body["value"].as_f64() > Some(900.0));
    let fields: Vec<&String> = message.as_object().expect("a map").keys().collect();
    assert_eq!(fields, ["sequence", "timestamp_utc", "value", "status"]);
    assert_eq!(message["status"], "success");
}

#[test]
fn what_was_asked_for_is_answered_and_holds_after_the_program_was_killed() {
    let folder = folder(&[]);
    let asking = "\
sources:
  asking: { type: timer, every: 500ms, body: { every: 300ms, read: [pressure], correlation: a-1 } }
  received: { type: mqtt, connection: broker, topics: [\"action/response/#\", \"factoryA/#\"] }
sinks:
  ask: { type: mqtt, inputs: asking, connection: broker, topic: action/factoryA/line22/drying }
  print: { inputs: received, format: jsonl }
";
    let mut station = Station::start(folder.path(), "commands.yaml", asking);
    let answer = station.hears(|body| body["correlation"] == "a-1");
    assert_eq!(answer["status"], "accepted");
    let settings = json!({ "enabled": true, "every": "300ms", "read": ["pressure"] });
    assert_eq!(answer["settings"], settings);
    drop(station);
    let silent = "sinks: { print: { inputs: air, format: jsonl } }\n";
    let mut station = Station::start(folder.path(), "commands.yaml", silent);
    let first = station.hears(|_| true);
    assert!(first.get("pressure").is_some() && first.get("temperature").is_none(), "{first}");
}
