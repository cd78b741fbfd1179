//! Values beside events (`with:`): how old they may be, and what happens to an event that lacks one.

use crate::support::check;

/// A pipeline whose readings need the processor's temperature, and its only case.
fn check_case(rule: &str, case: &str, expected: &str) {
    let text = format!(
        "pipeline: drying
sources:
  air: {{ type: timer, every: 15s }}
  cpu: {{ type: cpu_temperature, every: 1s }}
transforms:
  beside: {{ type: script, inputs: air, with: {{ heat: {{ from: cpu, {rule} }} }}, code: \"this.heat = heat;\" }}
sinks:
  out: {{ type: blackhole, inputs: beside }}
tests:
  - name: case
{case}"
    );
    check(&text, expected);
}

/// The processor is read once, after 5 s (a case lets such values come 1 ms early); readings come at once and then every 10 s.
const ONE_VALUE: &str = "    feed: { air: { events: [{ n: 1 }, { n: 2 }, { n: 3 }], every: 10s } }
    steps: [{ at: 5s, feed: { cpu: [40] } }]
";

#[test]
fn a_value_that_is_too_old_is_null() {
    let case = format!(
        "{ONE_VALUE}    expect: {{ out: [{{ n: 1, heat: null }}, {{ n: 2, heat: 40 }}, {{ n: 3, heat: null }}] }}\n"
    );
    check_case("max_age: 10s", &case, "1 case: 1 passed, 0 failed");
    check_case("max_age: 10s, missing: null", &case, "1 case: 1 passed, 0 failed");
}

#[test]
fn an_event_without_its_value_is_taken_out_and_counted() {
    let case = format!(
        "{ONE_VALUE}    expect: {{ out: [{{ n: 2, heat: 40 }}] }}\n    ledger: {{ beside: {{ filtered: 2, delivered: 1 }} }}\n"
    );
    check_case("max_age: 10s, missing: drop", &case, "1 case: 1 passed, 0 failed");
}

#[test]
fn an_event_waits_until_its_value_is_there() {
    let case = format!(
        "{ONE_VALUE}    expect: {{ out: {{ events: [{{ n: 1, heat: 40 }}, {{ n: 2, heat: 40 }}, {{ n: 3, heat: 40 }}], at: [4999ms, 10s, 20s] }} }}\n"
    );
    check_case("missing: wait", &case, "1 case: 1 passed, 0 failed");
}

#[test]
fn an_event_that_has_waited_too_long_goes_to_the_dead_letter() {
    let case = format!(
        "{ONE_VALUE}    expect: {{ out: [{{ n: 2, heat: 40 }}] }}\n    ledger: {{ beside: {{ dead_lettered: 2 }} }}\n"
    );
    check_case("max_age: 10s, missing: wait, max_wait: 3s", &case, "1 case: 1 passed, 0 failed");
}

#[test]
fn events_and_the_values_they_wait_for_may_come_from_one_source() {
    check(
        "pipeline: drying
sources:
  readings: { type: timer, every: 15s }
transforms:
  sorted: { type: route, inputs: readings, routes: { heat: { cpu: { present: true } }, air: { n: { present: true } } } }
  beside: { type: script, inputs: sorted.air, with: { heat: { from: sorted.heat, missing: wait } }, code: \"this.cpu = heat.cpu;\" }
sinks:
  out: { type: blackhole, inputs: beside }
tests:
  - name: more events than a queue holds stand before the value
    feed: { readings: { events: [{ n: 1 }], every: 1ms, repeat: 500 } }
    steps: [{ at: 600ms, feed: { readings: [{ cpu: 40 }] } }]
    expect: { out: { count: 500 } }
    ledger: { beside: { received: 501, absorbed: 1, delivered: 500 } }
",
        "1 case: 1 passed, 0 failed",
    );
}
