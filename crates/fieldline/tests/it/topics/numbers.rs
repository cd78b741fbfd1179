//! The tables of plain values, durations and sizes: what is shown is what is read.

use std::time::Duration;

use fieldline_core::{Period, Size};
use serde_json::Value;

use super::{cells, code};
use crate::program::{fieldline, folder};

/// What a plain value in a file becomes, as a running pipeline shows it.
pub(super) fn row(line: &str) -> String {
    let written = line.trim().trim_end_matches("::").trim();
    let pipeline = format!(
        "pipeline: p\nsources:\n  a: {{ type: timer, every: 1s, body: {{ x: {written} }} }}\nsinks:\n  \
         s: {{ type: stdout, inputs: a }}\ntests:\n  - name: n\n    run: [a]\n    steps: [{{ at: 500ms }}]\n    \
         expect: {{ s: {{ file: out.jsonl }} }}\n"
    );
    let folder = folder(&[("p.yaml", &pipeline), ("out.jsonl", "")]);
    let done = fieldline(folder.path(), &["test", "p.yaml", "--update"]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.errors);
    let out = crate::program::read(&folder.path().join("out.jsonl"));
    let body: Value = serde_json::from_str(&out).expect("JSON");
    let kind = match &body["x"] {
        Value::String(_) => "text ",
        Value::Null => "",
        _ => "number ",
    };
    cells([&code(written), &format!("{kind}`{}`", body["x"])])
}

pub(super) fn durations() -> String {
    let mut text = String::from("| Unit | Seconds |\n|---|---|\n");
    for (unit, nanos) in Period::UNITS {
        text += &cells([&code(unit), &Duration::from_nanos(*nanos).as_secs_f64().to_string()]);
    }
    text
}

pub(super) fn sizes() -> String {
    let mut text = String::from("| Unit | Bytes |\n|---|---|\n");
    for (unit, bytes) in Size::UNITS {
        text += &cells([&code(unit), &bytes.to_string()]);
    }
    text
}
