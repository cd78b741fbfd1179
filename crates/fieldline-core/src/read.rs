//! Reads a typed config from a [`Value`], and says at which field it failed.
//!
//! serde's own derives do the typing; this deserializer only keeps track of the path, so that the compiler
//! can point at the line. Text that came from a variable is read as the type its field wants. What a field wants
//! decides which of its visitor's methods is called: no config type carries code for shapes that it refuses.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

use crate::condition::{self, Condition};
use crate::json::brief;
use crate::path::FieldPath;
use crate::read_cx::ReadCx;
use crate::report::Problem;
use crate::value::{Map, Value};

/// The most characters of a value that a message repeats.
const MOST_SHOWN: usize = 40;

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A field that the type does not have; with those it has.
    UnknownField(String, &'static [&'static str]),
    /// A word that is none of those allowed.
    UnknownVariant(String, &'static [&'static str]),
    /// A field that must be there.
    MissingField(&'static str),
    /// A value of the wrong type: what was found, what was expected.
    WrongType(String, String),
    /// A value the type refuses, in its own words.
    Refused(String),
    /// A value with several things wrong inside, each at a place of its own.
    Problems(Vec<Problem>),
}

/// A mismatch and the field it is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The field; for a missing one, what should contain it.
    pub field: FieldPath,
    /// What is wrong.
    pub mismatch: Mismatch,
    placed: bool,
}

/// Reads a `T` from `value`.
pub fn read<T: DeserializeOwned>(value: &Value, cx: &dyn ReadCx) -> Result<T, ReadError> {
    T::deserialize(Reader { value, field: FieldPath::root(), cx })
}

impl ReadError {
    fn new(mismatch: Mismatch) -> Self {
        ReadError { field: FieldPath::root(), mismatch, placed: false }
    }

    /// Keeps the innermost place: errors are placed where they arise and only passed on above.
    fn at(mut self, field: &FieldPath) -> Self {
        if !self.placed {
            self.field = match &self.mismatch {
                Mismatch::UnknownField(name, _) => field.key(name),
                _ => field.clone(),
            };
            self.placed = true;
        }
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.mismatch {
            Mismatch::UnknownField(name, _) => write!(formatter, "unknown field `{name}`"),
            Mismatch::UnknownVariant(name, _) => write!(formatter, "unknown value `{name}`"),
            Mismatch::MissingField(name) => write!(formatter, "missing field `{name}`"),
            Mismatch::WrongType(found, expected) => write!(formatter, "expected {expected}, found {found}"),
            Mismatch::Refused(message) => formatter.write_str(message),
            Mismatch::Problems(problems) => {
                let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
                formatter.write_str(&messages.join(", "))
            }
        }
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        ReadError::new(Mismatch::Refused(message.to_string()))
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        ReadError::new(Mismatch::WrongType(describe(&found), expected.to_string()))
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        ReadError::new(Mismatch::WrongType(describe(&found), expected.to_string()))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        ReadError::new(Mismatch::UnknownField(field.to_owned(), expected))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        ReadError::new(Mismatch::UnknownVariant(variant.to_owned(), expected))
    }

    fn missing_field(field: &'static str) -> Self {
        ReadError::new(Mismatch::MissingField(field))
    }
}

/// The found value in a user's words.
fn describe(found: &de::Unexpected<'_>) -> String {
    match found {
        de::Unexpected::Unit | de::Unexpected::Option => "nothing".into(),
        de::Unexpected::Bool(truth) => format!("boolean `{truth}`"),
        de::Unexpected::Signed(number) => format!("integer `{number}`"),
        de::Unexpected::Unsigned(number) => format!("integer `{number}`"),
        de::Unexpected::Float(number) => format!("number `{number}`"),
        de::Unexpected::Str(text) => format!("string `{text}`"),
        de::Unexpected::Seq => "a list".into(),
        de::Unexpected::Map => "a map".into(),
        other => other.to_string(),
    }
}

#[derive(Clone)]
struct Reader<'v, 'c> {
    value: &'v Value,
    field: FieldPath,
    cx: &'c dyn ReadCx,
}

impl<'v> Reader<'v, '_> {
    /// The scalar a text from a variable stands for, when the field wants something else than text.
    fn typed<T: std::str::FromStr>(&self) -> Option<T> {
        match self.value {
            Value::Text(text) if self.cx.is_variable(&self.field) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The error for a value of a type that the visitor does not take.
    fn wrong_type(&self, expected: &dyn de::Expected) -> ReadError {
        let found = match self.value {
            Value::Null => de::Unexpected::Unit,
            Value::Bool(truth) => de::Unexpected::Bool(*truth),
            Value::Int(number) => de::Unexpected::Signed(*number),
            Value::Float(number) => de::Unexpected::Float(*number),
            Value::Text(text) => de::Unexpected::Str(text),
            Value::Bytes(bytes) => de::Unexpected::Bytes(bytes),
            Value::List(_) => de::Unexpected::Seq,
            Value::Map(_) => de::Unexpected::Map,
        };
        de::Error::invalid_type(found, expected)
    }

    fn visit<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let field = self.field.clone();
        let result = match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(*truth),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Value::List(list) => visitor.visit_seq(Elements { list: list.iter().enumerate(), reader: &self }),
            Value::Map(map) => visitor.visit_map(Members::new(map, &self)),
        };
        result.map_err(|error| error.at(&field))
    }
}

impl<'de> Deserializer<'de> for Reader<'de, '_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match (self.value, self.typed::<bool>()) {
            (Value::Bool(truth), _) => visitor.visit_bool(*truth),
            (_, Some(truth)) => visitor.visit_bool(truth),
            _ => Err(self.wrong_type(&visitor)),
        };
        result.map_err(|error| error.at(&self.field))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match self.value {
            Value::Text(text) => visitor.visit_borrowed_str(text),
            _ => Err(self.wrong_type(&visitor)),
        };
        result.map_err(|error| error.at(&self.field))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match self.value {
            Value::List(list) => visitor.visit_seq(Elements { list: list.iter().enumerate(), reader: &self }),
            _ => Err(self.wrong_type(&visitor)),
        };
        result.map_err(|error| error.at(&self.field))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match self.value {
            Value::Map(map) => visitor.visit_map(Members::new(map, &self)),
            _ => Err(self.wrong_type(&visitor)),
        };
        result.map_err(|error| error.at(&self.field))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.typed::<i64>() {
            Some(number) => visitor.visit_i64(number).map_err(|error: ReadError| error.at(&self.field)),
            None => self.visit(visitor),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.typed::<f64>() {
            Some(number) => visitor.visit_f64(number).map_err(|error: ReadError| error.at(&self.field)),
            None => self.visit(visitor),
        }
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match (name, self.value) {
            ("FilePath", Value::Text(path)) => {
                let resolved = self.cx.resolve(&self.field, path);
                let text = resolved.to_string_lossy();
                let inner: StrDeserializer<'_, ReadError> = (&*text).into_deserializer();
                visitor.visit_newtype_struct(inner).map_err(|error| error.at(&self.field))
            }
            (condition::NEWTYPE, value) => {
                let refused = |problems| ReadError::new(Mismatch::Problems(problems)).at(&self.field);
                Condition::parse_at(value, &self.field, self.cx).map_err(refused)?;
                visitor.visit_newtype_struct(self)
            }
            ("Secret", _) => {
                self.cx.conceal(&self.field);
                visitor.visit_newtype_struct(self)
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let field = self.field.clone();
        let result = match self.value {
            Value::Text(text) => {
                let plain: StrDeserializer<'_, ReadError> = text.as_str().into_deserializer();
                visitor.visit_enum(plain)
            }
            Value::Map(map) if map.len() == 1 => {
                visitor.visit_enum(de::value::MapAccessDeserializer::new(Members::new(map, &self)))
            }
            _ => {
                let words = variants.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
                let found = format!("{} `{}`", self.value.kind(), brief(self.value, MOST_SHOWN));
                Err(ReadError::new(Mismatch::WrongType(found, format!("one of {words}"))))
            }
        };
        result.map_err(|error| error.at(&field))
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

struct Elements<'v, 'r, 'c> {
    list: std::iter::Enumerate<std::slice::Iter<'v, Value>>,
    reader: &'r Reader<'v, 'c>,
}

impl<'v> de::SeqAccess<'v> for Elements<'v, '_, '_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'v>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some((index, value)) = self.list.next() else { return Ok(None) };
        let field = self.reader.field.index(index);
        let element = Reader { value, field: field.clone(), cx: self.reader.cx };
        seed.deserialize(element).map(Some).map_err(|error| error.at(&field))
    }
}

struct Members<'v, 'r, 'c> {
    map: indexmap::map::Iter<'v, compact_str::CompactString, Value>,
    current: Option<(&'v str, &'v Value)>,
    reader: &'r Reader<'v, 'c>,
}

impl<'v, 'r, 'c> Members<'v, 'r, 'c> {
    fn new(map: &'v Map, reader: &'r Reader<'v, 'c>) -> Self {
        Members { map: map.iter(), current: None, reader }
    }
}

impl<'v> de::MapAccess<'v> for Members<'v, '_, '_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'v>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some((key, value)) = self.map.next() else { return Ok(None) };
        self.current = Some((key, value));
        let name: StrDeserializer<'_, ReadError> = key.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|error| match &error.mismatch {
            Mismatch::UnknownVariant(..) => error.at(&self.reader.field.key(key)),
            _ => error.at(&self.reader.field),
        })
    }

    fn next_value_seed<T: DeserializeSeed<'v>>(&mut self, seed: T) -> Result<T::Value, ReadError> {
        let (key, value) = self.current.take().expect("serde asks for a value only after its key");
        let field = self.reader.field.key(key);
        let member = Reader { value, field: field.clone(), cx: self.reader.cx };
        seed.deserialize(member).map_err(|error| error.at(&field))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use std::path::PathBuf;

    use super::*;
    use crate::json::decode;
    use crate::read_cx::Plain;
    use crate::units::Period;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "the fields are only read into")]
    struct Outer {
        every: Period,
        #[serde(default)]
        port: u16,
        #[serde(default)]
        list: Vec<Inner>,
        #[serde(default)]
        mode: Option<Mode>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "the fields are only read into")]
    struct Inner {
        size: i32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        Fast,
        Slow,
    }

    fn failure(text: &str) -> (String, Mismatch) {
        let value = decode(text.as_bytes()).expect("JSON");
        let error = read::<Outer>(&value, &Plain).expect_err("it must not fit");
        (error.field.to_string(), error.mismatch)
    }

    #[test]
    fn each_mismatch_names_its_field() {
        let unknown = Mismatch::UnknownField("sise".into(), &["size"]);
        assert_eq!(
            failure(r#"{"every":"5s","list":[{"size":1},{"sise":2}]}"#),
            ("list[1].sise".into(), unknown)
        );
        let missing = Mismatch::MissingField("size");
        assert_eq!(failure(r#"{"every":"5s","list":[{}]}"#), ("list[0]".into(), missing));
        let wrong = Mismatch::WrongType("string `x`".into(), "i32".into());
        assert_eq!(failure(r#"{"every":"5s","list":[{"size":"x"}]}"#), ("list[0].size".into(), wrong));
        let variant = Mismatch::UnknownVariant("fats".into(), &["fast", "slow"]);
        assert_eq!(failure(r#"{"every":"5s","mode":"fats"}"#), ("mode".into(), variant));
        let refused = Mismatch::Refused("`5` has no unit; write for example `5s`".into());
        assert_eq!(failure(r#"{"every":5}"#), ("every".into(), refused));
    }

    #[test]
    fn text_from_a_variable_becomes_what_the_field_wants() {
        struct Variable;
        impl ReadCx for Variable {
            fn resolve(&self, _: &FieldPath, path: &str) -> PathBuf {
                PathBuf::from(path)
            }
            fn is_variable(&self, field: &FieldPath) -> bool {
                field.to_string() == "port"
            }

            fn conceal(&self, _: &FieldPath) {}
        }
        let value = decode(br#"{"every":"5s","port":"8883"}"#).expect("JSON");
        assert_eq!(read::<Outer>(&value, &Variable).expect("it fits").port, 8883);
        assert!(read::<Outer>(&value, &Plain).is_err());
    }
}
