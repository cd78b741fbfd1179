//! Every refusal: code, text, token, and which check comes first.

use crate::support::{PREFIX, answer, ask, lamp, service};
use fieldline_shadow::rejection::Rejection;
use fieldline_shadow::service::refusal;
use fieldline_shadow::topic::Operation;

fn check(payload: &str, expected: &str) {
    let mut service = service();
    ask(&mut service, "update", r#"{"state":{"desired":{"a":1}}}"#, 1);
    let before = answer(&mut service, "get", "", 1);
    assert_eq!(ask(&mut service, "update", payload, 1), [format!("update/rejected {expected}")], "{payload}");
    assert_eq!(answer(&mut service, "get", "", 1), before, "a refused update changes nothing: {payload}");
}

#[test]
fn an_update_is_refused_with_the_code_and_text_of_aws() {
    for (payload, code, message) in [
        ("", 400, "Invalid JSON"),
        ("[]", 400, "Invalid JSON"),
        (r#"{"state":{}} x"#, 400, "Invalid JSON"),
        (r#"{"state":{"desired":{"a":01}}}"#, 400, "Invalid JSON"),
        ("{}", 400, "Missing required node: state"),
        (r#"{"state":7}"#, 400, "State node must be an object"),
        (r#"{"state":[]}"#, 400, "State node must be an object"),
        (r#"{"state":{"desired":1}}"#, 400, "Desired node must be an object"),
        (r#"{"state":{"reported":[]}}"#, 400, "Reported node must be an object"),
        (r#"{"state":{"desired":{},"extra":{}}}"#, 400, "State contains an invalid node: 'extra'"),
        (r#"{"state":{"desired":{"a":[1,[null]]}}}"#, 400, "Arrays must not contain null"),
        (r#"{"state":{"desired":{"a":[{"b":null}]}}}"#, 400, "Arrays must not contain null"),
        (r#"{"state":{},"version":"1"}"#, 400, "Invalid version"),
        (r#"{"state":{},"version":1.0}"#, 400, "Invalid version"),
        (r#"{"state":{},"version":null}"#, 400, "Invalid version"),
        (r#"{"state":{},"clientToken":5}"#, 400, "Invalid clientToken"),
        (r#"{"state":{},"version":2}"#, 409, "Version conflict"),
        (r#"{"state":{},"version":-1}"#, 409, "Version conflict"),
        (r#"{"state":{},"version":99999999999999999999999999999999999999999}"#, 409, "Version conflict"),
    ] {
        check(payload, &format!(r#"{{"code":{code},"message":"{message}"}}"#));
    }
}

#[test]
fn six_levels_are_allowed_and_arrays_count_as_levels() {
    let too_deep = r#"{"code":400,"message":"JSON contains too many levels of nesting; maximum is 6"}"#;
    check(r#"{"state":{"desired":{"1":{"2":{"3":{"4":{"5":{"6":7}}}}}, "x":[[[[[[1]]]]]]}}}"#, too_deep);
    check(&format!(r#"{{"state":{{"desired":{}1{}}}}}"#, r#"{"a":"#.repeat(7), "}".repeat(7)), too_deep);
    // Beyond what the parser follows nothing else can be read, not even a token.
    check(&format!(r#"{{"clientToken":"t","state":{}"#, "[".repeat(100_000)), too_deep);
    let mut service = service();
    let six = r#"{"state":{"desired":{"1":{"2":{"3":{"4":{"5":7}}}},"x":[[[[[1]]]]],"y":{"2":{"3":{"4":{"5":{}}}}}}}}"#;
    assert!(answer(&mut service, "update", six, 1).starts_with(r#"{"state""#));
}

#[test]
fn the_token_comes_back_in_every_refusal_after_it_was_read() {
    let seven = format!("{}1{}", r#"{"a":"#.repeat(7), "}".repeat(7));
    for (members, code, message) in [
        (r#""version":"x""#, 400, "Missing required node: state"),
        (r#""state":{"delta":{},"desired":7},"version":"x""#, 400, "State contains an invalid node: 'delta'"),
        (r#""state":{"reported":7,"desired":7},"version":"x""#, 400, "Desired node must be an object"),
        (
            &format!(r#""state":{{"desired":{{"n":[null]}},"reported":{seven}}}"#),
            400,
            "Arrays must not contain null",
        ),
        (
            &format!(r#""state":{{"reported":{seven}}},"version":"x""#),
            400,
            "JSON contains too many levels of nesting; maximum is 6",
        ),
        (r#""state":{},"version":true"#, 400, "Invalid version"),
        (
            &format!(r#""state":{{"desired":{{"b":"{}"}}}},"version":4"#, "x".repeat(9000)),
            409,
            "Version conflict",
        ),
        (
            &format!(r#""state":{{"desired":{{"b":"{}"}}}},"version":1"#, "x".repeat(9000)),
            413,
            "The payload exceeds the maximum size allowed",
        ),
    ] {
        check(
            &format!(r#"{{{members},"clientToken":"tok"}}"#),
            &format!(r#"{{"code":{code},"message":"{message}","clientToken":"tok"}}"#),
        );
    }
}

#[test]
fn a_token_has_at_most_64_bytes_and_is_checked_before_the_state() {
    let invalid = r#"{"code":400,"message":"Invalid clientToken"}"#;
    // Bytes, not characters.
    check(&format!(r#"{{"clientToken":"{}"}}"#, "ü".repeat(33)), invalid);
    let mut service = service();
    let token = "ü".repeat(32);
    let accepted = answer(&mut service, "update", &format!(r#"{{"state":{{}},"clientToken":"{token}"}}"#), 1);
    assert!(accepted.ends_with(&format!(r#""clientToken":"{token}"}}"#)));
    assert_eq!(
        ask(&mut service, "delete", &format!(r#"{{"clientToken":"{}"}}"#, "k".repeat(65)), 1),
        [format!("delete/rejected {invalid}")]
    );
}

#[test]
fn bytes_that_are_not_utf_8_are_an_unsupported_encoding() {
    let answers = service()
        .answer(&format!("{PREFIX}update"), b"{\"state\":{\"desired\":{\"a\":\"\xff\"}}}", 1)
        .publications;
    assert_eq!(
        answers[0].payload,
        r#"{"code":415,"message":"Unsupported documented encoding; supported encoding is UTF-8"}"#
    );
}

#[test]
fn a_get_may_be_empty_or_json_and_a_delete_may_be_anything() {
    let mut service = service();
    let missing = r#"{"code":404,"message":"No shadow exists with name: 'lamp'"}"#;
    assert_eq!(ask(&mut service, "get", "", 1), [format!("get/rejected {missing}")]);
    assert_eq!(ask(&mut service, "get", " \n", 1), [format!("get/rejected {missing}")]);
    assert_eq!(ask(&mut service, "get", "{", 1), [r#"get/rejected {"code":400,"message":"Invalid JSON"}"#]);
    assert_eq!(ask(&mut service, "delete", "not json", 1), [format!("delete/rejected {missing}")]);
    assert_eq!(
        ask(&mut service, "get", r#"{"clientToken":"t","x":1}"#, 1),
        [r#"get/rejected {"code":404,"message":"No shadow exists with name: 'lamp'","clientToken":"t"}"#]
    );
}

#[test]
fn what_the_caller_refuses_has_the_same_form() {
    let answer = refusal(&lamp(), Operation::Update, br#"{"clientToken":"t"}"#, Rejection::Forbidden);
    assert_eq!(answer.topic, "$aws/things/lamp/shadow/update/rejected");
    assert_eq!(answer.payload, r#"{"code":403,"message":"Forbidden","clientToken":"t"}"#);
}
