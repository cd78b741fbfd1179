//! JSON values that keep what was written: member order, and every digit of a number.
//!
//! `serde_json` can keep digits only with `arbitrary_precision`, a feature that would change the numbers of every
//! crate in the workspace; hence this small type. [`parse`](parse()) reads, `Display` writes compact text, and the
//! conversions to and from `serde_json::Value` are for callers that hold one.

mod number;
mod parse;
mod write;

pub use number::Number;
pub use parse::{MAX_PARSE_DEPTH, ParseError, parse};
pub use write::compact_len;

use indexmap::IndexMap;

/// Members in the order they were first written.
pub type Object = IndexMap<String, Json>;

/// A JSON value. Equality is by value: numbers by magnitude (`1` equals `1.0`), objects whatever their order.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, with its digits as written.
    Number(Number),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Object),
}

impl Json {
    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value, if this is a whole number from 0 to 2^64-1 written without fraction or exponent.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Json::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// The member `key`, if this is an object that has one.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.as_object()?.get(key)
    }

    /// Whether a `null` stands in an array, at any depth below it.
    pub fn has_null_in_array(&self) -> bool {
        match self {
            Json::Array(items) => items.iter().any(Json::has_null),
            Json::Object(object) => object.values().any(Json::has_null_in_array),
            _ => false,
        }
    }

    fn has_null(&self) -> bool {
        match self {
            Json::Null => true,
            Json::Array(items) => items.iter().any(Json::has_null),
            Json::Object(object) => object.values().any(Json::has_null),
            _ => false,
        }
    }

    /// Levels of containers, this one included; a container with nothing in it adds none.
    pub fn depth(&self) -> usize {
        match self {
            Json::Array(items) => items.iter().map(Json::depth).max().map_or(0, |deepest| deepest + 1),
            Json::Object(object) => object.values().map(Json::depth).max().map_or(0, |deepest| deepest + 1),
            _ => 0,
        }
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Json::Object(object)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Json::String(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Json::String(text)
    }
}

impl From<u64> for Json {
    fn from(value: u64) -> Self {
        Json::Number(Number::from(value))
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Json::Null,
            serde_json::Value::Bool(value) => Json::Bool(value),
            serde_json::Value::Number(number) => Json::Number(Number::from(number)),
            serde_json::Value::String(text) => Json::String(text),
            serde_json::Value::Array(items) => Json::Array(items.into_iter().map(Json::from).collect()),
            serde_json::Value::Object(members) => {
                Json::Object(members.into_iter().map(|(key, value)| (key, Json::from(value))).collect())
            }
        }
    }
}

/// Numbers beyond 64 bits become the nearest `f64`, and `null` when there is none.
impl From<Json> for serde_json::Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => serde_json::Value::Null,
            Json::Bool(value) => serde_json::Value::Bool(value),
            Json::Number(number) => number.to_serde_json().map_or(serde_json::Value::Null, Into::into),
            Json::String(text) => serde_json::Value::String(text),
            Json::Array(items) => serde_json::Value::Array(items.into_iter().map(Into::into).collect()),
            Json::Object(object) => serde_json::Value::Object(
                object.into_iter().map(|(key, value)| (key, serde_json::Value::from(value))).collect(),
            ),
        }
    }
}
