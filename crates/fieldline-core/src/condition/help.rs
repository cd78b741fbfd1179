//! The right form for what somebody wrote who knows another language.

use super::TESTS;
use crate::path::FieldPath;
use crate::suggest::nearest;
use crate::value::Value;

/// What combines conditions.
pub(super) const COMBINED: [&str; 3] = ["any", "all", "not"];

/// The kinds that `is` knows.
pub(super) const KINDS: [&str; 8] =
    ["null", "boolean", "integer", "number", "string", "bytes", "list", "map"];

/// The last name of a path, for a field of the body.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// A value as it is written in a flow of YAML: JSON, which is YAML.
pub(super) fn written(value: &Value) -> String {
    crate::json::brief(value, 60)
}

/// The name under which other languages know `any` and `all`.
pub(super) fn combination(key: &str) -> Option<&'static str> {
    match key.trim_start_matches('$').to_ascii_lowercase().as_str() {
        "or" | "one" => Some("any"),
        "and" | "every" => Some("all"),
        _ => None,
    }
}

/// What somebody wanted who wrote `key`, which is no test, below `field`.
pub(super) fn for_test(key: &str, field: &FieldPath) -> String {
    let plain = key.trim_start_matches('$').to_ascii_lowercase().replace([' ', '-'], "_");
    let meant = match plain.as_str() {
        ">" | "gt" | "greater" | "greater_than" | "more_than" | "over" | "higher_than" => "above",
        "<" | "lt" | "less" | "less_than" | "under" | "lower_than" => "below",
        ">=" | "=>" | "gte" | "ge" | "min" | "minimum" | "from" => "at_least",
        "<=" | "=<" | "lte" | "le" | "max" | "maximum" | "to" => "at_most",
        "!=" | "<>" | "ne" | "neq" | "not_equals" | "is_not" => "not_equal",
        "in" | "oneof" | "any_of" => "one_of",
        "exists" | "exist" | "defined" => "present",
        "type" | "kind" => "is",
        "has" | "includes" | "include" | "like" => "contains",
        "=" | "==" | "eq" | "equals" | "equal" | "value" => {
            return format!("write the value itself: `{field}: VALUE`");
        }
        "between" | "range" => {
            return format!("write `{field}: {{ at_least: 1, at_most: 2 }}`");
        }
        "nin" | "not_in" | "none_of" => {
            return format!("write `{field}: {{ not: {{ one_of: [ … ] }} }}`");
        }
        "regex" | "match" | "matches" | "pattern" | "starts_with" | "ends_with" => {
            return "`contains` looks for a part of a text; a `script` can do more".into();
        }
        _ => match combination(key).or_else(|| nearest(key, TESTS.into_iter().chain(COMBINED))) {
            Some(meant) => return format!("did you mean `{meant}`?"),
            None => return format!("a field inside `{field}` is written `{field}.{key}`"),
        },
    };
    let is_name = plain.starts_with(|c: char| c.is_ascii_alphabetic());
    match is_name {
        true => format!("write `{meant}`; a field inside `{field}` is written `{field}.{key}`"),
        false => format!("write `{meant}`"),
    }
}

/// How the number is written that `text` stands for.
pub(super) fn for_number(test: &str, text: &str) -> String {
    let is_number = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
    let trimmed = text.trim();
    let pointed = trimmed.replacen(',', ".", 1);
    let joined = trimmed.replace('_', "");
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c)).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    if is_number(trimmed) {
        format!("write it without quotes: `{test}: {trimmed}`")
    } else if is_number(&pointed) {
        format!("write it with a point: `{test}: {pointed}`")
    } else if is_number(&joined) {
        format!("write it without `_`: `{test}: {joined}`")
    } else if is_number(number) && !unit.starts_with([',', '_', '\'']) {
        format!("write the number alone: `{test}: {number}`")
    } else {
        format!(
            "it compares with a fixed number, such as `{test}: 30`; a `script` compares fields with each other"
        )
    }
}

/// The kind that somebody meant who wrote `name`.
pub(super) fn for_kind(name: &str) -> String {
    let meant = match name.to_ascii_lowercase().as_str() {
        "int" | "i64" | "whole" => Some("integer"),
        "float" | "double" | "f64" | "decimal" | "numeric" => Some("number"),
        "bool" => Some("boolean"),
        "str" | "text" => Some("string"),
        "array" | "sequence" => Some("list"),
        "object" | "dict" | "record" => Some("map"),
        "none" | "nil" | "nothing" => Some("null"),
        other => nearest(other, KINDS),
    };
    match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("write one of {}", KINDS.map(|kind| format!("`{kind}`")).join(", ")),
    }
}
