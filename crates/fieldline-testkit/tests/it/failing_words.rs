//! What passes and what fails, and the words of the report.

use fieldline_compiler::MemoryFiles;
use fieldline_testkit::Options;
use fieldline_testkit::report::{data, junit};

use crate::support::{check, options, run, shown};

const FILTERED: &str = "pipeline: drying
sources:
  air: { type: timer, every: 1s }
transforms:
  warm: { type: filter, inputs: [air], keep: { t: { above: 10 } } }
sinks:
  out: { type: blackhole, inputs: [warm] }
tests:
";

/// A case that fails, and one that passes.
const TWO: &str = "  - name: hot & <cold>
    feed: { air: [{ t: 20 }] }
    expect: { out: [{ t: 21 }] }
  - name: nothing comes of nothing
    expect: { out: absent }
";

fn filtered(cases: &str) -> String {
    format!("{FILTERED}{cases}")
}

#[test]
fn a_case_passes_when_everything_is_as_expected() {
    check(
        &filtered(
            "  - name: warm air passes
    feed: { air: [{ t: 5 }, { t: 20.5, u: 1 }] }
    expect: { out: [{ t: { near: 20, within: 1 }, x: { present: false } }], warm: { count: 1 } }
    ledger: { warm: { received: 2, filtered: 1, delivered: 1 }, air: { created: 2 } }
",
        ),
        "1 case: 1 passed, 0 failed",
    );
}

#[test]
fn a_failure_shows_the_first_field_that_differs() {
    check(
        &filtered(
            "  - name: warm air passes
    feed: { air: [{ t: 12, place: { line: 21 } }, { t: 14 }] }
    expect: { out: [{ t: 12, place: { line: 22 } }, { t: 14 }] }
",
        ),
        r#"FAIL drying: warm air passes
  --> pipeline.yaml:9:11
  `out`: event 1 of 2 differs in `place.line` (line 11)
    expected {"t":12,"place":{"line":22}}
    actual   {"t":12,"place":{"line":21}}

1 case: 0 passed, 1 failed"#,
    );
}

#[test]
fn missing_surplus_and_miscounted_events_are_told_apart() {
    check(
        &filtered(
            "  - name: too few
    feed: { air: [{ t: 12 }] }
    expect: { out: [{ t: 12 }, { t: 13 }], warm: { count: 2 } }
  - name: too many
    feed: { air: [{ t: 12 }, { t: 13 }, { t: 14 }, { t: 15 }, { t: 16 }] }
    expect: { out: absent }
",
        ),
        r#"FAIL drying: too few
  --> pipeline.yaml:9:11
  `out`: event 2 of 2 is missing (line 11)
    expected {"t":13}
  `warm`: 2 events expected, 1 came (line 11)

FAIL drying: too many
  --> pipeline.yaml:12:11
  `out`: event 1 was not expected (line 14)
    actual   {"t":12}
  `out`: event 2 was not expected (line 14)
    actual   {"t":13}
  `out`: event 3 was not expected (line 14)
    actual   {"t":14}
  `out`: 2 more events are not as expected (line 14)

2 cases: 0 passed, 2 failed"#,
    );
}

#[test]
fn the_ledger_is_compared_counter_by_counter() {
    check(
        &filtered(
            "  - name: accounts
    feed: { air: [{ t: 12 }, { t: 1 }] }
    ledger: { warm: { received: 2, filtered: 2, delivered: 0 } }
",
        ),
        "FAIL drying: accounts
  --> pipeline.yaml:9:11
  ledger of `warm`: delivered is 1, 0 was expected (line 11)
  ledger of `warm`: filtered is 1, 2 was expected (line 11)

1 case: 0 passed, 1 failed",
    );
}

/// A case whose only event fails; what it expects is still to be said.
const FAILS: &str = "\
pipeline: drying
sources:
  air: { type: timer, every: 1s }
transforms:
  kelvin: { type: script, inputs: [air], code: \"this.t += this.missing;\" }
sinks:
  out: { type: blackhole, inputs: [kelvin] }
tests:
  - name: in kelvin
    feed: { air: [{ t: 1 }] }
";

#[test]
fn a_failure_tells_what_went_into_the_dead_letter() {
    let shown = shown(&format!("{FAILS}    expect: {{ out: [{{ t: 274.15 }}] }}\n"), &options());
    let note = shown.lines().find(|line| line.starts_with("  note: ")).expect("a note");
    assert!(note.starts_with("  note: `kelvin` put 1 into the dead letter: "), "{note}");
    assert!(note.contains("missing"), "{note}");
}

#[test]
fn a_table_is_a_case_for_each_row_with_its_own_params() {
    check(
        "pipeline: drying
params: { limit: { type: number, default: 10 } }
sources:
  air: { type: timer, every: 1s }
transforms:
  warm: { type: filter, inputs: [air], keep: { t: { above: \"${params.limit}\" } } }
sinks:
  out: { type: blackhole, inputs: [warm] }
tests:
  - name: limits
    feed: { air: [{ t: 20 }] }
    each:
      - { name: below, expect: { out: { count: 1 } } }
      - { name: above, params: { limit: 30 }, expect: { out: absent } }
      - { name: just below, params: { limit: 19 }, expect: { out: absent } }
      - { name: wrong, params: { limit: high } }
",
        "FAIL drying: limits / just below
  --> pipeline.yaml:15:17
  `out`: event 1 was not expected (line 15)
    actual   {\"t\":20}

FAIL drying: limits / wrong
  --> pipeline.yaml:16:17
  the pipeline has errors with the params of this case
  note: pipeline.yaml:2:11: error[bad-param]: param `limit` is a number, and `high` is none; help: write a number, such as `0.5`

4 cases: 2 passed, 2 failed",
    );
}

#[test]
fn only_cases_that_match_the_filter_run() {
    let filtered_by = |filter| {
        let options = Options { filter: Some(filter), ..options() };
        run(&filtered(TWO), MemoryFiles::default(), &options).summary()
    };
    assert_eq!(filtered_by("nothing"), "1 case: 1 passed, 0 failed");
    assert_eq!(filtered_by("drying: hot"), "1 case: 0 passed, 1 failed");
    assert_eq!(filtered_by("somewhere else"), "0 cases: 0 passed, 0 failed");
}

#[test]
fn junit_has_a_suite_for_each_pipeline_and_escapes_what_xml_cannot_hold() {
    let report = run(&filtered(TWO), MemoryFiles::default(), &options());
    assert_eq!(
        junit::junit(&report),
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="fieldline" tests="2" failures="1">
  <testsuite name="drying" tests="2" failures="1">
    <testcase classname="drying" name="hot &amp; &lt;cold&gt;" file="pipeline.yaml" line="9">
      <failure message="`out`: event 1 differs in `t`">`out`: event 1 differs in `t`
  expected {&quot;t&quot;:21}
  actual   {&quot;t&quot;:20}</failure>
    </testcase>
    <testcase classname="drying" name="nothing comes of nothing" file="pipeline.yaml" line="12"/>
  </testsuite>
</testsuites>
"#
    );
}

#[test]
fn programs_read_the_same_as_people() {
    let report = run(&filtered(TWO), MemoryFiles::default(), &options());
    let value = data::data(&report);
    assert_eq!((&value["passed"], &value["failed"]), (&1.into(), &1.into()));
    let failure = &value["cases"][0]["failures"][0];
    assert_eq!(failure["message"], "`out`: event 1 differs in `t`");
    assert_eq!(failure["place"]["line"], 11);
    assert_eq!(failure["actual"], r#"{"t":20}"#);
}

#[test]
fn coverage_names_the_nodes_and_ports_that_saw_nothing() {
    let text = "pipeline: drying
sources:
  air: { type: timer, every: 1s }
transforms:
  sorted: { type: route, inputs: [air], routes: { alarm: { t: { above: 30 } } } }
  loud: { type: map, inputs: [sorted.alarm], set: { loud: true } }
sinks:
  out: { type: blackhole, inputs: [sorted.otherwise, loud] }
tests:
  - name: all is well
    feed: { air: [{ t: 20 }] }
    expect: { out: { count: 1 }, sorted.alarm: absent }
";
    let measured = Options { coverage: true, ..options() };
    assert_eq!(
        shown(text, &measured),
        "coverage of drying: 3 of 4 nodes, 1 of 2 ports; no event reached `loud`, `sorted.alarm`

1 case: 1 passed, 0 failed"
    );
}

#[test]
fn a_case_fails_whose_event_goes_to_the_dead_letter_unexpected() {
    let case = format!("{FAILS}    expect: {{ out: [] }}\n");
    let told = shown(&case, &options());
    assert!(told.contains("`kelvin` put 1 of 1 into the dead letter, which no `ledger:`"), "{told}");
    let expected = format!("{case}    ledger: {{ kelvin: {{ dead_lettered: 1 }} }}\n");
    let told = shown(&expected, &options());
    assert!(told.ends_with("1 case: 1 passed, 0 failed"), "{told}");
}
