//! [`Condition`]: a question about a value, written as YAML: `{ temperature: { above: 30 }, status: success }`.
//!
//! `filter`, `route`, `join` and the `expect` of tests all ask this way. Members of a map are all asked; a plain
//! value asks for equality (see [`Value::same`]). One that could never hold is refused where it is read.

mod comparison;
mod help;
mod parse;
mod possible;
mod test;

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};

use self::parse::{Nested, Parser};
use crate::path::FieldPath;
use crate::read_cx::{Plain, ReadCx};
use crate::report::Problem;
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

    /// Reads a condition. Inside a field only tests may stand: a field within a field is written `a.b`, so that a slip
    /// in a test's name is found.
    pub fn parse(value: &Value) -> Result<Self, Vec<Problem>> {
        Condition::parse_at(value, &FieldPath::root(), &Plain)
    }

    /// The same for the value at `field`; all that is wrong is told, each at its place.
    pub fn parse_at(value: &Value, field: &FieldPath, cx: &dyn ReadCx) -> Result<Self, Vec<Problem>> {
        Parser::new(cx, Nested::Refused).read(value, field)
    }

    /// Reads what a test expects: like [`Condition::parse`], but maps within maps are fields, so that a
    /// document can be written as it will look, and a plain value is the whole body.
    pub fn pattern(value: &Value) -> Result<Self, Vec<Problem>> {
        Condition::pattern_with(value, &Plain)
    }

    /// The same for a value that `cx` knows.
    pub fn pattern_with(value: &Value, cx: &dyn ReadCx) -> Result<Self, Vec<Problem>> {
        Parser::new(cx, Nested::Fields).read(value, &FieldPath::root())
    }
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

/// The name by which [`read`](crate::read::read) knows a condition, to tell all that is wrong with it.
pub(crate) const NEWTYPE: &str = "Condition";

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename = "Condition")]
        struct Written(Value);
        let Written(value) = Written::deserialize(deserializer)?;
        let message = |problems: Vec<Problem>| {
            let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
            D::Error::custom(messages.join(", "))
        };
        Condition::parse(&value).map_err(message)
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
}
