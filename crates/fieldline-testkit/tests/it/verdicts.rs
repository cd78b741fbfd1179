//! What passes and what fails, and the words of the report.

use crate::support::check;

const ROUTED: &str = "pipeline: drying
sources:
  air: { type: timer, every: 1s }
transforms:
  warm: { type: filter, inputs: [air], keep: { t: { above: 10 } } }
sinks:
  out: { type: blackhole, inputs: [warm] }
tests:
";

fn cases(text: &str) -> String {
    format!("{ROUTED}{text}")
}

#[test]
fn a_case_passes_when_everything_is_as_expected() {
    check(
        &cases(
            "  - name: warm air passes
    feed: { air: [{ t: 5 }, { t: 20.5, u: 1 }] }
    expect: { out: [{ t: { near: 20, within: 1 }, x: { present: false } }], warm: { count: 1 } }
    ledger: { warm: { received: 2, filtered: 1, delivered: 1 }, air: { created: 2 } }
",
        ),
        "1 case: 1 passed, 0 failed",
    );
}
