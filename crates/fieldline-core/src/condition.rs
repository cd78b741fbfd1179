//! [`Condition`]: a question about a value, written as YAML: `{ temperature: { above: 30 }, status: success }`.
//!
//! `filter`, `route` and the `expect` of tests all ask this way. Members of a map are all asked; a plain
//! value asks for equality (see [`Value::same`]).

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};

use crate::path::{FieldPath, PathError};
use crate::suggest::nearest;
use crate::value::Value;

/// A question about a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// The value is the same as this one.
    Equals(Value),
    /// The value passes every one of these tests.
    Tests(Vec<Test>),
    /// Each field passes its condition; a field that is absent is asked as `null`.
    Fields(Vec<(FieldPath, Condition)>),
    /// At least one holds.
    Any(Vec<Condition>),
    /// All hold.
    All(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

/// One test of a single value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// A number greater than this.
    Above(f64),
    /// A number less than this.
    Below(f64),
    /// A number at least this.
    AtLeast(f64),
    /// A number at most this.
    AtMost(f64),
    /// A number no further than `within` from `near`.
    Near {
        /// The number aimed at.
        near: f64,
        /// The greatest distance.
        within: f64,
    },
    /// One of these values.
    OneOf(Vec<Value>),
    /// Not this value.
    NotEqual(Value),
    /// A text that holds this text, a list that holds this value, or a map that holds these members.
    Contains(Value),
    /// Present and not null, or not.
    Present(bool),
    /// Of this kind: `null`, `boolean`, `integer`, `number`, `string`, `list`, `map`.
    Is(String),
}

/// Why a value is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// It asks nothing.
    #[error("a condition must not be empty")]
    Empty,
    /// A key is no path of a field.
    #[error(transparent)]
    NoField(#[from] PathError),
    /// A field has a key that is no test.
    #[error("`{field}`: there is no test `{test}`; {}", meant(field, test))]
    UnknownTest {
        /// The field.
        field: String,
        /// The key.
        test: String,
    },
    /// The condition of a field is none.
    #[error("`{field}`: {error}")]
    InField {
        /// The field.
        field: String,
        /// Why.
        error: Box<ConditionError>,
    },
    /// A test has another value than it needs, or stands without the test it goes with.
    #[error("`{test}` needs {needed}")]
    Needs {
        /// The test.
        test: String,
        /// In words: `a number`.
        needed: Cow<'static, str>,
    },
}

/// What somebody wanted who wrote `test` below `field`.
fn meant(field: &str, test: &str) -> String {
    match nearest(test, TESTS) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("a field inside `{field}` is written `{field}.{test}`"),
    }
}

fn needs(test: &str, needed: impl Into<Cow<'static, str>>) -> ConditionError {
    ConditionError::Needs { test: test.to_owned(), needed: needed.into() }
}

/// The names of all tests, as they stand below a field.
pub const TESTS: [&str; 11] = [
    "above",
    "below",
    "at_least",
    "at_most",
    "near",
    "within",
    "one_of",
    "not_equal",
    "contains",
    "present",
    "is",
];

impl Condition {
    /// Whether the condition holds for `value`.
    pub fn holds(&self, value: &Value) -> bool {
        match self {
            Condition::Equals(wanted) => wanted.same(value),
            Condition::Tests(tests) => tests.iter().all(|test| test.holds(value)),
            Condition::Fields(fields) => fields
                .iter()
                .all(|(path, condition)| condition.holds(path.get(value).unwrap_or(&Value::Null))),
            Condition::Any(conditions) => conditions.iter().any(|condition| condition.holds(value)),
            Condition::All(conditions) => conditions.iter().all(|condition| condition.holds(value)),
            Condition::Not(condition) => !condition.holds(value),
        }
    }

    /// Reads a condition. Inside a field only tests may stand: a field
    /// within a field is written `a.b`, so that a slip in a test's name is found.
    pub fn parse(value: &Value) -> Result<Self, ConditionError> {
        Condition::read(value, Nested::Refused)
    }

    /// Reads what a test expects: like [`Condition::parse`], but maps within maps are fields, so that a
    /// document can be written as it will look.
    pub fn pattern(value: &Value) -> Result<Self, ConditionError> {
        Condition::read(value, Nested::Fields)
    }

    fn read(value: &Value, nested: Nested) -> Result<Self, ConditionError> {
        let Value::Map(map) = value else { return Ok(Condition::Equals(value.clone())) };
        if map.is_empty() && nested == Nested::Refused {
            return Err(ConditionError::Empty);
        }
        if !map.is_empty() && map.keys().all(|key| TESTS.contains(&key.as_str())) {
            return Test::parse_all(map).map(Condition::Tests);
        }
        let mut parts = Vec::with_capacity(map.len());
        for (key, value) in map {
            parts.push(match key.as_str() {
                "any" => Condition::Any(Condition::read_list(key, value, nested)?),
                "all" => Condition::All(Condition::read_list(key, value, nested)?),
                "not" => Condition::Not(Box::new(Condition::read(value, nested)?)),
                _ => Condition::read_field(key, value, nested)?,
            });
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn read_field(key: &str, value: &Value, nested: Nested) -> Result<Self, ConditionError> {
        let path = FieldPath::parse(key)?;
        let known = |name: &str| TESTS.contains(&name) || ["any", "all", "not"].contains(&name);
        let stranger = value.as_map().and_then(|map| map.keys().find(|name| !known(name)));
        if let (Some(test), Nested::Refused) = (stranger, nested) {
            return Err(ConditionError::UnknownTest { field: key.to_owned(), test: test.to_string() });
        }
        let in_field = |error| ConditionError::InField { field: key.to_owned(), error: Box::new(error) };
        let condition = Condition::read(value, nested).map_err(in_field)?;
        Ok(Condition::Fields(vec![(path, condition)]))
    }

    fn read_list(key: &str, value: &Value, nested: Nested) -> Result<Vec<Self>, ConditionError> {
        let list = value.as_list().ok_or_else(|| needs(key, "a list of conditions"))?;
        list.iter().map(|condition| Condition::read(condition, nested)).collect()
    }
}

/// What a map inside a field's condition means, when its keys are no tests.
#[derive(Clone, Copy, PartialEq)]
enum Nested {
    Refused,
    Fields,
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        let number = value.as_f64();
        match self {
            Test::Above(limit) => number.is_some_and(|number| number > *limit),
            Test::Below(limit) => number.is_some_and(|number| number < *limit),
            Test::AtLeast(limit) => number.is_some_and(|number| number >= *limit),
            Test::AtMost(limit) => number.is_some_and(|number| number <= *limit),
            Test::Near { near, within } => number.is_some_and(|number| (number - near).abs() <= *within),
            Test::OneOf(values) => values.iter().any(|wanted| wanted.same(value)),
            Test::NotEqual(unwanted) => !unwanted.same(value),
            Test::Contains(part) => contains(value, part),
            Test::Present(wanted) => value.is_null() != *wanted,
            Test::Is(kind) => value.kind() == kind || (kind == "number" && number.is_some()),
        }
    }

    fn parse_all(map: &crate::value::Map) -> Result<Vec<Self>, ConditionError> {
        let number = |key: &str| {
            let value = map.get(key).and_then(Value::as_f64);
            value.ok_or_else(|| needs(key, "a number"))
        };
        let mut tests = Vec::new();
        for (key, value) in map {
            tests.push(match key.as_str() {
                "above" => Test::Above(number(key)?),
                "below" => Test::Below(number(key)?),
                "at_least" => Test::AtLeast(number(key)?),
                "at_most" => Test::AtMost(number(key)?),
                "near" => {
                    let within = number("within").map_err(|_| needs("near", "`within` beside it"))?;
                    Test::Near { near: number(key)?, within }
                }
                "within" if map.contains_key("near") => continue,
                "within" => return Err(needs("within", "`near` beside it")),
                "one_of" => {
                    let list = value.as_list().ok_or_else(|| needs(key, "a list of values"))?;
                    Test::OneOf(list.to_vec())
                }
                "not_equal" => Test::NotEqual(value.clone()),
                "contains" => Test::Contains(value.clone()),
                "present" => Test::Present(value.as_bool().ok_or_else(|| needs(key, "true or false"))?),
                _ => Test::Is(kind_name(value)?),
            });
        }
        Ok(tests)
    }
}

fn kind_name(value: &Value) -> Result<String, ConditionError> {
    let kinds = ["null", "boolean", "integer", "number", "string", "bytes", "list", "map"];
    let name = value.as_text().unwrap_or_default();
    if kinds.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(needs("is", format!("one of {}", kinds.map(|kind| format!("`{kind}`")).join(", "))))
}

fn contains(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::Text(text), Value::Text(part)) => text.contains(part.as_str()),
        (Value::List(list), part) => list.iter().any(|element| element.same(part)),
        (Value::Map(map), Value::Map(part)) => {
            part.iter().all(|(key, wanted)| map.get(key).is_some_and(|value| value.same(wanted)))
        }
        _ => false,
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Condition::parse(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A condition: a value to equal; tests (`above`, `below`, `at_least`, `at_most`, \
                `near` with `within`, `one_of`, `not_equal`, `contains`, `present`, `is`); or fields with a condition each. \
                `any`, `all` and `not` combine conditions."
        })
    }
}

impl fmt::Display for Test {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = |value: &Value| {
            crate::json::encode(value)
                .map(|text| String::from_utf8_lossy(&text).into_owned())
                .unwrap_or_default()
        };
        match self {
            Test::Above(limit) => write!(formatter, "above {limit}"),
            Test::Below(limit) => write!(formatter, "below {limit}"),
            Test::AtLeast(limit) => write!(formatter, "at least {limit}"),
            Test::AtMost(limit) => write!(formatter, "at most {limit}"),
            Test::Near { near, within } => write!(formatter, "within {within} of {near}"),
            Test::OneOf(values) => write!(formatter, "one of {}", json(&Value::List(values.clone()))),
            Test::NotEqual(value) => write!(formatter, "not {}", json(value)),
            Test::Contains(value) => write!(formatter, "containing {}", json(value)),
            Test::Present(true) => formatter.write_str("present"),
            Test::Present(false) => formatter.write_str("absent or null"),
            Test::Is(kind) => write!(formatter, "of kind {kind}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::decode;

    fn holds(condition: &str, value: &str) -> bool {
        let condition = decode(condition.as_bytes()).expect("JSON");
        Condition::parse(&condition).expect("a condition").holds(&decode(value.as_bytes()).expect("JSON"))
    }

    #[test]
    fn all_fields_must_hold_and_absent_ones_are_null() {
        let hot = r#"{"temperature":{"above":30},"status":"success"}"#;
        assert!(holds(hot, r#"{"temperature":31,"status":"success"}"#));
        assert!(!holds(hot, r#"{"temperature":31,"status":"fail"}"#));
        assert!(!holds(hot, r#"{"temperature":null,"status":"success"}"#));
        assert!(holds(r#"{"a.b":null}"#, "{}"));
    }

    #[test]
    fn tests_of_one_field_combine() {
        let band = r#"{"x":{"at_least":1,"below":2}}"#;
        assert!(holds(band, r#"{"x":1}"#));
        assert!(!holds(band, r#"{"x":2}"#));
        assert!(holds(r#"{"x":{"near":293.15,"within":0.01}}"#, r#"{"x":293.155}"#));
        assert!(holds(r#"{"any":[{"x":1},{"not":{"y":2}}]}"#, r#"{"x":5,"y":3}"#));
        assert!(holds(r#"{"x":{"contains":"fine"}}"#, r#"{"x":"all fine here"}"#));
        assert!(holds(r#"{"x":{"is":"number"}}"#, r#"{"x":3}"#));
    }

    #[test]
    fn a_pattern_may_be_written_as_the_document_will_look() {
        let pattern =
            decode(br#"{"state":{"reported":{"temperature":{"near":35,"within":1}}}}"#).expect("JSON");
        let document = decode(br#"{"state":{"reported":{"temperature":35.48}}}"#).expect("JSON");
        assert!(Condition::pattern(&pattern).expect("a pattern").holds(&document));
    }

    #[test]
    fn what_is_no_condition_says_why() {
        let error = |text: &str| {
            Condition::parse(&decode(text.as_bytes()).expect("JSON")).expect_err("no condition").to_string()
        };
        assert_eq!(error(r#"{"x":{"near":1}}"#), "`x`: `near` needs `within` beside it");
        assert_eq!(error(r#"{"x":{"above":"30"}}"#), "`x`: `above` needs a number");
        assert_eq!(error(r#"{"any":{}}"#), "`any` needs a list of conditions");
        assert_eq!(error("{}"), "a condition must not be empty");
        assert_eq!(error(r#"{"x":{"abov":30}}"#), "`x`: there is no test `abov`; did you mean `above`?");
        assert_eq!(
            error(r#"{"x":{"y":30}}"#),
            "`x`: there is no test `y`; a field inside `x` is written `x.y`"
        );
    }
}
