//! The admin listener, asked over HTTP: every path of its OpenAPI document, and the paths from before there were versions.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::program::{fieldline, folder, workspace, write};
use crate::station::Station;

const PIPELINE: &str = "\
pipeline: p
sources:
  tick: { type: timer, every: 10ms }
sinks:
  print: { type: stdout, inputs: tick }
";

/// One request; the status code and the body of the answer.
pub(crate) fn http(station: &Station, method: &str, path: &str, body: &str) -> (u16, String) {
    let admin = station.admin();
    let mut stream = TcpStream::connect(admin).expect("it listens");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    );
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("HTTP");
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status code");
    (code, body.to_owned())
}

fn data(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// Whether `value` is as the document says of the schema `name`.
fn assert_is(document: &Value, name: &str, value: &Value) {
    let mut schema = document.clone();
    schema["$ref"] = json!(format!("#/components/schemas/{name}"));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "no {name}: {errors:?}\n{value:#}");
}

#[test]
fn every_path_of_the_document_is_answered_as_it_says() {
    let folder = folder(&[("p.yaml", PIPELINE)]);
    let station = Station::start(folder.path(), &["--no-watch"]);
    station.next();
    let document = data(&http(&station, "GET", "/v1/openapi.json", "").1);
    assert_eq!(document, data(&fieldline(&workspace(), &["schema", "--openapi"]).out));
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let (code, body) = http(&station, &method.to_uppercase(), path, "");
            assert_eq!(code, 200, "{method} {path}: {body}");
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
            if let Some(name) = schema.as_str().and_then(|name| name.rsplit('/').next()) {
                assert_is(&document, name, &data(&body));
            }
        }
    }
}

#[test]
fn paths_without_a_version_answer_as_those_with_one() {
    let folder = folder(&[("p.yaml", PIPELINE)]);
    let station = Station::start(folder.path(), &["--no-watch"]);
    for (method, path) in [("GET", "/plan"), ("POST", "/reload"), ("POST", "/replay")] {
        assert_eq!(
            http(&station, method, path, ""),
            http(&station, method, &format!("/v1{path}"), ""),
            "{path}"
        );
    }
    let members = |path| -> Vec<String> {
        data(&http(&station, "GET", path, "").1).as_object().expect("a status").keys().cloned().collect()
    };
    assert_eq!(members("/status"), members("/v1/status"));
}

#[test]
fn a_refused_reload_and_a_wrong_request_are_told_apart() {
    let folder = folder(&[("p.yaml", PIPELINE)]);
    let station = Station::start(folder.path(), &["--no-watch"]);
    let document = data(&http(&station, "GET", "/v1/openapi.json", "").1);
    let (code, wrong) = http(&station, "POST", "/v1/reload", r#"{"losses":"perhaps"}"#);
    assert_eq!(code, 400);
    assert_is(&document, "Problem", &data(&wrong));
    write(&folder.path().join("p.yaml"), &PIPELINE.replace("inputs: tick", "inputs: tikc"));
    let (code, refused) = http(&station, "POST", "/v1/reload", r#"{"losses":"carry_over"}"#);
    assert_eq!(code, 422);
    assert_is(&document, "ReloadOutcome", &data(&refused));
    assert_eq!(data(&refused)["result"], "rejected");
}

#[test]
fn losses_are_either_accepted_or_carried_over() {
    let done = fieldline(&workspace(), &["reload", "--accept-loss", "--carry-over"]);
    assert_eq!(done.code, 2, "{}", done.errors);
    let folder = folder(&[("p.yaml", PIPELINE)]);
    let station = Station::start(folder.path(), &["--no-watch"]);
    for option in ["--accept-loss", "--carry-over"] {
        let done = fieldline(folder.path(), &["reload", option, "--admin", station.admin()]);
        assert_eq!((done.code, done.out.trim()), (0, "unchanged"), "{}", done.errors);
    }
}

#[test]
fn a_letter_is_put_in_once_unless_again_is_asked_for() {
    let folder = folder(&[("p.yaml", PIPELINE)]);
    let station = Station::start(folder.path(), &["--no-watch"]);
    let letter = |number: u64| {
        let meta = json!({"time": "2026-01-01T00:00:00Z", "source": "p/tick", "sequence": number});
        json!({"time": "2026-01-01T00:00:00Z", "node": "p/print", "reason": "x", "message": "x", "attempts": 1,
            "meta": meta, "body": number})
        .to_string()
    };
    let replay = |file: &str, more: &[&str]| {
        let asked = ["replay", file, "--format", "json", "--admin", station.admin()];
        let done = fieldline(folder.path(), &[&asked, more].concat());
        (done.code, data(&done.out)["replayed"].clone())
    };
    write(&folder.path().join("l.jsonl"), &format!("{}\nrubbish\n{}\n", letter(1), letter(2)));
    assert_eq!(replay("l.jsonl", &[]), (1, json!(2)));
    assert_eq!(replay("l.jsonl", &[]), (1, json!(0)));
    write(&folder.path().join("l.1.jsonl"), &format!("{}\n{}\n", letter(2), letter(3)));
    assert_eq!(replay("l.1.jsonl", &[]), (0, json!(1)), "a file put aside keeps its marks");
    assert_eq!(replay("l.1.jsonl", &["--again"]), (0, json!(2)));
}

/// The rules of `promtool check metrics` (prometheus.io/docs/practices/naming).
#[test]
fn metrics_have_help_and_names_as_prometheus_wants_them_and_labels_that_can_be_grouped() {
    let sensor = "pipeline: p\nsources:\n  air: { type: bme680, bus: simulated, every: 50ms, simulation: { faults: [{ fault: ones, from: 0, count: 3 }] } }\nsinks:\n  print: { type: stdout, inputs: air, buffer: { type: disk, max_size: 1MiB } }\n";
    let folder = folder(&[("p.yaml", sensor)]);
    let station = Station::start(folder.path(), &["--no-watch"]);
    station.next();
    let (_, text) = http(&station, "GET", "/metrics", "");
    let about =
        |word: &str, name: &str| text.lines().any(|line| line.starts_with(&format!("# {word} {name} ")));
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    for sample in &samples {
        let name = sample.split(['{', ' ']).next().expect("a name");
        assert!(about("HELP", name) && about("TYPE", name), "{name} has no help");
        let is_counter = text.contains(&format!("# TYPE {name} counter"));
        assert_eq!(is_counter, name.ends_with("_total"), "{name}");
        assert!(name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'), "{name}");
    }
    for expected in [
        "fieldline_node_up{pipeline=\"p\",node=\"air\",kind=\"source\"} ",
        "fieldline_sensor_faults_total{pipeline=\"p\",node=\"air\",kind=\"source\",fault=",
        "fieldline_buffer_bytes{pipeline=\"p\",node=\"print\",kind=\"sink\"} ",
    ] {
        assert!(samples.iter().any(|sample| sample.starts_with(expected)), "{expected} in\n{text}");
    }
}
