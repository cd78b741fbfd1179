//! What of `map` its examples cannot say: the events that fail.

use fieldline_core::{Kind, Value, json};

use crate::harness::{Run, definition, run};

async fn mapped(config: &str, body: &str) -> Run {
    let body: Value = json::decode(body.as_bytes()).expect("JSON");
    run(&definition(Kind::Transform, "map"), config, &[body]).await
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_passed_over_unless_the_map_is_strict() {
    for config in ["body: { b: a }", "rename: { a: b }", "keep: [a]", "drop: [a]"] {
        let lenient = mapped(config, r#"{"c":1}"#).await;
        assert_eq!((lenient.sent.len(), lenient.failed.len()), (1, 0), "{config}");
        let strict = mapped(&format!("{config}\nstrict: true"), r#"{"c":1}"#).await;
        assert_eq!((strict.sent.len(), strict.failed), (0, vec!["missing_field"]), "{config}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_in_the_way_fails_the_event_and_is_not_overwritten() {
    assert_eq!(mapped("set: { a.b: 1 }", r#"{"a":5}"#).await.failed, ["not_a_map"]);
    assert_eq!(mapped("set: { a: 1 }", "5").await.failed, ["not_a_map"]);
    assert_eq!(mapped("rename: { c: a.b }", r#"{"a":5,"c":6}"#).await.failed, ["not_a_map"]);
}

#[tokio::test(start_paused = true)]
async fn paths_reach_into_the_body() {
    let config = "body: { state.reported.t: \"values[1].t\", at: meta.source }\nset: { state.unit: C }";
    let run = mapped(config, r#"{"values":[{"t":1},{"t":2}]}"#).await;
    assert_eq!(run.sent, [r#"{"state":{"reported":{"t":2},"unit":"C"},"at":"test/in"}"#]);
}

#[tokio::test(start_paused = true)]
async fn a_body_without_fields_fails_where_one_of_them_is_named() {
    for config in ["body: { b: a }", "rename: { a: b }", "keep: [a]", "drop: [a]", "set: { a: 1 }"] {
        for body in ["5", "\"x\"", "[]", "true"] {
            let run = mapped(config, body).await;
            assert_eq!((run.sent.len(), run.failed), (0, vec!["not_a_map"]), "{config} {body}");
        }
    }
    assert_eq!(mapped("body: { at: meta.source }", "5").await.sent, [r#"{"at":"test/in"}"#]);
}
