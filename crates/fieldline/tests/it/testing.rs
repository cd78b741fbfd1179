//! What `test` prints, what it writes, and with what exit code it ends.

use serde_json::Value;

use crate::program::{fieldline, folder, read, workspace};

const TESTED: &str = "\
pipeline: drying
sources:
  air: { type: timer, every: 5s }
transforms:
  warm: { type: filter, inputs: air, keep: { t: { above: 20 } } }
sinks:
  print: { type: stdout, inputs: warm }
tests:
  - name: warm air passes
    feed: { air: [{ t: 19 }, { t: 21 }] }
    expect: { print: [{ t: 21 }] }
  - name: as it was
    feed: { air: [{ t: 30 }] }
    expect: { print: { file: golden/warm.jsonl } }
";

/// What was printed without the time it took.
fn untimed(printed: &str) -> &str {
    printed.rsplit_once(", in ").map_or(printed, |(before, _)| before)
}

#[test]
fn the_tests_of_the_pipelines_and_examples_in_this_repository_pass() {
    let done = fieldline(&workspace(), &["test", "pipelines", "examples"]);
    // What is said against one demonstration is part of what it shows.
    assert_eq!(done.code, 0, "{}{}", done.out, done.errors);
}

#[test]
fn a_failing_case_is_shown_and_counted() {
    let folder = folder(&[("drying.yaml", TESTED), ("golden/warm.jsonl", "{\"t\":31}\n")]);
    let done = fieldline(folder.path(), &["test", "drying.yaml"]);
    insta::assert_snapshot!(untimed(&done.out), @r#"
    FAIL drying: as it was
      --> drying.yaml:12:11
      `print`: event 1 differs in `t` (line 14)
        expected {"t":31}
        actual   {"t":30}

    2 cases: 1 passed, 1 failed
    "#);
    assert_eq!((done.errors.as_str(), done.code), ("", 1));
}

#[test]
fn golden_files_are_written_with_update() {
    let folder = folder(&[("drying.yaml", TESTED), ("golden/warm.jsonl", "")]);
    let done = fieldline(folder.path(), &["test", "drying.yaml", "--update"]);
    assert_eq!(untimed(&done.out), "wrote golden/warm.jsonl\n2 cases: 2 passed, 0 failed");
    assert_eq!(read(&folder.path().join("golden/warm.jsonl")), "{\"t\":30}\n");
    assert_eq!(fieldline(folder.path(), &["test", "drying.yaml"]).code, 0);
}

#[test]
fn programs_and_build_servers_get_their_own_formats() {
    let folder = folder(&[("drying.yaml", TESTED)]);
    let arguments = ["test", "drying.yaml", "--filter", "warm air", "--coverage", "--format"];
    let json = fieldline(folder.path(), &[&arguments[..], &["json"]].concat());
    let value: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!((&value["passed"], &value["failed"]), (&1.into(), &0.into()));
    assert_eq!(value["coverage"]["drying"]["nodes"]["warm"], 2);
    let junit = fieldline(folder.path(), &[&arguments[..], &["junit"]].concat());
    assert!(junit.out.contains("<testsuite name=\"drying\" tests=\"1\" failures=\"0\">"), "{}", junit.out);
}

#[test]
fn a_pipeline_with_errors_is_not_tested() {
    let folder = folder(&[("drying.yaml", &TESTED.replace("above", "abov"))]);
    let done = fieldline(folder.path(), &["test", "drying.yaml"]);
    assert!(done.errors.ends_with("error: no case was run: 1 error\n"), "{}", done.errors);
    assert_eq!((done.out.as_str(), done.code), ("", 78));
}

#[test]
fn a_filter_that_matches_nothing_is_a_mistake() {
    let folder = folder(&[("drying.yaml", TESTED)]);
    let done = fieldline(folder.path(), &["test", "drying.yaml", "--filter", "cold"]);
    assert_eq!((done.errors.as_str(), done.code), ("error: no case is called `cold`\n", 1));
}
