//! Compares what happened with what a vector expects; each mismatch is a sentence.

use fieldline_shadow::json::{Json, Object};

/// The member at a path like `metadata.desired.colour`.
pub(super) fn at<'a>(value: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// Each path of `paths` is present, or absent.
pub(super) fn paths(value: &Json, paths: Option<&Json>, present: bool, mismatches: &mut Vec<String>) {
    let Some(Json::Array(paths)) = paths else { return };
    for path in paths.iter().filter_map(Json::as_str) {
        if at(value, path).is_some() != present {
            mismatches.push(format!("{path}: should be {}", if present { "present" } else { "absent" }));
        }
    }
}

pub(super) fn equal(what: &str, expected: &Json, actual: Option<&Json>, mismatches: &mut Vec<String>) {
    if actual != Some(expected) {
        let actual = actual.map_or("nothing".to_owned(), Json::to_string);
        mismatches.push(format!("{what}: expected {expected}, got {actual}"));
    }
}

/// Each member of `expected` that stands in `names` equals that of `actual`.
pub(super) fn members(
    what: &str,
    expected: &Json,
    actual: &Json,
    names: &[&str],
    mismatches: &mut Vec<String>,
) {
    for name in names {
        if let Some(expected) = expected.get(name) {
            equal(&format!("{what}.{name}"), expected, actual.get(name), mismatches);
        }
    }
}

/// `expect_accepted` against the payload of an accepted message or the body of a REST answer.
pub(super) fn accepted(expected: &Json, payload: &Json, mismatches: &mut Vec<String>) {
    members("accepted", expected, payload, &["state", "version", "timestamp", "clientToken"], mismatches);
    if let Some(expected) = expected.get("metadata_equals") {
        let now = payload.get("timestamp").expect("answers have a timestamp");
        let expected = with_timestamp(expected, now);
        equal("accepted.metadata", &expected, payload.get("metadata"), mismatches);
    }
    if let Some(most) = expected.get("version_at_most").and_then(Json::as_u64)
        && payload.get("version").and_then(Json::as_u64).is_none_or(|version| version > most)
    {
        mismatches.push(format!("version: not at most {most}"));
    }
    if let Some(Json::Array(results)) = expected.get("results_unordered") {
        let mut expected: Vec<_> = results.iter().filter_map(Json::as_str).collect();
        expected.sort_unstable();
        let expected = Json::Array(expected.into_iter().map(Json::from).collect());
        equal("results", &expected, payload.get("results"), mismatches);
    }
    paths(payload, expected.get("absent"), false, mismatches);
    paths(payload, expected.get("present"), true, mismatches);
}

/// `expect_rejected` against the payload of a rejected message.
pub(super) fn rejected(expected: &Json, text: &str, payload: &Json, mismatches: &mut Vec<String>) {
    members("rejected", expected, payload, &["code", "message", "clientToken"], mismatches);
    for informative in ["message_greengrass", "message_moto"] {
        if let Some(message) = expected.get(informative) {
            equal(informative, message, payload.get("message"), mismatches);
        }
    }
    let message = payload.get("message").and_then(Json::as_str).unwrap_or_default();
    if let Some(start) = expected.get("message_starts").and_then(Json::as_str)
        && !message.starts_with(start)
    {
        mismatches.push(format!("message_starts: `{message}` does not start with `{start}`"));
    }
    if let Some(exact) = expected.get("exact_payload").and_then(Json::as_str)
        && exact != text
    {
        mismatches.push(format!("payload: expected {exact}, got {text}"));
    }
}

/// `expect_documents` against the payload of `update/documents`.
pub(super) fn documents(expected: &Json, payload: &Json, mismatches: &mut Vec<String>) {
    for side in ["previous", "current"] {
        if let (Some(expected), Some(actual)) = (expected.get(side), payload.get(side)) {
            members(side, expected, actual, &["state", "metadata", "version"], mismatches);
        }
    }
    members("documents", expected, payload, &["timestamp", "clientToken"], mismatches);
    let state = at(payload, "current.state").cloned().unwrap_or(Json::Object(Object::new()));
    paths(&state, expected.get("current_state_has"), true, mismatches);
    paths(&state, expected.get("current_state_lacks"), false, mismatches);
    if let Some(Json::Array(absent)) = expected.get("absent_or_null") {
        for path in absent.iter().filter_map(Json::as_str) {
            if !matches!(at(payload, path), None | Some(Json::Null)) {
                mismatches.push(format!("{path}: should be absent or null"));
            }
        }
    }
}

/// The vectors write `<same as …>` where a timestamp is the one of the message.
fn with_timestamp(value: &Json, now: &Json) -> Json {
    match value {
        Json::String(text) if text.starts_with("<same as") => now.clone(),
        Json::Object(members) => Json::Object(
            members.iter().map(|(key, value)| (key.clone(), with_timestamp(value, now))).collect(),
        ),
        other => other.clone(),
    }
}
