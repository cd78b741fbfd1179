//! `fieldline new`: what it writes passes `check`, and what it cannot write it does not begin.

use crate::program::{fieldline, folder, read};

const TEMPLATE: &str = "\
pipeline: ${params.line}-${params.station}
params:
  line: { type: string, pattern: \"line[0-9]+\", description: The line. }
  station: { type: string }
  interval: { type: duration, default: 5s, min: 100ms, description: Time between readings. }
  count: { type: integer, default: ~, max: 100 }
sources:
  air: { type: timer, every: \"${params.interval}\", count: \"${params.count}\" }
sinks:
  print: { type: stdout, inputs: air }
";

#[test]
fn a_new_pipeline_passes_its_check_and_its_test() {
    let folder = folder(&[]);
    let done = fieldline(folder.path(), &["new", "--into", "pipelines/drying.yaml"]);
    assert_eq!(
        done.out,
        "wrote pipelines/drying.yaml\nnext: fieldline check pipelines/drying.yaml\n      fieldline test pipelines/drying.yaml\n      fieldline run pipelines/drying.yaml\n"
    );
    assert_eq!(done.code, 0);
    let checked = fieldline(folder.path(), &["check", "pipelines/drying.yaml"]);
    assert_eq!(checked.out, "no problems; 1 pipeline with 3 nodes can run\n");
    assert_eq!((checked.errors.as_str(), checked.code), ("", 0));
    let tested = fieldline(folder.path(), &["test", "pipelines/drying.yaml"]);
    assert!(tested.out.starts_with("1 case: 1 passed, 0 failed"), "{}{}", tested.out, tested.errors);
    assert_eq!(tested.code, 0);
}

#[test]
fn a_file_that_exists_is_left_alone() {
    let folder = folder(&[("a.yaml", "mine"), ("t.yaml", TEMPLATE)]);
    for arguments in [&["new", "--into", "a.yaml"][..], &["new", "--into", "a.yaml", "--template", "t.yaml"]]
    {
        let done = fieldline(folder.path(), arguments);
        assert_eq!(done.errors, "error: `a.yaml` is there already; choose another name or remove it\n");
        assert_eq!(done.code, 1);
    }
    assert_eq!(read(&folder.path().join("a.yaml")), "mine");
}

#[test]
fn a_station_file_is_written_from_a_template_and_passes_its_check() {
    let folder = folder(&[("templates/drying.yaml", TEMPLATE)]);
    let done = fieldline(
        folder.path(),
        &[
            "new",
            "--template",
            "templates/drying.yaml",
            "--into",
            "line22/drying.yaml",
            "--set",
            "line=line22",
            "--set",
            "station=22",
            "--set",
            "count=3",
        ],
    );
    assert_eq!((done.errors.as_str(), done.code), ("", 0));
    insta::assert_snapshot!(read(&folder.path().join("line22/drying.yaml")), @r#"
    use: ../templates/drying.yaml
    params:
      line: line22
      station: '22'
      count: 3
      # interval: 5s  (duration, at least 100ms: Time between readings.)
    "#);
    let checked = fieldline(folder.path(), &["check", "line22"]);
    assert_eq!((checked.errors.as_str(), checked.code), ("", 0));
}

#[test]
fn values_that_are_needed_are_named_and_nothing_is_written() {
    let folder = folder(&[("t.yaml", TEMPLATE)]);
    let done =
        fieldline(folder.path(), &["new", "--template", "t.yaml", "--into", "a.yaml", "--set", "station=a"]);
    assert_eq!(
        done.errors,
        "error: the template asks for values that are not set; add\n  --set line=…   string, like `line[0-9]+`: The line.\n"
    );
    assert_eq!(done.code, 2);
    assert!(!folder.path().join("a.yaml").exists());
}

#[test]
fn values_that_do_not_fit_are_shown_and_nothing_is_written() {
    let folder = folder(&[("t.yaml", TEMPLATE)]);
    let arguments =
        ["new", "--template", "t.yaml", "--into", "a.yaml", "--set", "station=a", "--set", "line=22"];
    for (more, message) in [
        (["--set", "interval=10ms"], "param `interval` must be at least 100ms"),
        (["--set", "interwal=1s"], "there is no param `interwal`"),
        (["--set", "count=many"], "param `count` is an integer"),
    ] {
        let done = fieldline(folder.path(), &[&arguments[..], &more[..]].concat());
        assert!(done.errors.contains(message), "{}", done.errors);
        assert!(done.errors.contains("param `line` must match `line[0-9]+`"), "{}", done.errors);
        assert_eq!(done.code, 78);
    }
    assert!(!folder.path().join("a.yaml").exists());
}

#[test]
fn what_is_missing_beside_the_params_is_told_and_can_follow() {
    let template = "pipeline: p\nparams:\n  file: { type: string }\nsources:\n  air: { type: file, path: \"${params.file}\" }\nsinks:\n  print: { type: stdout, inputs: air }\n";
    let folder = folder(&[("t.yaml", template)]);
    let done = fieldline(
        folder.path(),
        &["new", "--template", "t.yaml", "--into", "a.yaml", "--set", "file=later.jsonl"],
    );
    assert!(done.errors.contains("error[unreadable-file]"), "{}", done.errors);
    assert!(
        done.out.starts_with("1 error above: mend what they name before it can run\nwrote a.yaml\n"),
        "{}",
        done.out
    );
    assert_eq!(done.code, 0);
    assert!(folder.path().join("a.yaml").exists());
}

#[test]
fn a_template_that_is_wrong_or_not_there_is_told() {
    let folder = folder(&[("t.yaml", "pipeline: [")]);
    for (template, message) in [("t.yaml", "error[yaml-syntax]"), ("u.yaml", "error[unreadable-file]")] {
        let done = fieldline(folder.path(), &["new", "--template", template, "--into", "a.yaml"]);
        assert!(done.errors.contains(message), "{}", done.errors);
        assert_eq!(done.code, 78);
    }
}
