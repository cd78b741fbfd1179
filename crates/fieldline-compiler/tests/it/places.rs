//! Problems inside scripts, and secrets that must not be seen.

use fieldline_compiler::diagnostics::data::data;
use fieldline_compiler::{MemoryFiles, NodeId, Overrides};
use fieldline_core::FieldPath;

use crate::support::{compile_files, compile_text, compile_well, shown};

fn with_code(code: &str) -> String {
    format!(
        "pipeline: p\nsources:\n  a: {{ type: ticker, every: 5s }}\ntransforms:\n  t:\n    type: script\n    inputs: [a]\n    code: {code}\nsinks:\n  s: {{ type: console, inputs: [t] }}\n"
    )
}

/// Line and column, from 1, of the `@` that the script's check finds.
fn place(code: &str) -> (usize, usize) {
    let compiled = compile_text(&with_code(code));
    let found = compiled.diagnostics.iter().find(|each| each.code == "script-syntax").expect("a complaint");
    let place = data(found, &compiled.files).place;
    (place.line, place.column)
}

#[test]
fn an_error_inside_a_script_points_into_the_yaml() {
    assert_eq!(place("a @ b"), (8, 13));
    assert_eq!(place("\"a @ b\""), (8, 14));
    assert_eq!(place("'it''s @'"), (8, 18));
    assert_eq!(place("|\n      let é = 1;\n        x @ y"), (10, 11));
    assert_eq!(place(">-\n      let e = 1;\n      x @ y"), (10, 9));
    assert_eq!(place("|\n\n      let e = 1;\n\n      @"), (12, 7));
}

#[test]
fn a_tab_that_indents_is_pointed_at() {
    // The tab at fault stands where the `@` is.
    for text in [
        "a:\n@b: 1\n",
        "@a: 1\n\tb: 2\n",
        "a:\n  b: 1\n@c: 2\n",
        "a:\n  b: 1\n  @c: 2\n",
        "a:\n  b:\n@\tc: 2\n",
        "a:\n  - 1\n@- 2\n",
        "a:\n  - b: 1\n    @c: 2\n",
        "- a\n@- b\n",
        "a:\r\n  b: 1\r\n@c: 2\r\n",
        "a:\r\n@b: 1\r\n",
        "a:\n  b: \"x\"\n@c: 1\n",
        "a: [1]\n@b: 1\n",
        "a:\n  b: { c: 1,\n@d: 1 }\n",
        "a:\n  b: |\n@x\n",
        "a:\n  b: |\n    x\n@y\n",
        "a:\n  b: x\n\t# c\n@y: 2\n",
        "a:\n  b: 1\n# c\n@c: 2\n",
        "a:\n  b: 1 # c\n\n@c: 2\n",
        "a:\n  b: x\n    \tmore\n@c: 2\n",
    ] {
        let before = &text[..text.find('@').expect("a place")];
        let expected =
            (before.matches('\n').count() + 1, before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1);
        let compiled = compile_text(&text.replace('@', "\t"));
        let found = compiled.diagnostics.iter().find(|each| each.code == "yaml-syntax").expect(text);
        let place = data(found, &compiled.files).place;
        assert_eq!((place.line, place.column), expected, "{text:?}");
        assert_eq!(found.help, "indent with spaces", "{text:?}");
    }
}

#[test]
fn an_error_inside_a_file_points_into_the_file() {
    let yaml = with_code("x").replace("code: x", "file: scripts/a.rhai");
    let files = MemoryFiles::default().with("l/p.yaml", yaml).with("l/scripts/a.rhai", "let x;\n  @\n");
    let compiled = compile_files(&files, &["l/p.yaml"], Overrides::default());
    assert!(shown(&compiled).contains(" --> l/scripts/a.rhai:2:3\n"), "{}", shown(&compiled));
}

#[test]
fn a_node_knows_where_its_texts_were_written() {
    let plan = compile_well(&with_code("|\n      let x = 1;\n      x")).plan;
    let node = plan.node(&NodeId::new("p", "t")).expect("a node");
    let origin = &node.origins[&FieldPath::parse("code").expect("a path")];
    assert_eq!((origin.line, origin.indent), (9, 6));
}

#[test]
fn paths_start_at_the_file_that_wrote_them() {
    let template = with_code("x")
        .replace("code: x", "file: \"${params.script}\"")
        .replace("sources:", "params: { script: { type: string, default: own.rhai } }\nsources:");
    let files = MemoryFiles::default()
        .with("templates/p.yaml", template)
        .with("templates/own.rhai", "")
        .with("stations/other.rhai", "")
        .with("stations/a.yaml", "use: ../templates/p.yaml\npipeline: a\n")
        .with("stations/b.yaml", "use: ../templates/p.yaml\npipeline: b\nparams: { script: other.rhai }\n");
    let compiled = compile_files(&files, &["stations"], Overrides::default());
    assert!(compiled.is_ok(), "{}", shown(&compiled));
    let read: Vec<String> = compiled.plan.files.0.keys().map(|path| path.display().to_string()).collect();
    assert_eq!(read, ["stations/other.rhai", "templates/own.rhai"]);
}

#[test]
fn a_secret_is_in_no_output() {
    let template = "pipeline: p\nparams:\n  key: { type: string, secret: true, max: 5 }\n  word: { type: string, secret: true, default: default-is-secret }\n";
    let text = r#"
pipeline: p
params:
  word: { type: string, secret: true, pattern: "[0-9]+" }
  site: { type: string, secret: true }
connections:
  one: { type: mqtt, url: "${secret.password}", client_id: "${params.site}", password: "${secret.password}" }
sources:
  a: { type: ticker, every: "${secret.password}", average: "${secret.password}" }
transforms:
  f: { type: filter, inputs: [a], when: { x: 1 }, otherwise: "x-${secret.password}" }
sinks:
  s: { type: mqtt, inputs: [f], connection: one, topic: "t/${secret.password}/#" }
"#;
    let station = "use: t.yaml\nparams: { word: station-is-secret, site: site-is-secret }\n";
    let good = "use: t.yaml\nparams: { word: 12345678, site: x }\n";
    let files = MemoryFiles::default()
        .with("t.yaml", text)
        .with("s.yaml", station)
        .with("g.yaml", good)
        .with("u.yaml", template);
    for root in ["s.yaml", "g.yaml", "u.yaml"] {
        let compiled = compile_files(&files, &[root], Overrides::default());
        let data: Vec<_> = compiled.diagnostics.iter().map(|each| data(each, &compiled.files)).collect();
        let all = format!("{}{:?}{data:?}{:?}", shown(&compiled), compiled.diagnostics, compiled.resolved);
        assert!(!compiled.diagnostics.is_empty());
        for secret in ["hunter2", "station-is-secret", "site-is-secret", "12345678"] {
            assert!(!all.contains(secret), "{secret} in {all}");
        }
    }
}

#[test]
fn an_empty_secret_leaves_messages_as_they_are() {
    let text = "pipeline: p\nsources:\n  a: { type: ticker, every: \"${secret.empty}\", averige: 3 }\nsinks:\n  s: { type: console, inputs: [a] }\n";
    let all = shown(&compile_text(text));
    assert!(all.contains("has no field `averige`"), "{all}");
    assert!(!all.contains("***"), "{all}");
}

#[test]
fn what_a_station_becomes_is_shown_with_its_secrets_hidden() {
    let text = "pipeline: p-${env.STATION}\nparams: { n: { type: integer, default: 3 } }\nconnections:\n  c: { type: mqtt, url: mqtt://x, client_id: a, password: \"${secret.password}\" }\nsources:\n  a: { type: ticker, every: 5s, average: \"${params.n}\" }\nsinks:\n  s: { type: mqtt, inputs: [a], connection: c, topic: \"$${x}\", qos: 1 }\n";
    let compiled = compile_well(text);
    let expected = "pipeline: p-drying\nconnections:\n  c:\n    type: mqtt\n    url: mqtt://x\n    client_id: a\n    password: '***'\nsources:\n  a:\n    type: ticker\n    every: 5s\n    average: 3\nsinks:\n  s:\n    type: mqtt\n    inputs:\n    - a\n    connection: c\n    topic: ${x}\n    qos: 1\n";
    assert_eq!(compiled.resolved["p-drying"], expected);
}
