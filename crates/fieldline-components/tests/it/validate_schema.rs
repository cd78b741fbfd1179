//! Bodies against a JSON Schema, in programs that have it.

use fieldline_core::Kind;
use serde_json::json;

use crate::bench::Bench;
use crate::harness::{definition, problems, read};

const CONFIG: &str = "schema:
  type: object
  required: [axes]
  properties: { axes: { type: array, items: { type: number, minimum: 0 } } }
range: { t: { max: 10 } }";

#[test]
fn a_body_that_does_not_fit_is_at_the_output_for_it() {
    let mut bench = Bench::new("validate", CONFIG);
    for body in
        [json!({ "axes": [1, 2.5] }), json!({ "axes": [1, -1] }), json!({}), json!({ "axes": [], "t": 11 })]
    {
        bench.give(body);
    }
    let ports: Vec<String> = bench.finish().into_iter().map(|sent| sent.port).collect();
    assert_eq!(ports, ["main", "invalid", "invalid", "invalid"]);
}

#[test]
fn the_reason_names_the_place_and_what_is_wrong_there() {
    let mut bench = Bench::new("validate", CONFIG);
    bench.in_hand = Some(Vec::new());
    bench.give(json!({ "axes": [1, -1] }));
    bench.give(json!({ "axes": "x".repeat(1000) }));
    bench.give(json!(5));
    let events = bench.in_hand.take().expect("they are kept");
    let reasons: Vec<String> = events
        .into_iter()
        .map(|event| {
            let reason = event.meta().get("invalid").and_then(|reason| reason.as_text().map(str::to_owned));
            event.finish(fieldline_core::Door::Delivered);
            reason.expect("there is a reason")
        })
        .collect();
    assert_eq!(reasons[0], "schema: `/axes/1`: -1 is less than the minimum of 0");
    assert!(reasons[1].starts_with("schema: `/axes`: \"xxx"), "{}", reasons[1]);
    assert_eq!(reasons[1].chars().count(), 200);
    assert_eq!(reasons[2], "schema: 5 is not of type \"object\"");
}

#[test]
fn what_is_no_schema_is_refused_where_it_stands() {
    for config in
        ["schema: { type: 5 }", "schema: { $ref: \"https://example.com/a.json\" }", "schema_file: empty.json"]
    {
        let prepared = read(&definition(Kind::Transform, "validate"), config).expect("the types fit");
        let codes: Vec<&str> = problems(&prepared).iter().map(|problem| problem.code).collect();
        assert_eq!(codes, ["bad-schema"], "{config}");
    }
}
