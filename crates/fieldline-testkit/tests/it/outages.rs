//! Connections that go down, sources and sinks that fail: buffers and retries work as they do in production.

use fieldline_compiler::MemoryFiles;

use crate::support::{check, options, run};

fn drying(buffer: &str, case: &str) -> String {
    format!(
        "pipeline: drying
connections:
  cloud: {{ type: mqtt, url: \"mqtt://localhost:1883\", client_id: drying }}
sources:
  air: {{ type: timer, every: 1s }}
sinks:
  out:
    type: mqtt
    inputs: [air]
    connection: cloud
    topic: drying/air
    buffer: {buffer}
    retry: {{ initial: 1s, max: 1s }}
tests:
  - name: the line is cut
{case}"
    )
}

#[test]
fn a_buffer_keeps_what_comes_while_the_connection_is_down() {
    check(
        &drying(
            "{ type: disk, max_size: 1MiB }",
            "    feed: { air: { events: [{ t: 1 }], every: 1s, repeat: 60 } }
    steps:
      - { at: 10s, connection: cloud, down: 30s }
    expect: { out: { count: 60 } }
    ledger: { out: { received: 60, delivered: 60 } }
",
        ),
        "1 case: 1 passed, 0 failed",
    );
}

#[test]
fn a_small_buffer_drops_by_its_policy_and_the_ledger_says_so() {
    check(
        &drying(
            "{ max_events: 5, when_full: drop_oldest }",
            "    feed: { air: { events: [{ t: 1 }], every: 1s, repeat: 60 } }
    steps:
      - { at: 10500ms, connection: cloud, down: 20s }
    ledger: { out: { received: 60, delivered: 60 } }
",
        ),
        "FAIL drying: the line is cut
  --> pipeline.yaml:15:11
  ledger of `out`: delivered is 45, 60 was expected (line 19)

1 case: 0 passed, 1 failed",
    );
}

#[test]
fn a_source_waits_while_the_buffer_is_full_and_nothing_is_lost() {
    check(
        &drying(
            "{ max_events: 5 }",
            "    feed: { air: { events: [{ t: 1 }], every: 1s, repeat: 100 } }
    steps:
      - { at: 10s, connection: cloud, down: 1h }
    expect: { out: { count: 100 } }
",
        ),
        "1 case: 1 passed, 0 failed",
    );
}

#[test]
fn a_sink_that_fails_is_tried_again_after_its_back_off() {
    let text = drying(
        "{ type: memory }",
        "    steps:
      - { at: 5s, fail: { node: out, times: 2, message: the broker is full } }
      - { at: 6s, feed: { air: [{ t: 1 }] } }
    expect: { out: { events: [{ t: 1 }], at: [6s] } }
",
    );
    let report = run(&text, MemoryFiles::default(), &options());
    let [failure] = &report.cases[0].failures[..] else { panic!("one failure") };
    let time = failure.message.strip_prefix("`out`: event 1 came at ").expect("a time");
    let seconds: f64 = time.split('s').next().and_then(|time| time.parse().ok()).expect("seconds");
    assert!((7.0..=8.0).contains(&seconds), "two waits, each between half a second and one: {seconds}");
    assert_eq!(run(&text, MemoryFiles::default(), &options()), report, "it is the same in every run");
}

#[test]
fn a_source_that_fails_comes_back_and_brings_what_is_due() {
    check(
        &drying(
            "{ type: memory }",
            "    steps:
      - { at: 5s, fail: air }
      - { at: 5s, feed: { air: [{ t: 1 }] } }
      - { at: 60s, feed: { air: [{ t: 2 }] } }
    expect: { out: [{ t: 1 }, { t: 2 }] }
    ledger: { air: { created: 2, delivered: 2 } }
",
        ),
        "1 case: 1 passed, 0 failed",
    );
}

#[test]
fn a_case_does_not_wait_for_a_connection_that_stays_down() {
    let text = drying(
        "{ type: memory }",
        "    feed: { air: [{ t: 1 }] }
    steps: [{ at: 0s, connection: cloud, down: 1000h }]
",
    );
    check(
        &text.replace("max: 1s", "max: 1h"),
        "FAIL drying: the line is cut
  --> pipeline.yaml:15:11
  `out` lost 1 of 1

1 case: 0 passed, 1 failed",
    );
}
