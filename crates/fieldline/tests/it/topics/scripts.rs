//! The tables of the page `scripts`: functions with results that are worked out, and limits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldline_core::{Map, Meta, Moment, Value, json};
use fieldline_script::{Limits, Script, ScriptSource, Setup, api};
use jiff::Timestamp;

use super::{cells, code};

/// The functions of ours; a test of theirs sees that the examples are true.
pub(super) fn own() -> String {
    let mut text = String::from("| Function | Example | Meaning |\n|---|---|---|\n");
    for function in api::functions() {
        let signatures: Vec<String> = function.signature.split(" or ").map(code).collect();
        text += &cells([&signatures.join(", "), &code(function.example), function.summary]);
    }
    text
}

/// The functions of the interpreter, with what their examples result in.
pub(super) fn interpreter() -> String {
    let mut text = String::new();
    for line in api::INTERPRETER.lines().filter(|line| !line.is_empty()) {
        text += &match line.strip_prefix("# ") {
            Some(title) => {
                format!("### {title}\n\n| Functions | Example | Result | Meaning |\n|---|---|---|---|\n")
            }
            None => row(line),
        };
    }
    text.replace("|\n### ", "|\n\n### ")
}

fn row(line: &str) -> String {
    let columns: Vec<&str> = line.split(" :: ").collect();
    let [names, example, meaning] = columns[..] else { panic!("three columns: {line}") };
    for name in names.split(", ") {
        assert!(example.contains(name) || names.contains(','), "`{name}` is in its example");
    }
    let names: Vec<String> = names.split(", ").map(code).collect();
    cells([&names.join(", "), &code(example), &code(&result(example)), meaning])
}

/// What `this` is after the example was assigned to it, as JSON.
fn result(example: &str) -> String {
    let source = ScriptSource::whole(format!("this.result = {example};"), "example.rhai");
    let mut script =
        Script::compile(&source, &Setup::default()).unwrap_or_else(|error| panic!("{example}: {error}"));
    let time = Timestamp::UNIX_EPOCH;
    let (meta, with) = (Meta::new(time, "air".into()), Map::default());
    let mut body = Arc::new(Value::Map(Map::default()));
    let moment = Moment { instant: some_instant(), time, with: &with };
    script.run(&mut body, &meta, &moment).unwrap_or_else(|error| panic!("{example}: {error}"));
    let body = json::encode(&body).expect("JSON");
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    body["result"].to_string()
}

#[expect(clippy::disallowed_methods, reason = "an `Instant` can be had in no other way")]
fn some_instant() -> Instant {
    Instant::now()
}

pub(super) fn limits() -> String {
    // A new limit does not compile until it is here.
    let Limits {
        operations,
        time,
        calls,
        text,
        list,
        map,
        size,
        depth,
        emitted,
        expression_depth,
        variables,
        functions,
        imports,
    } = Limits::default();
    let milliseconds = time.unwrap_or(Duration::ZERO).as_millis();
    let rows = [
        ("Steps for one event", operations.to_string()),
        ("Time for one event", format!("{milliseconds} ms")),
        ("Functions that call each other", calls.to_string()),
        ("Bytes of one text", text.to_string()),
        ("Elements of one list, or bytes of one blob", list.to_string()),
        ("Members of one map", map.to_string()),
        ("Values in all variables together; 64 bytes count as one more", size.to_string()),
        ("Lists and maps inside each other", depth.to_string()),
        ("Events that one event may emit", emitted.to_string()),
        ("Expressions inside each other", expression_depth.to_string()),
        ("Variables at one time", variables.to_string()),
        ("Functions in one file", functions.to_string()),
        ("Imported files", imports.to_string()),
    ];
    let mut table = String::from("| Limit | Most |\n|---|---|\n");
    for (limit, most) in rows {
        table += &cells([limit, &most]);
    }
    table
}
