//! Recordings that are played, and golden files that are compared and written.

use fieldline_compiler::MemoryFiles;
use fieldline_testkit::Options;
use fieldline_testkit::report::human::{Color, human};

use crate::support::{options, run};

const PLAYED: &str = "pipeline: drying
sources:
  air: { type: timer, every: 1s }
sinks:
  out: { type: blackhole, inputs: [air] }
tests:
  - name: recorded
    feed: { air: { file: air.csv, time_field: time } }
    expect: { out: { events: [{ t: 1 }, { t: 2.5 }], at: [0s, 90s] } }
  - name: one a minute
    feed: { air: { file: air.jsonl, every: 1m } }
    expect: { out: { events: [{ t: 1 }, { t: 2 }], at: [0s, 1m] } }
  - name: golden
    feed: { air: [{ t: 1 }, { t: 2 }] }
    expect: { out: { file: golden.jsonl } }
";

fn recordings() -> MemoryFiles {
    MemoryFiles::default()
        .with("air.csv", "time,t\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:30Z,2.5\n")
        .with("air.jsonl", "{\"t\":1}\n{\"t\":2}\n")
}

#[test]
fn recordings_keep_their_pauses_or_take_others() {
    let files = recordings().with("golden.jsonl", "{\"t\":1}\n{\"t\":2}\n");
    assert_eq!(run(PLAYED, files, &options()).summary(), "3 cases: 3 passed, 0 failed");
}

#[test]
fn a_golden_file_must_say_all_that_comes() {
    let files = recordings().with("golden.jsonl", "{\"t\":1,\"u\":0}\n");
    let options = Options { filter: Some("golden"), ..options() };
    let report = run(PLAYED, files, &options);
    assert_eq!(
        human(&report, Color::Never),
        "FAIL drying: golden
  --> pipeline.yaml:13:11
  `out`: event 1 differs in `u` (line 15)
    expected {\"t\":1,\"u\":0}
    actual   {\"t\":1}
  `out`: event 2 was not expected (line 15)
    actual   {\"t\":2}"
    );
}

#[test]
fn a_golden_file_that_is_missing_or_outdated_is_written_on_demand() {
    let missing = run(PLAYED, recordings(), &options());
    let message = &missing.cases[2].failures[0].message;
    assert_eq!(message, "`out`: cannot read `golden.jsonl`: there is no such file; `--update` writes it");

    let update = Options { update: true, ..options() };
    let updated = run(PLAYED, recordings(), &update);
    assert_eq!((updated.failed(), updated.goldens.len()), (0, 1));
    assert_eq!(updated.goldens[0].text, "{\"t\":1}\n{\"t\":2}\n");

    let written = recordings().with("golden.jsonl", updated.goldens[0].text.clone());
    assert!(run(PLAYED, written, &update).goldens.is_empty(), "what is right is not written again");
}

#[test]
fn a_recording_that_cannot_be_read_fails_its_case_only() {
    let files = MemoryFiles::default().with("air.csv", "t\n1\n").with("air.jsonl", "{");
    let report = run(PLAYED, files, &options());
    let messages: Vec<&str> = report.cases.iter().map(|case| case.failures[0].message.as_str()).collect();
    assert!(
        messages[0].starts_with("`air` is fed an event without a time in `time`: `null`"),
        "{}",
        messages[0]
    );
    assert!(messages[1].starts_with("`air.jsonl`: line 1: not JSON"), "{}", messages[1]);
}
