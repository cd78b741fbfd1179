//! Cases jump over the time in which nothing happens, and see the time they say.

use crate::support::{check, complaints};

#[test]
fn an_hour_passes_at_once_and_events_carry_their_time() {
    check(
        "pipeline: drying
sources:
  air: { type: timer, every: 1s }
transforms:
  stamped: { type: map, inputs: [air], set: { source: here }, body: { when: meta.time, topic: meta.topic } }
sinks:
  out: { type: blackhole, inputs: [stamped] }
tests:
  - name: an hour
    at: 2026-01-01T00:00:00Z
    feed: { air: { events: [{}], every: 30m, repeat: 3, meta: { topic: a/b } } }
    expect:
      out:
        events:
          - { when: \"2026-01-01T00:00:00.000000Z\", topic: a/b }
          - { when: \"2026-01-01T00:30:00.000000Z\" }
          - { when: \"2026-01-01T01:00:00.000000Z\" }
        at: [0s, 30m, 1h]
",
        "1 case: 1 passed, 0 failed",
    );
}

#[test]
fn a_straggler_that_nobody_reads_is_booked_as_dropped_without_a_warning() {
    let text = |sinks: &str, accounts: &str| {
        format!(
            "pipeline: drying
sources:
  air: {{ type: timer, every: 1s }}
transforms:
  mean: {{ type: window, inputs: [air], tumbling: 10s, time: at, lateness: 1s, aggregate: {{ n: count }} }}
  same: {{ type: map, inputs: [mean], set: {{ a: 1 }} }}
sinks:
  out: {{ type: blackhole, inputs: [same] }}
{sinks}tests:
  - name: a straggler
    feed: {{ air: [{{ at: 1 }}, {{ at: 30 }}, {{ at: 2 }}] }}
    expect: {{ out: {{ count: 2 }} }}
    ledger: {{ mean: {accounts} }}
"
        )
    };
    let unread = text("", "{ received: 3, absorbed: 2, dropped: 1 }");
    check(&unread, "1 case: 1 passed, 0 failed");
    assert_eq!(complaints(&unread), [""; 0]);
    let read = text("  late: { type: blackhole, inputs: [mean.late] }\n", "{ dropped: 0 }");
    check(&read, "1 case: 1 passed, 0 failed");
    let results_unread = read.replace("[same]", "[air]").replace("inputs: [mean]", "inputs: [air]");
    assert!(complaints(&results_unread).iter().any(|line| line.contains("`mean.main`")), "still told");
}

#[test]
fn a_source_runs_as_it_is_when_the_case_says_so() {
    let text = |run: &str| {
        format!(
            "pipeline: drying
sources:
  air: {{ type: timer, every: 10s, body: {{ t: 1 }} }}
sinks:
  out: {{ type: blackhole, inputs: [air] }}
tests:
  - name: a minute
    {run}
    steps: [{{ advance: 55s }}]
    expect: {{ out: {{ count: 6 }} }}
"
        )
    };
    check(&text("run: [air]"), "1 case: 1 passed, 0 failed");
    check(
        &text("env: {}"),
        "FAIL drying: a minute
  --> pipeline.yaml:7:11
  `out`: 6 events expected, 0 came (line 10)

1 case: 0 passed, 1 failed",
    );
}

#[test]
fn steps_come_after_one_another() {
    check(
        "pipeline: drying
sources:
  air: { type: timer, every: 1s }
sinks:
  out: { type: blackhole, inputs: [air] }
tests:
  - name: steps
    steps:
      - { after: 10s, feed: { air: [1] } }
      - { advance: 5s }
      - { after: 5s, feed: { air: [2] } }
      - { at: 1m, feed: { air: [3] } }
    expect: { out: { events: [1, 2, 3], at: [10s, 20s, 1m] } }
",
        "1 case: 1 passed, 0 failed",
    );
}
