//! [`Letter`]: a failed event with the reason, as the value a dead letter sink gets and as a line of a file.
//!
//! A line is JSON that a person can read. What JSON cannot say, such as bytes or NaN, is shown there as well as
//! it can be, and the member `exact` has the event as it was: base64 of the record a disk buffer would keep.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use fieldline_compiler::NodeId;
use fieldline_core::{Map, Meta, Redactor, Value, json, rfc3339};
use jiff::Timestamp;

use crate::record::{self, RecordError};

/// An event that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// When it failed.
    pub time: Timestamp,
    /// The node that failed it.
    pub node: NodeId,
    /// By which of its inputs the event came, written as under `inputs`; only for a node with several.
    pub input: Option<String>,
    /// A bounded word, such as `script_error`.
    pub reason: String,
    /// What went wrong, for a person.
    pub message: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The event's metadata.
    pub meta: Meta,
    /// The event's body.
    pub body: Value,
}

/// Why a line is no letter.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// It is no JSON.
    #[error("{0}")]
    Json(#[from] json::JsonError),
    /// A member is missing or of another kind.
    #[error("`{0}` is missing or is not what a dead letter has there")]
    Member(&'static str),
    /// The member `exact` is damaged.
    #[error("`exact` is damaged: {0}")]
    Exact(String),
}

/// Why a letter cannot be written as a line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    /// What the event is, exactly, cannot be told.
    #[error(transparent)]
    Exact(#[from] RecordError),
    /// It cannot be shown as JSON.
    #[error(transparent)]
    Json(#[from] json::JsonError),
}

impl Letter {
    /// Reads one line of a dead letter file.
    pub fn read(line: &str) -> Result<Letter, LetterError> {
        let value = json::decode(line.as_bytes())?;
        let map = value.as_map().ok_or(LetterError::Member("node"))?;
        let text =
            |name: &'static str| map.get(name).and_then(Value::as_text).ok_or(LetterError::Member(name));
        let attempts = map.get("attempts").and_then(Value::as_i64);
        let (meta, body) = match map.get("exact") {
            Some(exact) => exact_event(exact)?,
            None => {
                let meta = map.get("meta").and_then(Value::as_map).ok_or(LetterError::Member("meta"))?;
                (read_meta(meta)?, map.get("body").cloned().ok_or(LetterError::Member("body"))?)
            }
        };
        let (pipeline, node) = text("node")?.split_once('/').ok_or(LetterError::Member("node"))?;
        Ok(Letter {
            time: text("time")?.parse().map_err(|_| LetterError::Member("time"))?,
            node: NodeId::new(pipeline, node),
            input: map.get("input").and_then(Value::as_text).map(str::to_owned),
            reason: text("reason")?.to_owned(),
            message: text("message")?.to_owned(),
            attempts: attempts.and_then(|n| n.try_into().ok()).ok_or(LetterError::Member("attempts"))?,
            meta,
            body,
        })
    }

    /// Takes secrets out of the message, and long ones out of the event.
    pub(crate) fn redact(&mut self, redactor: &Redactor) {
        redactor.clean(&mut self.message);
        redactor.meta(&mut self.meta);
        redactor.data(&mut self.body);
    }

    /// The letter as one value: what a dead letter sink gets.
    pub(crate) fn into_value(self) -> Value {
        let input = self.input.map(|input| ("input", Value::from(input)));
        let members = [("time", Value::from(rfc3339(self.time))), ("node", Value::from(self.node.as_str()))];
        let rest = [
            ("reason", Value::from(self.reason)),
            ("message", Value::from(self.message)),
            ("attempts", Value::Int(i64::from(self.attempts))),
            ("meta", Value::Map(self.meta.to_map())),
            ("body", self.body),
        ];
        let members = members.into_iter().chain(input).chain(rest);
        Value::Map(members.map(|(name, value)| (name.into(), value)).collect())
    }

    /// The letter as a line, without its end.
    pub(crate) fn into_line(self) -> Result<Vec<u8>, LineError> {
        let record = record::encode(&self.meta, &self.body);
        let value = self.into_value();
        let mut shown = readable(&value);
        if shown != value
            && let Some(map) = shown.as_map_mut()
        {
            let exact = BASE64.encode(record?);
            map.insert("exact".into(), Value::from(exact));
        }
        Ok(json::encode(&shown)?)
    }
}

fn exact_event(exact: &Value) -> Result<(Meta, Value), LetterError> {
    let text = exact.as_text().ok_or(LetterError::Member("exact"))?;
    let bytes = BASE64.decode(text).map_err(|error| LetterError::Exact(error.to_string()))?;
    record::decode(&bytes).map_err(|error| LetterError::Exact(error.to_string()))
}

/// The reverse of [`Meta::to_map`].
fn read_meta(map: &Map) -> Result<Meta, LetterError> {
    let text = |name: &str| map.get(name).and_then(Value::as_text);
    let time = text("time").and_then(|time| time.parse().ok()).ok_or(LetterError::Member("meta.time"))?;
    let source = text("source").ok_or(LetterError::Member("meta.source"))?;
    let mut meta = Meta::new(time, source.into());
    meta.sequence = map.get("sequence").and_then(Value::as_i64).map(|sequence| sequence as u64);
    meta.topic = text("topic").map(Into::into);
    let is_standard = |name: &str| ["time", "source", "sequence", "topic"].contains(&name);
    meta.fields = map
        .iter()
        .filter(|(name, _)| !is_standard(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Ok(meta)
}

/// The value with bytes as base64 and `null` for numbers that are none.
fn readable(value: &Value) -> Value {
    match value {
        Value::Bytes(bytes) => Value::from(BASE64.encode(bytes)),
        Value::Float(number) if !number.is_finite() => Value::Null,
        Value::List(list) => Value::List(list.iter().map(readable).collect()),
        Value::Map(map) => {
            Value::Map(map.iter().map(|(key, value)| (key.clone(), readable(value))).collect())
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn letter(body: Value) -> Letter {
        let time: Timestamp = "2026-02-15T16:43:16.226983Z".parse().expect("a time");
        let mut meta = Meta::new(time, "air".into());
        meta.sequence = Some(7);
        meta.topic = Some("line1/air".into());
        meta.fields.insert("qos".into(), Value::Int(1));
        let (reason, message) = ("script_error".into(), "division by zero".into());
        let (node, input) = (NodeId::new("line1", "script"), Some("sorted.rest".into()));
        Letter { time, node, input, reason, message, attempts: 3, meta, body }
    }

    fn line(letter: Letter) -> String {
        String::from_utf8(letter.into_line().expect("it can be written")).expect("JSON")
    }

    #[test]
    fn a_letter_is_read_as_it_was_written() {
        let body = Value::from([("temperature", 21.5.into()), ("status", "ok".into())]);
        let written = line(letter(body.clone()));
        assert!(!written.contains("exact"), "{written}");
        assert_eq!(Letter::read(&written).expect("a letter"), letter(body.clone()));
        let of_one_input = Letter { input: None, ..letter(body) };
        assert_eq!(Letter::read(&line(of_one_input.clone())).expect("a letter"), of_one_input);
    }

    #[test]
    fn bytes_and_numbers_json_cannot_say_come_back_too() {
        for body in [
            Value::Bytes(Bytes::from_static(&[0, 159, 146, 150])),
            Value::from([("raw", Value::Bytes(Bytes::from_static(b"abc"))), ("n", f64::INFINITY.into())]),
        ] {
            assert_eq!(Letter::read(&line(letter(body.clone()))).expect("a letter"), letter(body));
        }
    }

    #[test]
    fn what_is_no_letter_is_refused_by_the_member_that_is_wrong() {
        let check = |line: &str, expected: &str| {
            assert_eq!(Letter::read(line).expect_err("it is none").to_string(), expected);
        };
        check("{\"node\":\"a/b\"}", "`meta` is missing or is not what a dead letter has there");
        check("[]", "`node` is missing or is not what a dead letter has there");
        check("{\"exact\":\"!\"}", "`exact` is damaged: Invalid symbol 33, offset 0.");
        assert!(matches!(Letter::read("{"), Err(LetterError::Json(_))));
    }
}
