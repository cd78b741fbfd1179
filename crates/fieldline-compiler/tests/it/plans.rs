//! What a good file becomes.

use fieldline_compiler::{MemoryFiles, NodeId, Overrides};
use fieldline_core::{FileError, Kind};

use crate::support::{compile_files, compile_text, compile_well, shown};

const DRYING: &str = r#"
pipeline: drying
description: Air at the drying station.
connections:
  cloud: { type: mqtt, url: "mqtt://localhost:${env.PORT}", client_id: pi-1 }
sources:
  air: { type: ticker, every: 5s }
  cpu: { type: ticker, every: 1s }
transforms:
  kelvin: { type: script, inputs: [air], with: { core: cpu }, code: "this.t += 273.15;" }
  sorted: { type: route, inputs: kelvin, outputs: { alarm: { t: { above: 300 } }, calm: { t: { at_most: 300 } } } }
sinks:
  telemetry:
    type: mqtt
    inputs: [sorted.calm]
    connection: cloud
    topic: factoryA/temperature
    qos: 1
    buffer: { type: disk, max_size: 64MiB, when_full: drop_oldest }
  screen: { type: console, inputs: [sorted.alarm] }
"#;

#[test]
fn nodes_stand_behind_what_they_read_and_connections_first() {
    let plan = compile_well(DRYING).plan;
    let ids: Vec<&str> = plan.nodes.iter().map(|node| node.id.node()).collect();
    assert_eq!(ids, ["cloud", "air", "cpu", "kelvin", "sorted", "telemetry", "screen"]);
    let telemetry = plan.node(&NodeId::new("drying", "telemetry")).expect("a node");
    assert_eq!(telemetry.inputs[0].port, 1, "`calm` is the second output");
    assert_eq!(telemetry.connection, Some(NodeId::new("drying", "cloud")));
    assert_eq!(telemetry.policy.buffer.max_size.map(|size| size.0), Some(64 << 20));
    let kelvin = plan.node(&NodeId::new("drying", "kelvin")).expect("a node");
    assert_eq!((&*kelvin.with[0].name, kelvin.kind), ("core", Kind::Transform));
    assert_eq!(kelvin.facts.outputs, ["main"]);
    assert_eq!(plan.pipelines[0].description.as_deref(), Some("Air at the drying station."));
}

#[test]
fn a_pipeline_with_errors_does_not_keep_the_others_from_running() {
    let files = MemoryFiles::default()
        .with("p/a.yaml", DRYING.to_owned())
        .with("p/b.yaml", "pipeline: other\nsources: { x: { type: tikcer } }\n".to_owned())
        .with("p/c.yaml", "pipeline: [".to_owned());
    let compiled = compile_files(&files, &["p"], Overrides::default());
    assert_eq!(compiled.plan.pipelines.len(), 1);
    let broken: Vec<_> = compiled
        .broken
        .iter()
        .map(|broken| (broken.file.display().to_string(), broken.name.clone()))
        .collect();
    assert_eq!(broken, [("p/c.yaml".into(), None), ("p/b.yaml".into(), Some("other".to_owned()))]);
    assert!(!compiled.is_ok());
}

#[test]
fn a_node_is_told_about_with_everything_that_is_wrong_with_it() {
    let text = "pipeline: p\nsources:\n  a: { type: ticker, evry: 5, average: many, eager: no, keep: 5 }\nsinks: { s: { type: console, inputs: [a], widht: 1, max_rate: 0 } }\n";
    let shown = shown(&compile_text(text));
    for part in [
        "no field `evry`",
        "`every`",
        "found string `many`",
        "`true` and `false` only",
        "`5` has no unit",
        "`widht`",
        "`max_rate` must be",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    assert!(!shown.contains("missing"), "the slip explains what is missing:\n{shown}");
}

#[test]
fn the_same_text_has_the_same_fingerprints_and_another_value_another() {
    let print = |text: &str| {
        let plan = compile_well(text).plan;
        plan.nodes.iter().map(|node| (node.id.to_string(), node.fingerprint)).collect::<Vec<_>>()
    };
    let first = print(DRYING);
    assert_eq!(first, print(DRYING));
    let second = print(&DRYING.replace("273.15", "273.16"));
    let changed: Vec<&str> = first
        .iter()
        .zip(&second)
        .filter(|(left, right)| left != right)
        .map(|(left, _)| left.0.as_str())
        .collect();
    assert_eq!(changed, ["drying/kelvin"]);
}

/// A folder that is within itself, as a symbolic link can make it.
struct Endless;

impl fieldline_compiler::FileSource for Endless {
    fn read(&self, _: &std::path::Path) -> Result<bytes::Bytes, FileError> {
        Err(FileError::Folder)
    }

    fn list(&self, path: &std::path::Path) -> Option<Vec<std::path::PathBuf>> {
        Some(vec![path.join("again")])
    }
}

#[test]
fn a_folder_that_leads_back_to_itself_comes_to_an_end() {
    let (variables, registry) = (crate::support::variables(), crate::components::registry());
    let roots = ["p".into()];
    let overrides = Overrides::default();
    let compiled = fieldline_compiler::compile(&fieldline_compiler::Request {
        roots: &roots,
        files: &Endless,
        variables: &variables,
        registry: &registry,
        overrides,
    });
    assert_eq!(compiled.diagnostics[0].code, "unreadable-file");
}
