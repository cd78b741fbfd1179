//! Templates, stations, fragments, params and tests in files.

use std::path::PathBuf;
use std::time::Duration;

use fieldline_compiler::cases::{Action, Expected, Pace, Recording, When};
use fieldline_compiler::diagnostics::{Diagnostic, data};
use fieldline_compiler::{
    Compiled, MemoryFiles, NodeId, Overrides, Request, compile, compile_case, template_params,
};
use fieldline_core::Value;

use crate::components::registry;
use crate::support::{compile_files, compile_text, compile_well, shown, variables};

const TEMPLATE: &str = r#"
pipeline: drying-${params.station}
params:
  station: { type: string, description: Where it stands. }
  interval: { type: duration, default: 5s, min: 100ms }
  average: { type: integer, default: 8, unit: readings }
sources:
  air: { type: ticker, every: "${params.interval}", average: "${params.average}" }
transforms:
  warm: { type: filter, inputs: [air], when: { t: { above: 30 } } }
sinks:
  screen: { type: console, inputs: [warm], width: 80 }
tests:
  - name: warm readings pass
    at: 2026-01-01T00:00:00Z
    feed: { air: [ { t: 31 }, { t: 29 } ], warm: { file: recordings/warm.jsonl } }
    steps:
      - { after: 10s, feed: { air: [ { t: 40 } ] } }
      - { at: 1m, fail: { node: air, times: 2 } }
    expect: { screen: [ { t: 31 }, { t: { near: 40, within: 1 } } ] }
    ledger: { warm: { received: 3, filtered: 1 } }
  - name: table
    params: { average: 2 }
    expect: { screen: absent }
    each:
      - { name: slow, params: { interval: 1h } }
      - { name: other, env: { STATION: x }, expect: { screen: { count: 2 } } }
"#;

fn files(station: &str) -> MemoryFiles {
    MemoryFiles::default().with("templates/t.yaml", TEMPLATE).with("line/s.yaml", station.to_owned())
}

#[test]
fn a_station_changes_adds_and_takes_out() {
    let station = "use: ../templates/t.yaml\nparams: { station: a, average: 4 }\nsources:\n  cpu: { type: ticker, every: 1s }\nsinks:\n  screen: { width: 40, inputs: [warm, cpu] }\ntests: ~\n";
    let compiled = compile_files(&files(station), &["line"], Overrides::default());
    assert!(compiled.is_ok(), "{}", shown(&compiled));
    assert!(compiled.tests.is_empty());
    let text = &compiled.resolved["drying-a"];
    for part in ["average: 4", "width: 40", "    - cpu\n", "every: 5s"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let sources: Vec<String> =
        compiled.plan.pipelines[0].sources.iter().map(|path| path.display().to_string()).collect();
    assert_eq!(sources, ["line/s.yaml", "templates/t.yaml"]);
}

#[test]
fn a_template_in_a_folder_is_no_program() {
    let compiled = compile_files(
        &files("use: ../templates/t.yaml\nparams: { station: a }\n"),
        &["."],
        Overrides::default(),
    );
    assert!(compiled.is_ok(), "{}", shown(&compiled));
    assert_eq!(compiled.plan.pipelines.len(), 1);
    let alone = compile_files(&files("pipeline: x"), &["templates"], Overrides::default());
    assert_eq!(alone.templates.len(), 1);
    assert!(alone.is_ok() && alone.plan.nodes.is_empty());
}

#[test]
fn a_test_case_is_plain_data() {
    let compiled = compile_files(
        &files("use: ../templates/t.yaml\nparams: { station: a }\n"),
        &["line"],
        Overrides::default(),
    );
    assert!(compiled.is_ok(), "{}", shown(&compiled));
    let names: Vec<&str> = compiled.tests.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["warm readings pass", "table / slow", "table / other"]);
    let case = &compiled.tests[0];
    assert_eq!(case.pipeline, "drying-a");
    assert_eq!(case.feed[1].events, Recording::File("templates/recordings/warm.jsonl".into()));
    assert_eq!(case.steps[0].when, When::After(Duration::from_secs(10)));
    assert!(matches!(&case.steps[1].actions[0], Action::Fail { node, times: 2, .. } if node == "air"));
    let Expected::Patterns(patterns) = &case.expect[0].events else { panic!("patterns") };
    assert!(patterns[1].condition.holds(&Value::from([("t", Value::from(40.5))])));
    assert_eq!(case.ledger[0].counts, [("received", 3), ("filtered", 1)]);
    assert_eq!(compiled.tests[2].expect[0].events, Expected::Count(2));
    assert_eq!(compiled.tests[1].overrides.params.len(), 2, "a row adds to what its case sets");
}

#[test]
fn a_feed_says_how_fast_it_comes_and_an_expectation_when() {
    let compiled = compile_files(
        &MemoryFiles::default().with(
            "a.yaml",
            "pipeline: a
sources: { air: { type: ticker, every: 5s }, cpu: { type: ticker, every: 5s } }
sinks: { screen: { type: console, inputs: [air, cpu] } }
tests:
  - name: an hour
    run: [cpu]
    feed: { air: { events: [1, 2], every: 1s, repeat: 1800, meta: { topic: a/b } } }
    expect: { screen: { events: [1, 2], at: [0s, 1s] } }
  - name: as it was
    feed: { air: { file: warm.csv, time_field: time } }
  - name: wrong
    feed: { air: { events: [1], file: x.csv } }
    expect: { screen: { events: [1], at: [0s, 1s] } }
",
        ),
        &["a.yaml"],
        Overrides::default(),
    );
    let [hour, recorded, _] = &compiled.tests[..] else { panic!("three cases") };
    assert_eq!(hour.run, ["cpu"]);
    assert_eq!((&hour.feed[0].pace, hour.feed[0].repeat), (&Pace::Every(Duration::from_secs(1)), 1800));
    assert_eq!(hour.feed[0].meta["topic"], Value::from("a/b"));
    assert_eq!(hour.expect[0].times, [Duration::ZERO, Duration::from_secs(1)]);
    assert!(matches!(&recorded.feed[0].pace, Pace::Recorded(field) if field.to_string() == "time"));
    let messages: Vec<&str> = compiled.diagnostics.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(messages, ["`events` and `file` exclude each other", "there must be as many times as events"]);
}

#[test]
fn a_case_is_compiled_with_the_params_it_sets() {
    let files = files("use: ../templates/t.yaml\nparams: { station: a }\n");
    let roots = ["line".into()];
    let (variables, registry) = (variables(), registry());
    let request = Request {
        roots: &roots,
        files: &files,
        variables: &variables,
        registry: &registry,
        overrides: Overrides::default(),
    };
    let whole = compile(&request);
    let again = compile_case(&request, &whole.tests[1]);
    assert!(again.resolved["drying-a"].contains("every: 1h"), "{}", again.resolved["drying-a"]);
    assert_eq!(again.tests.len(), 1);
    let id = NodeId::new("drying-a", "air");
    assert_ne!(
        whole.plan.node(&id).map(|node| node.fingerprint),
        again.plan.node(&id).map(|node| node.fingerprint)
    );
}

#[test]
fn a_template_tells_what_it_asks_for() {
    let files = files("");
    let (variables, registry) = (variables(), registry());
    let request = Request {
        roots: &[],
        files: &files,
        variables: &variables,
        registry: &registry,
        overrides: Overrides::default(),
    };
    let params = template_params(&request, "templates/t.yaml".as_ref()).expect("a good template");
    assert_eq!(params.len(), 3);
    assert_eq!((params[0].name.as_str(), params[0].default.clone()), ("station", None));
    assert_eq!(params[0].description.as_deref(), Some("Where it stands."));
    assert_eq!((params[1].min.as_deref(), params[2].unit.as_deref()), (Some("100ms"), Some("readings")));
    assert!(template_params(&request, "none.yaml".as_ref()).is_err());
}

#[test]
fn text_from_the_environment_is_typed_by_its_field() {
    let text = "pipeline: p\nparams: { port: { type: integer, default: \"${env.PORT}\" } }\nsources:\n  a: { type: ticker, every: 1s, eager: \"${env.FAST}\" }\nsinks:\n  s: { type: console, inputs: [a], width: \"${params.port}\", max_rate: \"${env.PORT}\" }\n";
    let files = MemoryFiles::default().with("p.yaml", text);
    let compiled = compile_files(&files, &["p.yaml"], Overrides::default());
    assert!(compiled.is_ok(), "{}", shown(&compiled));
    assert_eq!(compiled.plan.nodes[1].policy.max_rate, Some(8883));
}

#[test]
fn a_node_of_another_type_replaces_that_of_the_template_and_nothing_takes_it_out() {
    let station = "use: ../templates/t.yaml\nparams: { station: a }\ntransforms:\n  warm: { type: script, inputs: [air], code: x }\nsinks:\n  more: { type: console, inputs: [air] }\n  screen: ~\ntests: ~\n";
    let compiled = compile_files(&files(station), &["line"], Overrides::default());
    let ids: Vec<&str> = compiled.plan.nodes.iter().map(|node| node.id.node()).collect();
    assert_eq!(ids, ["air", "warm", "more"], "{}", shown(&compiled));
    assert!(!compiled.resolved["drying-a"].contains("when"), "nothing is left of the old type");
}

#[test]
fn what_is_wrong_in_a_template_is_said_once_for_all_its_stations() {
    let template = TEMPLATE.replace("width: 80", "widht: 80");
    let mut files = MemoryFiles::default().with("templates/t.yaml", template);
    for station in 0..5 {
        let text = format!("use: ../templates/t.yaml\nparams: {{ station: s{station} }}\n");
        files = files.with(format!("line/{station}.yaml"), text);
    }
    let compiled = compile_files(&files, &["line"], Overrides::default());
    assert_eq!(compiled.diagnostics.len(), 1);
    assert_eq!((compiled.diagnostics[0].repeated, compiled.broken.len()), (4, 5));
    assert!(shown(&compiled).contains("note: the same is wrong in 4 more pipelines that use this file"));
}

#[test]
fn files_from_other_systems_are_read() {
    let text = "\u{feff}pipeline: p\r\nsources:\r\n  a: { type: ticker, every: 1s }\r\nsinks:\r\n  s: { type: console, inputs: [b] }\r\n";
    let files = MemoryFiles::default().with("p.yml", text);
    let compiled = compile_files(&files, &["."], Overrides::default());
    assert!(
        shown(&compiled).contains(" --> ./p.yml:5:32\n") || shown(&compiled).contains(" --> p.yml:5:32\n")
    );
}

#[test]
fn fragments_add_nodes_and_params_of_their_own() {
    let fragment = "params: { width: { type: integer, default: 40 } }\nsinks:\n  screen: { type: console, inputs: [a], width: \"${params.width}\" }\n";
    let text = "pipeline: p\ninclude: [parts/out.yaml]\nsources:\n  a: { type: ticker, every: 1s }\n";
    let files = MemoryFiles::default().with("p.yaml", text).with("parts/out.yaml", fragment);
    let compiled = compile_files(&files, &["."], Overrides::default());
    assert!(compiled.is_ok(), "{}", shown(&compiled));
    assert!(compiled.resolved["p"].contains("width: 40"));
}

#[test]
fn a_default_may_hold_other_substitutions() {
    let text = "pipeline: p\ndescription: 'at ${env.NONE:-${env.EMPTY:-the ${env.STATION}}}'\nsources:\n  a: { type: ticker, every: 5s }\nsinks:\n  s: { type: console, inputs: [a] }\n";
    let compiled = compile_well(text);
    assert_eq!(compiled.plan.pipelines[0].description.as_deref(), Some("at the drying"));
    let deep = format!("{}x{}", "${env.NONE:-".repeat(5_000), "}".repeat(5_000));
    let compiled = compile_text(&text.replace("${env.STATION}", &deep));
    assert_eq!(compiled.diagnostics.iter().map(|each| each.code).collect::<Vec<_>>(), ["bad-substitution"]);
}

/// What is told of a template that lies in a folder beside a pipeline that does not use it.
fn of_unused(template: &str) -> (Compiled, Vec<String>) {
    let good = "pipeline: good\nsources: { a: { type: ticker, every: 5s } }\nsinks: { s: { type: console, inputs: [a] } }\n";
    let files = MemoryFiles::default().with("good.yaml", good).with("t.yaml", template.to_owned());
    let compiled = compile_files(&files, &["."], Overrides::default());
    let place = |each: &Diagnostic| {
        let place = data::data(each, &compiled.files).place;
        format!("{}:{}:{} {}", place.file.display(), place.line, place.column, each.code)
    };
    let told = compiled.diagnostics.iter().filter(|each| each.code != "unused").map(place).collect();
    (compiled, told)
}

#[test]
fn mistakes_of_a_template_that_no_pipeline_uses_are_told_at_their_places() {
    let template = r#"
pipeline: x-${params.name}
params:
  name: { type: string, pattern: "[b-z]+" }
  every: { type: duration, min: 1m }
  width: { type: integer, default: 80 }
sources:
  air: { type: tikcer, every: "${params.every}" }
  cpu: { type: ticker, evry: 1s, every: "${params.every}", keep: 5 }
transforms:
  warm: { type: filter, inputs: [air], when: { t: { abov: 30 } } }
  both: { type: script, inputs: "${params.name}", code: "let a = @;" }
  none: { type: script, inputs: [cpu], code: "this.x = ${parms.name};" }
sinks:
  screen: { type: console, inputs: [warm], width: "${params.widht}", max_rate: x }
"#;
    let (compiled, told) = of_unused(template);
    assert_eq!(
        told,
        [
            "t.yaml:8:16 unknown-component",
            "t.yaml:9:24 unknown-field",
            "t.yaml:9:66 bad-value",
            "t.yaml:11:53 bad-condition",
            "t.yaml:12:66 script-syntax",
            "t.yaml:13:56 unknown-variable",
            "t.yaml:15:52 unknown-param",
            "t.yaml:15:80 wrong-type",
        ],
        "{}",
        shown(&compiled)
    );
    assert!(!compiled.is_ok());
    assert!(compiled.broken.is_empty(), "what runs does not depend on it");
    assert_eq!(compiled.templates, [PathBuf::from("t.yaml")]);
    assert_eq!(compiled.plan.pipelines.len(), 1);
    let warnings = compiled.diagnostics.iter().filter(|each| each.code == "unused");
    let warnings: Vec<&str> = warnings.map(|each| each.message.as_str()).collect();
    assert_eq!(warnings, ["no pipeline uses this template, which asks for `name` and `every`"]);
}

#[test]
fn no_value_of_a_param_that_is_not_set_and_nothing_that_a_station_adds_is_taken_for_a_mistake() {
    let params = "
  name: { type: string, pattern: \"[b-z]+\" }
  kind: { type: string, choices: [console, mqtt] }
  number: { type: number, min: 500 }
  truth: { type: boolean }
  period: { type: duration }
  size: { type: size }
  list: { type: list }
  map: { type: map }
  secret: { type: string, secret: true }
";
    for name in ["name", "kind", "number", "truth", "period", "size", "list", "map", "secret"] {
        let template = format!(
            "pipeline: \"${{params.name}}\"
rollback_window: \"${{params.{name}}}\"
dead_letter: {{ sink: \"${{params.{name}}}\", files: \"${{params.{name}}}\" }}
params:{params}
connections:
  plant: {{ type: mqtt, url: \"${{params.{name}}}\", password: \"${{secret.none}}\" }}
sources:
  air: {{ type: ticker, every: \"${{params.{name}}}\", average: \"${{params.{name}}}\" }}
  cpu: {{ type: ticker, bus: \"${{env.NONE}}\" }}
  own: \"${{params.map}}\"
transforms:
  warm: {{ type: filter, inputs: [added], when: {{ t: {{ above: \"${{params.{name}}}\", below: 3 }} }} }}
  code: {{ type: script, inputs: [air], with: [\"${{params.{name}}}\"], code: \"${{params.{name}}} @\" }}
  file: {{ type: script, inputs: \"${{params.{name}}}\", file: \"${{params.{name}}}\" }}
sinks:
  out: {{ type: \"${{params.kind}}\", inputs: [\"${{params.{name}}}\"], topic: a }}
  screen: {{ type: console, width: \"${{params.{name}}}\", buffer: {{ type: disk, max_size: \"${{params.{name}}}\" }}, retry: {{ initial: 2h, max: \"${{params.{name}}}\" }} }}
"
        );
        let (compiled, told) = of_unused(&template);
        let in_text = told.iter().filter(|place| !place.ends_with("bad-substitution")).count();
        assert_eq!(in_text, 0, "{name}: {}", shown(&compiled));
        assert!(["list", "map"].contains(&name) || compiled.is_ok(), "{name}: {}", shown(&compiled));
    }
}
