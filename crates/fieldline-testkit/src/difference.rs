//! Finds the first field in which a body is not as expected.

use fieldline_core::condition::Condition;
use fieldline_core::{FieldPath, Value};

/// Where `value` first fails `condition`; the root where it is about the value as a whole, and `None` where
/// the condition holds.
pub(crate) fn first_difference(condition: &Condition, value: &Value) -> Option<FieldPath> {
    if condition.holds(value) {
        return None;
    }
    let found = match condition {
        Condition::Equals(wanted) => value_difference(wanted, value),
        Condition::All(all) => all.iter().find_map(|condition| first_difference(condition, value)),
        Condition::Fields(fields) => fields.iter().find_map(|(path, condition)| {
            let inner = first_difference(condition, path.get(value).unwrap_or(&Value::Null))?;
            Some(path.join(inner.steps()))
        }),
        Condition::Tests(_) | Condition::Any(_) | Condition::Not(_) => None,
    };
    Some(found.unwrap_or_default())
}

/// Where two values first differ, in the order of the expected one.
fn value_difference(wanted: &Value, value: &Value) -> Option<FieldPath> {
    if wanted.same(value) {
        return None;
    }
    let (Value::Map(wanted), Value::Map(actual)) = (wanted, value) else { return Some(FieldPath::root()) };
    let differs = wanted.iter().find_map(|(key, wanted)| {
        let inner = value_difference(wanted, actual.get(key).unwrap_or(&Value::Null))?;
        Some(FieldPath::root().key(key).join(inner.steps()))
    });
    let surplus =
        || actual.keys().find(|key| !wanted.contains_key(*key)).map(|key| FieldPath::root().key(key));
    differs.or_else(surplus)
}

#[cfg(test)]
mod tests {
    use fieldline_core::json;

    use super::*;

    fn check(pattern: &str, body: &str, expected: Option<&str>) {
        let value = |text: &str| json::decode(text.as_bytes()).expect("JSON");
        let pattern = Condition::pattern(&value(pattern)).expect("a pattern");
        let found = first_difference(&pattern, &value(body)).map(|path| path.to_string());
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn the_first_field_that_differs_is_named() {
        check(r#"{"a":1,"b":{"c":2}}"#, r#"{"a":1.0,"b":{"c":2,"d":0}}"#, None);
        check(r#"{"a":1,"b":{"c":2}}"#, r#"{"a":1,"b":{"c":3}}"#, Some("b.c"));
        check(r#"{"a":{"near":5,"within":1},"b":2}"#, r#"{"a":7,"b":3}"#, Some("a"));
        check("3", "4", Some(""));
    }

    #[test]
    fn a_whole_value_also_differs_by_what_it_has_too_much() {
        let wanted = Condition::Equals(json::decode(br#"{"a":1}"#).expect("JSON"));
        let body = json::decode(br#"{"a":1,"b":2}"#).expect("JSON");
        assert_eq!(first_difference(&wanted, &body).map(|path| path.to_string()).as_deref(), Some("b"));
    }
}
