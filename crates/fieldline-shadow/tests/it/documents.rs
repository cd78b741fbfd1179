//! What happens to the document: merge, metadata, versions, delta, and the exact bytes of the answers.

use crate::support::{answer, ask, service};

/// After the updates, sent at 100, 200, ..., a get at 999 answers `expected`.
fn check(updates: &[&str], expected: &str) {
    let mut service = service();
    for (update, now) in updates.iter().zip((100..).step_by(100)) {
        let answers = ask(&mut service, "update", update, now);
        assert!(
            answers.last().is_some_and(|line| line.starts_with("update/accepted ")),
            "{update}: {answers:?}"
        );
    }
    assert_eq!(answer(&mut service, "get", "", 999), expected, "after {updates:?}");
}

#[test]
fn an_update_with_a_difference_publishes_delta_documents_and_accepted_in_this_order() {
    let mut service = service();
    ask(&mut service, "update", r#"{"state":{"reported":{"mode":"eco"}}}"#, 100);
    let update = r#"{"clientToken":"t","state":{"desired":{"mode":"fast","steps":[1,{"a":2.50}]}}}"#;
    assert_eq!(
        ask(&mut service, "update", update, 200),
        [
            concat!(
                r#"update/delta {"version":2,"timestamp":200,"state":{"mode":"fast","steps":[1,{"a":2.50}]},"#,
                r#""metadata":{"mode":{"timestamp":200},"steps":[{"timestamp":200},{"a":{"timestamp":200}}]},"#,
                r#""clientToken":"t"}"#
            ),
            concat!(
                r#"update/documents {"previous":{"state":{"reported":{"mode":"eco"}},"#,
                r#""metadata":{"reported":{"mode":{"timestamp":100}}},"version":1},"#,
                r#""current":{"state":{"desired":{"mode":"fast","steps":[1,{"a":2.50}]},"reported":{"mode":"eco"}},"#,
                r#""metadata":{"desired":{"mode":{"timestamp":200},"steps":[{"timestamp":200},{"a":{"timestamp":200}}]},"#,
                r#""reported":{"mode":{"timestamp":100}}},"version":2},"timestamp":200,"clientToken":"t"}"#
            ),
            concat!(
                r#"update/accepted {"state":{"desired":{"mode":"fast","steps":[1,{"a":2.50}]}},"#,
                r#""metadata":{"desired":{"mode":{"timestamp":200},"steps":[{"timestamp":200},{"a":{"timestamp":200}}]}},"#,
                r#""version":2,"timestamp":200,"clientToken":"t"}"#
            ),
        ]
    );
}

#[test]
fn without_a_difference_there_is_no_delta_and_the_first_documents_have_a_null_before() {
    let mut service = service();
    assert_eq!(
        ask(&mut service, "update", r#"{"state":{}}"#, 7),
        [
            r#"update/documents {"previous":null,"current":{"state":{},"metadata":{},"version":1},"timestamp":7}"#,
            r#"update/accepted {"state":{},"metadata":{},"version":1,"timestamp":7}"#,
        ]
    );
}

#[test]
fn nulls_are_echoed_with_a_timestamp_and_gone_from_the_document() {
    let mut service = service();
    ask(&mut service, "update", r#"{"state":{"desired":{"a":1,"b":{"c":2}}}}"#, 100);
    assert_eq!(
        answer(
            &mut service,
            "update",
            r#"{"state":{"desired":{"a":null,"b":{"c":null}},"reported":null}}"#,
            200
        ),
        concat!(
            r#"{"state":{"desired":{"a":null,"b":{"c":null}},"reported":null},"metadata":{"desired":"#,
            r#"{"a":{"timestamp":200},"b":{"c":{"timestamp":200}}},"reported":{"timestamp":200}},"#,
            r#""version":2,"timestamp":200}"#
        )
    );
    assert_eq!(
        answer(&mut service, "get", "", 300),
        concat!(
            r#"{"state":{"desired":{"b":{}},"delta":{"b":{}}},"metadata":{"desired":{"b":{}}},"#,
            r#""version":2,"timestamp":300}"#
        )
    );
}

#[test]
fn a_null_state_clears_both_sections_and_keeps_the_shadow() {
    let mut service = service();
    ask(&mut service, "update", r#"{"state":{"desired":{"a":1},"reported":{"a":1}}}"#, 100);
    assert_eq!(
        answer(&mut service, "update", r#"{"state":null}"#, 200),
        r#"{"state":null,"metadata":{"timestamp":200},"version":2,"timestamp":200}"#
    );
    assert_eq!(
        answer(&mut service, "get", "", 300),
        r#"{"state":{},"metadata":{},"version":2,"timestamp":300}"#
    );
}

#[test]
fn merging_follows_the_rules_and_keeps_the_order_of_members() {
    check(
        &[
            r#"{"state":{"reported":{"z":1,"a":{"y":1,"x":2}}}}"#,
            r#"{"state":{"reported":{"a":{"x":3},"m":0,"z":9}}}"#,
        ],
        concat!(
            r#"{"state":{"reported":{"z":9,"a":{"y":1,"x":3},"m":0}},"metadata":{"reported":{"z":{"timestamp":200},"#,
            r#""a":{"y":{"timestamp":100},"x":{"timestamp":200}},"m":{"timestamp":200}}},"version":2,"timestamp":999}"#
        ),
    );
    // A value that changes its kind is replaced, with its metadata.
    check(
        &[
            r#"{"state":{"reported":{"a":{"b":1},"c":5,"d":[1,2]}}}"#,
            r#"{"state":{"reported":{"a":[8],"c":{"e":1},"d":0}}}"#,
        ],
        concat!(
            r#"{"state":{"reported":{"a":[8],"c":{"e":1},"d":0}},"metadata":{"reported":{"a":[{"timestamp":200}],"#,
            r#""c":{"e":{"timestamp":200}},"d":{"timestamp":200}}},"version":2,"timestamp":999}"#
        ),
    );
    // An empty section changes nothing; an empty object is a value; nothing comes of a subtree of nulls.
    check(
        &[r#"{"state":{"reported":{"a":{},"b":{"c":null,"d":{"e":null}}}}}"#, r#"{"state":{"reported":{}}}"#],
        r#"{"state":{"reported":{"a":{}}},"metadata":{"reported":{"a":{}}},"version":2,"timestamp":999}"#,
    );
    // A section without members is absent.
    check(
        &[r#"{"state":{"desired":{"a":1},"reported":{"b":1}}}"#, r#"{"state":{"reported":{"b":null}}}"#],
        concat!(
            r#"{"state":{"desired":{"a":1},"delta":{"a":1}},"metadata":{"desired":{"a":{"timestamp":100}}},"#,
            r#""version":2,"timestamp":999}"#
        ),
    );
    // Members that look like the document's own are data.
    check(
        &[r#"{"state":{"reported":{"timestamp":1,"state":{"timestamp":2},"version":3}}}"#],
        concat!(
            r#"{"state":{"reported":{"timestamp":1,"state":{"timestamp":2},"version":3}},"metadata":{"reported":"#,
            r#"{"timestamp":{"timestamp":100},"state":{"timestamp":{"timestamp":100}},"version":{"timestamp":100}}},"#,
            r#""version":1,"timestamp":999}"#
        ),
    );
}

#[test]
fn the_delta_compares_by_value_and_lists_only_what_differs() {
    let mut service = service();
    let state = r#"{"state":{"desired":{"a":1.0,"b":{"c":1,"d":2},"e":[1,2],"f":{}},
        "reported":{"a":1,"b":{"c":1,"d":3,"x":0},"e":[1.0,2e0],"f":{"g":1},"y":0}}}"#;
    let lines = ask(&mut service, "update", state, 100);
    assert_eq!(
        lines[0],
        r#"update/delta {"version":1,"timestamp":100,"state":{"b":{"d":2}},"metadata":{"b":{"d":{"timestamp":100}}}}"#
    );
    // Cumulative: an update of something else repeats what still differs, with its old metadata.
    let lines = ask(&mut service, "update", r#"{"state":{"reported":{"y":1}}}"#, 200);
    assert_eq!(
        lines[0],
        r#"update/delta {"version":2,"timestamp":200,"state":{"b":{"d":2}},"metadata":{"b":{"d":{"timestamp":100}}}}"#
    );
}

#[test]
fn numbers_keep_their_digits() {
    let numbers = r#"[1.0,1e2,-0,12345678901234567890123,0.10,1E-7]"#;
    let mut service = service();
    ask(&mut service, "update", &format!(r#"{{"state":{{"reported":{{"n":{numbers}}}}}}}"#), 100);
    let document = answer(&mut service, "get", "", 200);
    assert!(
        document.starts_with(&format!(r#"{{"state":{{"reported":{{"n":{numbers}}}}},"metadata""#)),
        "{document}"
    );
}

#[test]
fn the_size_limit_counts_the_merged_states_to_the_byte() {
    let mut service = service();
    // `{"k":""}` and `{"d":""}` are 8 bytes each.
    let update = |section: &str, key: &str, length: usize| {
        format!(r#"{{"state":{{"{section}":{{"{key}":"{}"}}}}}}"#, "x".repeat(length))
    };
    let accepted = |lines: Vec<String>| lines.last().is_some_and(|line| line.starts_with("update/accepted"));
    assert!(accepted(ask(&mut service, "update", &update("reported", "k", 4088), 1)));
    assert!(accepted(ask(&mut service, "update", &update("desired", "d", 4088), 1)));
    assert_eq!(
        ask(&mut service, "update", &update("desired", "d", 4089), 1),
        [r#"update/rejected {"code":413,"message":"The payload exceeds the maximum size allowed"}"#]
    );
    assert!(
        answer(&mut service, "get", "", 1).contains(r#""version":2,"#),
        "a refused update changes nothing"
    );
}
