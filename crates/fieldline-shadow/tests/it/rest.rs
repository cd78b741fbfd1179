//! The service over HTTP paths.

use fieldline_shadow::service::{MemoryStore, RestAnswer, RestRequest, Service};

use crate::support::{ask, service};

fn rest(service: &mut Service<MemoryStore>, method: &str, target: &str, body: &str) -> Option<RestAnswer> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    service.answer_rest(&RestRequest { method, path, query, body: body.as_bytes() }, 50)
}

/// Status, error type and body.
fn check(service: &mut Service<MemoryStore>, request: [&str; 3], expected: (u16, Option<&str>, &str)) {
    let answer = rest(service, request[0], request[1], request[2]).expect("a shadow path");
    assert_eq!((answer.status, answer.error_type, answer.body.as_str()), expected, "{request:?}");
}

#[test]
fn the_three_methods_do_what_the_topics_do() {
    let mut service = service();
    let update = r#"{"state":{"desired":{"a":1}},"clientToken":"t"}"#;
    let accepted = concat!(
        r#"{"state":{"desired":{"a":1}},"metadata":{"desired":{"a":{"timestamp":50}}},"#,
        r#""version":1,"timestamp":50,"clientToken":"t"}"#
    );
    let answer = rest(&mut service, "POST", "/things/lamp/shadow", update).expect("a shadow path");
    assert_eq!((answer.status, answer.body.as_str()), (200, accepted));
    let topics: Vec<&str> = answer.publications.iter().map(|message| message.topic.as_str()).collect();
    assert_eq!(
        topics,
        [
            "$aws/things/lamp/shadow/update/delta",
            "$aws/things/lamp/shadow/update/documents",
            "$aws/things/lamp/shadow/update/accepted"
        ]
    );
    let document = concat!(
        r#"{"state":{"desired":{"a":1},"delta":{"a":1}},"metadata":{"desired":{"a":{"timestamp":50}}},"#,
        r#""version":1,"timestamp":50}"#
    );
    check(&mut service, ["GET", "/things/lamp/shadow", "ignored"], (200, None, document));
    let answer = rest(&mut service, "GET", "/things/lamp/shadow", "").expect("a shadow path");
    assert!(answer.publications.is_empty(), "who only reads tells nobody");
    check(
        &mut service,
        ["DELETE", "/things/lamp/shadow", ""],
        (200, None, r#"{"version":1,"timestamp":50}"#),
    );
}

#[test]
fn errors_have_a_status_and_a_type_and_no_messages() {
    let mut service = service();
    ask(&mut service, "update", r#"{"state":{}}"#, 1);
    let cases = [
        (
            ["POST", "/things/lamp/shadow", "{"],
            400,
            "InvalidRequestException",
            "Payload contains invalid json",
        ),
        (["GET", "/things/a.b/shadow", ""], 400, "InvalidRequestException", "thing name `a.b`"),
        (["GET", "/things/lamp/shadow?name=", ""], 400, "InvalidRequestException", "shadow name ``"),
        (["GET", "/things/lamp/shadow?name=x", ""], 404, "ResourceNotFoundException", "'lamp~x'"),
        (["PUT", "/things/lamp/shadow", ""], 405, "MethodNotAllowedException", "Method not allowed"),
        (
            ["POST", "/api/things/shadow/ListNamedShadowsForThing/lamp", ""],
            405,
            "MethodNotAllowedException",
            "Method not allowed",
        ),
        (
            ["POST", "/things/lamp/shadow", r#"{"state":{},"version":9}"#],
            409,
            "ConflictException",
            "Version conflict",
        ),
    ];
    for (request, status, error_type, text) in cases {
        let answer = rest(&mut service, request[0], request[1], request[2]).expect("a shadow path");
        assert_eq!((answer.status, answer.error_type), (status, Some(error_type)), "{request:?}");
        assert!(answer.body.contains(text), "{request:?}: {}", answer.body);
        assert!(answer.publications.is_empty(), "{request:?}");
    }
    assert!(rest(&mut service, "POST", "/topics/a", "").is_none());
}

#[test]
fn names_in_paths_and_queries_are_percent_decoded() {
    let mut service = service();
    let answer = rest(&mut service, "POST", "/things/a%3Ab/shadow?x=1&name=%24c", r#"{"state":{}}"#);
    let topic = &answer.expect("a shadow path").publications[0].topic;
    assert_eq!(topic, "$aws/things/a:b/shadow/name/$c/update/documents");
    for thing in ["%2", "%zz", "%C3%28", "%2F", "%"] {
        let answer =
            rest(&mut service, "GET", &format!("/things/{thing}/shadow"), "").expect("a shadow path");
        assert_eq!(answer.status, 400, "{thing}");
    }
}

#[test]
fn the_list_has_the_named_shadows_that_exist_page_by_page() {
    let mut service = service();
    for shadow in ["", "name/c/", "name/a/", "name/b/", "name/gone/"] {
        ask(&mut service, &format!("{shadow}update"), r#"{"state":{}}"#, 1);
    }
    ask(&mut service, "name/gone/delete", "", 1);
    let _accepted = service.answer("$aws/things/lamp2/shadow/name/z/update", br#"{"state":{}}"#, 1);
    let path = "/api/things/shadow/ListNamedShadowsForThing/lamp";
    check(&mut service, ["GET", path, ""], (200, None, r#"{"results":["a","b","c"],"timestamp":50}"#));
    check(
        &mut service,
        ["GET", &format!("{path}?pageSize=3"), ""],
        (200, None, r#"{"results":["a","b","c"],"timestamp":50}"#),
    );
    let page =
        rest(&mut service, "GET", &format!("{path}?pageSize=2"), "").expect("the path of the list").body;
    let token = page.strip_prefix(r#"{"results":["a","b"],"nextToken":""#).expect("a token");
    let token = token.strip_suffix(r#"","timestamp":50}"#).expect("a timestamp");
    check(
        &mut service,
        ["GET", &format!("{path}?pageSize=2&nextToken={token}"), ""],
        (200, None, r#"{"results":["c"],"timestamp":50}"#),
    );
    for (query, text) in [
        ("pageSize=0", "Invalid pageSize"),
        ("pageSize=101", "Invalid pageSize"),
        ("pageSize=x", "Invalid pageSize"),
        ("nextToken=", "Invalid nextToken"),
        ("nextToken=abc", "Invalid nextToken"),
        ("nextToken=+1+1", "Invalid nextToken"),
    ] {
        let answer = rest(&mut service, "GET", &format!("{path}?{query}"), "").expect("the path of the list");
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.body.contains(text), "{query}: {}", answer.body);
    }
    let other =
        rest(&mut service, "GET", &format!("{path}2?nextToken={token}"), "").expect("the path of the list");
    assert_eq!(other.status, 400, "a token serves only its own thing");
    check(&mut service, ["GET", &format!("{path}3"), ""], (200, None, r#"{"results":[],"timestamp":50}"#));
}
