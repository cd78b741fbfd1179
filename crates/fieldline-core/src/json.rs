//! JSON text to [`Value`] and back.

use serde::Serialize;

use crate::value::Value;

/// Why a value could not be read from or written as JSON.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The bytes are no JSON; the message has line and column.
    #[error("not JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// JSON has no way to write NaN or an infinity.
    #[error("a number is not finite, and JSON cannot say it")]
    NotFinite,
}

/// Reads one JSON text. Errors where anything but white space follows it.
pub fn decode(bytes: &[u8]) -> Result<Value, JsonError> {
    Ok(serde_json::from_slice(bytes)?)
}

/// Appends the compact JSON of `value` to `buffer`. Bytes are written as a list of numbers.
pub fn encode_into(value: &Value, buffer: &mut Vec<u8>) -> Result<(), JsonError> {
    if !value.is_finite() {
        return Err(JsonError::NotFinite);
    }
    Ok(value.serialize(&mut serde_json::Serializer::new(buffer))?)
}

/// The compact JSON of `value`.
pub fn encode(value: &Value) -> Result<Vec<u8>, JsonError> {
    let mut buffer = Vec::with_capacity(128);
    encode_into(value, &mut buffer)?;
    Ok(buffer)
}

/// The JSON of `value`, cut off behind `most` characters, for a message.
pub(crate) fn brief(value: &Value, most: usize) -> String {
    let text = encode(value).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    if text.chars().count() > most {
        format!("{}…", text.chars().take(most).collect::<String>())
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn member_order_and_the_kind_of_number_survive() {
        let text = br#"{"sequence":25,"value":21.0,"status":"success","n":null,"l":[1,2.5,true]}"#;
        let value = decode(text).expect("JSON");
        assert_eq!(encode(&value).expect("finite"), text);
    }

    #[test]
    fn what_is_no_number_is_refused_instead_of_becoming_null() {
        assert!(matches!(encode(&Value::Float(f64::INFINITY)), Err(JsonError::NotFinite)));
    }

    #[test]
    fn an_integer_that_does_not_fit_is_refused_instead_of_rounded() {
        assert_eq!(decode(b"9223372036854775807").ok(), Some(Value::Int(i64::MAX)));
        for text in ["9223372036854775808", r#"{"n":[18446744073709551615]}"#] {
            let error = decode(text.as_bytes()).expect_err("it does not fit").to_string();
            assert!(error.contains("is above 9223372036854775807, the largest integer"), "{error}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        let text = "[".repeat(200_000);
        assert!(decode(text.as_bytes()).is_err());
    }
}
