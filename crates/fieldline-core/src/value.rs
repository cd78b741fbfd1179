//! [`Value`]: what an event's body is made of. JSON's kinds, whole numbers kept apart from
//! fractions, and raw bytes for payloads that are no text.

use std::fmt;

use bytes::Bytes;
use compact_str::CompactString;
use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// An object whose members keep the order in which they were written.
pub type Map = IndexMap<CompactString, Value, foldhash::fast::RandomState>;

/// A JSON-like value.
///
/// Whole numbers that fit stay exact in `Int`; larger ones become `Float`. `Float` may hold NaN or an
/// infinity only inside a component: the encoders refuse them ([`Value::is_finite`]), because a number
/// that was never measured must not reach a consumer.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// JSON `null`: known to be absent.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// UTF-8 text; up to 24 bytes are kept without an allocation.
    Text(CompactString),
    /// Bytes that are no text, such as a raw MQTT payload.
    Bytes(Bytes),
    /// An array.
    List(Vec<Value>),
    /// An object.
    Map(Map),
}

impl Value {
    /// The kind in words a user knows: `null`, `boolean`, `integer`, `number`, `string`, `bytes`, `list`, `map`.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) => "integer",
            Value::Float(_) => "number",
            Value::Text(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Map(_) => "map",
        }
    }

    /// The number, whole or not; `None` for every other kind.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The whole number; `None` also for a float, even one without a fraction.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The text; `None` for every other kind.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value; `None` for every other kind.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The members; `None` for every other kind.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The members, to be changed; `None` for every other kind.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match self {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The elements; `None` for every other kind.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Whether every number in here is finite, so that JSON can say it.
    pub fn is_finite(&self) -> bool {
        match self {
            Value::Float(number) => number.is_finite(),
            Value::List(list) => list.iter().all(Value::is_finite),
            Value::Map(map) => map.values().all(Value::is_finite),
            _ => true,
        }
    }

    /// About how many bytes of memory this takes, for limits.
    pub fn weight(&self) -> usize {
        let inner = match self {
            Value::Text(text) if text.len() > 24 => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(list) => list.iter().map(Value::weight).sum(),
            Value::Map(map) => map.iter().map(|(key, value)| 40 + key.len() + value.weight()).sum(),
            _ => 0,
        };
        inner + size_of::<Value>()
    }

    /// Equality as a reader of JSON sees it: `1` equals `1.0`, and members may stand in any order.
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Map(left), Value::Map(right)) => {
                left.len() == right.len()
                    && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| value.same(other)))
            }
            (Value::List(left), Value::List(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(value, other)| value.same(other))
            }
            (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
                self == other || self.as_f64() == other.as_f64()
            }
            _ => self == other,
        }
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Value::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Value::Float(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text.into())
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Value::Map(map)
    }
}

impl From<Vec<Value>> for Value {
    fn from(list: Vec<Value>) -> Self {
        Value::List(list)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl<const N: usize> From<[(&str, Value); N]> for Value {
    /// `Value::from([("temperature", 21.5.into())])`: a map in the given order.
    fn from(members: [(&str, Value); N]) -> Self {
        Value::Map(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(truth) => serializer.serialize_bool(*truth),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Value::List(list) => serializer.collect_seq(list),
            Value::Map(map) => serializer.collect_map(map),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        let whole = i64::try_from(number);
        whole
            .map(Value::Int)
            .map_err(|_| E::custom(format!("{number} is above {}, the largest integer", i64::MAX)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.into()))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(Bytes::copy_from_slice(bytes)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::with_capacity(elements.size_hint().unwrap_or(0).min(1024));
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::default();
        while let Some((key, value)) = members.next_entry::<CompactString, Value>()? {
            map.insert(key, value);
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_value_and_members_in_any_order() {
        let left = Value::from([("a", Value::Int(1)), ("b", Value::List(vec![2.0.into()]))]);
        let right = Value::from([("b", Value::List(vec![Value::Int(2)])), ("a", 1.0.into())]);
        assert!(left.same(&right));
        assert_ne!(left, right);
    }

    #[test]
    fn a_number_that_json_cannot_say_is_found_at_any_depth() {
        let value = Value::from([("a", Value::List(vec![Value::Float(f64::NAN)]))]);
        assert!(!value.is_finite());
        assert!(Value::from([("a", 1.5.into())]).is_finite());
    }
}
