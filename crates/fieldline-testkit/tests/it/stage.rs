//! What stands in for what: feeds in the place of sources and transforms, values beside others, silent sources.

use fieldline_compiler::MemoryFiles;

use crate::support::{check, options, run};

/// The pipeline of the guide, as far as it matters here.
const GUIDE: &str = "pipeline: drying
sources:
  air: { type: timer, every: 15s }
  cpu: { type: cpu_temperature, every: 1s }
transforms:
  cpu_mean: { type: window, inputs: [cpu], last: 8, aggregate: { cpu: mean(celsius) } }
  corrected: { type: script, inputs: [air], with: [cpu_mean], code: \"this.temperature -= cpu_mean.cpu - this.temperature;\" }
  kelvin: { type: script, inputs: [corrected], code: \"this.temperature += 273.15;\" }
sinks:
  telemetry: { type: blackhole, inputs: [kelvin] }
tests:
";

fn guide(case: &str) -> String {
    format!("{GUIDE}{case}")
}

#[test]
fn a_value_that_lies_beside_is_there_when_the_event_comes() {
    check(
        &guide(
            "  - name: CPU heat is taken out
    at: 2026-01-01T00:00:00Z
    feed: { air: [{ temperature: 30.0 }], cpu_mean: [{ cpu: 40.0 }] }
    expect: { telemetry: [{ temperature: { near: 293.15, within: 0.01 } }] }
    ledger: { corrected: { received: 2, absorbed: 1, delivered: 1 } }
  - name: through the transform before it
    feed: { air: [{ temperature: 30.0 }], cpu: { events: [{ celsius: 30 }, { celsius: 40 }], repeat: 4 } }
    expect: { telemetry: [{ temperature: { near: 298.15, within: 0.01 } }] }
",
        ),
        "2 cases: 2 passed, 0 failed",
    );
}

#[test]
fn a_sink_may_be_fed_itself() {
    check(
        &guide(
            "  - name: direct\n    feed: { telemetry: [{ t: 1 }] }\n    expect: { telemetry: [{ t: 1 }] }\n",
        ),
        "1 case: 1 passed, 0 failed",
    );
}

#[test]
fn what_cannot_be_played_says_why() {
    let report = run(
        &guide(
            "  - { name: a, steps: [{ at: 1s, fail: kelvin }] }
  - { name: b, run: [kelvin] }
  - { name: c, run: [air], feed: { air: [1] } }
  - { name: d, feed: { kelvin: [1] }, expect: { corrected: absent } }
  - { name: e, feed: { kelvin: [1] }, ledger: { kelvin: { received: 1 } } }
  - { name: f, expect: { kelvin.alarm: absent } }
",
        ),
        MemoryFiles::default(),
        &options(),
    );
    let messages: Vec<&str> = report.cases.iter().map(|case| case.failures[0].message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`kelvin` is a transform: only sources and sinks can fail",
            "`kelvin` is no source: everything else runs anyway",
            "`air` runs as it is: it cannot be fed or fail",
            "`corrected` does not run here: the case feeds everything that reads it",
            "`kelvin` has no account: the case feeds what comes from it",
            "`kelvin` has no output `alarm`; it has `main`",
        ]
    );
}
