//! Compact JSON text: no white space, members in their order, only the escapes that JSON demands.

use std::fmt;

use super::{Json, Object};

impl fmt::Display for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_value(formatter, self)
    }
}

/// Bytes of the compact text of an object, without building it.
pub fn compact_len(object: &Object) -> usize {
    let mut counter = Counter(0);
    write_object(&mut counter, object).expect("counting cannot fail");
    counter.0
}

struct Counter(usize);

impl fmt::Write for Counter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

fn write_value(out: &mut dyn fmt::Write, value: &Json) -> fmt::Result {
    match value {
        Json::Null => out.write_str("null"),
        Json::Bool(value) => out.write_str(if *value { "true" } else { "false" }),
        Json::Number(number) => out.write_str(number.as_str()),
        Json::String(text) => write_string(out, text),
        Json::Array(items) => write_array(out, items),
        Json::Object(object) => write_object(out, object),
    }
}

fn write_array(out: &mut dyn fmt::Write, items: &[Json]) -> fmt::Result {
    out.write_char('[')?;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.write_char(',')?;
        }
        write_value(out, item)?;
    }
    out.write_char(']')
}

fn write_object(out: &mut dyn fmt::Write, object: &Object) -> fmt::Result {
    out.write_char('{')?;
    for (index, (key, value)) in object.iter().enumerate() {
        if index > 0 {
            out.write_char(',')?;
        }
        write_string(out, key)?;
        out.write_char(':')?;
        write_value(out, value)?;
    }
    out.write_char('}')
}

fn write_string(out: &mut dyn fmt::Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.write_str(&text[plain_from..at])?;
        plain_from = at + 1;
        match byte {
            b'"' => out.write_str("\\\"")?,
            b'\\' => out.write_str("\\\\")?,
            b'\n' => out.write_str("\\n")?,
            b'\r' => out.write_str("\\r")?,
            b'\t' => out.write_str("\\t")?,
            0x08 => out.write_str("\\b")?,
            0x0c => out.write_str("\\f")?,
            control => write!(out, "\\u{control:04x}")?,
        }
    }
    out.write_str(&text[plain_from..])?;
    out.write_char('"')
}
