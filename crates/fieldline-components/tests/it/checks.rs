//! What the components' own checks refuse, beyond what types can.

use fieldline_core::Kind;
use fieldline_core::report::{Place, Severity};

use crate::harness::{definition, problems, read};

/// The codes and fields that are complained about; every complaint says what to do.
fn check(kind: Kind, name: &str, config: &str, expected: &[(&str, &str)]) {
    let prepared = read(&definition(kind, name), config).expect("the types fit");
    let problems = problems(&prepared);
    let found: Vec<(&str, String)> = problems
        .iter()
        .map(|problem| {
            assert_eq!(problem.severity, Severity::Error);
            assert!(problem.help.is_some(), "{}: {}", problem.code, problem.message);
            let Place::Field(field) = &problem.place else { panic!("{:?} is no field", problem.place) };
            (problem.code, field.to_string())
        })
        .collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(code, field)| (*code, field.as_str())).collect();
    assert_eq!(found, expected, "{name}: {config}");
}

#[test]
fn an_interval_of_zero_is_refused() {
    check(Kind::Source, "timer", "every: 0s", &[("zero-period", "every")]);
    check(Kind::Source, "cpu_temperature", "every: 0s", &[("zero-period", "every")]);
    check(Kind::Source, "file", "path: a\nevery: 0s", &[("zero-period", "every")]);
    check(Kind::Sink, "file", "path: a\nrotate: { every: 0s }", &[("zero-period", "rotate.every")]);
}

#[test]
fn a_recording_has_one_pace() {
    let both = "path: a\nevery: 1s\ntime_field: t";
    check(Kind::Source, "file", both, &[("conflicting-fields", "every")]);
    let twice = "path: a\ntime_field: t\ntime: { field: t }";
    check(Kind::Source, "file", twice, &[("conflicting-fields", "time_field")]);
    check(Kind::Source, "file", "path: a\nspeed: 2", &[("conflicting-fields", "speed")]);
    for speed in ["0", "-1", ".inf", ".nan"] {
        check(
            Kind::Source,
            "file",
            &format!("path: a\ntime_field: t\nspeed: {speed}"),
            &[("bad-number", "speed")],
        );
    }
}

#[test]
fn a_filter_has_one_condition() {
    check(Kind::Transform, "filter", "{}", &[("missing-field", "")]);
    check(Kind::Transform, "filter", "keep: { a: 1 }\ndrop: { b: 1 }", &[("conflicting-fields", "drop")]);
}

#[test]
fn the_outputs_of_a_route_have_good_names() {
    check(Kind::Transform, "route", "routes: {}", &[("missing-field", "routes")]);
    let config = "routes: { otherwise: { a: 1 }, Hot: { a: 2 }, a-b: { a: 3 }, fine_1: { a: 4 } }";
    check(Kind::Transform, "route", config, &[("bad-port-name", "routes"); 3]);
    let many: String = (0..257).map(|number| format!("  r{number}: {{ a: {number} }}\n")).collect();
    check(Kind::Transform, "route", &format!("routes:\n{many}"), &[("too-many", "routes")]);
}

#[test]
fn a_map_does_something_that_can_be_done() {
    check(Kind::Transform, "map", "strict: true", &[("missing-field", "")]);
    check(Kind::Transform, "map", "keep: [\"a[0]\"]", &[("bad-path", "keep")]);
    check(Kind::Transform, "map", "body: { \"a[0]\": b }", &[("bad-path", "body")]);
    check(Kind::Transform, "map", "rename: { a: \"b[1]\" }", &[("bad-path", "rename")]);
    check(Kind::Transform, "map", "rename: { a: c, b: c }", &[("conflicting-fields", "rename")]);
}

#[test]
fn a_file_sink_knows_where_and_what_to_write() {
    check(Kind::Sink, "file", "path: \"{{ event.a }}\"", &[("bad-template", "path")]);
    check(Kind::Sink, "file", "path: \"a{{ b }}\"", &[("bad-template", "path")]);
    check(Kind::Sink, "file", "path: a\ncolumns: [b]", &[("conflicting-fields", "columns")]);
    check(Kind::Sink, "file", "path: a\nformat: csv\ncolumns: []", &[("missing-field", "columns")]);
    check(Kind::Sink, "file", "path: a\nrotate: {}", &[("missing-field", "rotate")]);
    check(Kind::Sink, "file", "path: a\nrotate: { max_size: 0B }", &[("bad-number", "rotate.max_size")]);
}

#[test]
fn a_topic_has_wildcards_in_no_part_and_only_levels_that_there_can_be() {
    let sink = |topic: &str, expected| {
        check(Kind::Sink, "mqtt", &format!("connection: c\ntopic: \"{topic}\""), expected);
    };
    for topic in
        ["a/{{ meta.topic }}", "a/{{ meta.topic[1..] }}/b", "a/{{ meta.topic[-1] }}", "a/{{ event.b }}"]
    {
        sink(topic, &[]);
    }
    for topic in
        ["a/+/{{ event.b }}", "a/{{ meta.topic }}/#", "a/{{ meta.topic[x] }}", "a/{{ meta.source[0] }}"]
    {
        sink(topic, &[("bad-topic", "topic")]);
    }
    check(Kind::Sink, "file", "path: \"a/{{ meta.topic[1..] }}\"", &[("bad-template", "path")]);
}

#[test]
fn a_connection_says_only_what_mqtt_can_carry() {
    let connection = |more: &str, expected: &[(&str, &str)]| {
        let config = format!("url: mqtt://broker\n{more}");
        check(Kind::Connection, "mqtt", &config, expected);
    };
    connection("client_id: a\nwill: { topic: a, payload: x, qos: 2 }", &[("bad-qos", "will.qos")]);
    connection(
        "client_id: a\nwill: { topic: \"a\\uFFFF\", payload: x }",
        &[("bad-connection", "will.topic")],
    );
    connection("client_id: a\nbirth: { topic: a, payload: x, qos: 2 }", &[("bad-qos", "birth.qos")]);
    connection("client_id: a\nbirth: { topic: \"a/+\", payload: x }", &[("bad-connection", "birth.topic")]);
    connection("client_id: \"a\\uFDD0\"", &[("bad-connection", "client_id")]);
    connection(&format!("client_id: {}", "x".repeat(70_000)), &[("bad-connection", "client_id")]);
    let long = "x".repeat(70_000);
    connection(&format!("client_id: a\nuser: {long}"), &[("bad-connection", "user")]);
    connection("client_id: a\nuser: \"a\\0\"", &[("bad-connection", "user")]);
    connection(&format!("client_id: a\nuser: a\npassword: {long}"), &[("bad-connection", "password")]);
    for announcement in ["will", "birth"] {
        let blamed = |field: &str| format!("{announcement}.{field}");
        let said = |topic: &str, payload: &str| {
            format!(
                "client_id: a\nmax_packet_size: 66KiB\n{announcement}: {{ topic: \"{topic}\", payload: {payload} }}"
            )
        };
        connection(&said("a", &long), &[("bad-connection", &blamed("payload"))]);
        connection(&said(&long, "a"), &[("bad-connection", &blamed("topic"))]);
        connection(&said("", "a"), &[("bad-connection", &blamed("topic"))]);
    }
    connection("client_id: a\nin_flight: 0", &[("bad-connection", "in_flight")]);
}

#[test]
fn what_there_is_one_of_is_claimed() {
    let claims = |kind, name, config| {
        let facts = read(&definition(kind, name), config).expect("the types fit").facts();
        facts.claims.into_iter().map(|claim| claim.resource.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(claims(Kind::Sink, "file", "path: out/a.jsonl"), ["file `out/a.jsonl`"]);
    let by_line = ["file `out/{{ event.line }}.jsonl`"];
    assert_eq!(claims(Kind::Sink, "file", "path: out/{{event.line}}.jsonl"), by_line);
    assert_eq!(claims(Kind::Sink, "file", "path: out/{{  event.line }}.jsonl"), by_line);
    assert_eq!(claims(Kind::Source, "stdin", "{}"), ["the standard input"]);
}
