//! [`Selection`]: what an event says to a shadow. Pure.

use std::borrow::Cow;

use fieldline_core::{ComponentError, FieldPath, Map, Value};
use fieldline_shadow::json::{Json, Object};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};

use crate::shadow::to_json;

/// What a failed reading does to the shadow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OnFail {
    /// Nothing.
    #[default]
    Keep,
    /// Its null fields are removed.
    Null,
}

/// Which fields are reported.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    /// The fields; the whole body without them.
    pub(super) fields: Option<Vec<FieldPath>>,
    /// What an event with `status: fail` does.
    pub(super) on_fail: OnFail,
}

impl Selection {
    /// The members to be set; `None` if this event has nothing to say on purpose.
    ///
    /// # Errors
    /// Permanent: for a body that is no map, has none of the fields, or that JSON cannot say.
    pub(super) fn members_of(&self, body: &Value) -> Result<Option<Object>, ComponentError> {
        let map = body.as_map().ok_or_else(|| {
            ComponentError::permanent("not_a_map", format!("a {} is no shadow state", body.kind()))
        })?;
        let has_failed = map.get("status").and_then(Value::as_text) == Some("fail");
        if has_failed && self.on_fail == OnFail::Keep {
            return Ok(None);
        }
        let selected = match &self.fields {
            None => Cow::Borrowed(body),
            Some(fields) => Cow::Owned(select(body, fields)?),
        };
        match to_json(&selected) {
            Ok(Json::Object(members)) => Ok(Some(members)),
            Ok(_) => unreachable!("a map is an object of JSON"),
            Err(error) => Err(ComponentError::permanent("not_json", error)),
        }
    }
}

fn select(body: &Value, fields: &[FieldPath]) -> Result<Value, ComponentError> {
    let mut selected = Value::Map(Map::default());
    for field in fields {
        if let Some(value) = field.get(body)
            && !field.set(&mut selected, value.clone())
        {
            let message = format!("`{field}` has no place beside the other reported fields");
            return Err(ComponentError::permanent("bad_field", message));
        }
    }
    if selected.as_map().is_some_and(Map::is_empty) {
        let names: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
        let message = format!("the event has no {}", names.join(" or "));
        return Err(ComponentError::permanent("nothing_to_report", message));
    }
    Ok(selected)
}

impl<'de> Deserialize<'de> for OnFail {
    /// In YAML `null` is a value of its own and no text; both are right.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(OnFail::Null),
            Value::Text(text) if text == "null" => Ok(OnFail::Null),
            Value::Text(text) if text == "keep" => Ok(OnFail::Keep),
            _ => Err(D::Error::custom("a failed reading can `keep` what is there, or `null` it")),
        }
    }
}

impl serde::Serialize for OnFail {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            OnFail::Keep => "keep",
            OnFail::Null => "null",
        })
    }
}

impl JsonSchema for OnFail {
    fn schema_name() -> Cow<'static, str> {
        "OnFail".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["keep", "null", null] })
    }
}

#[cfg(test)]
mod tests {
    use fieldline_core::json::decode;

    use super::*;

    /// The members as JSON, or the reason why there are none.
    fn members(fields: &[&str], on_fail: OnFail, body: &str) -> Result<Option<String>, &'static str> {
        let fields: Vec<FieldPath> =
            fields.iter().map(|field| FieldPath::parse(field).expect("a path")).collect();
        let selection = Selection { fields: (!fields.is_empty()).then_some(fields), on_fail };
        let members = selection.members_of(&decode(body.as_bytes()).expect("JSON"));
        members
            .map(|members| members.map(|members| Json::Object(members).to_string()))
            .map_err(|error| error.reason())
    }

    fn some(text: &str) -> Result<Option<String>, &'static str> {
        Ok(Some(text.to_owned()))
    }

    #[test]
    fn fields_keep_their_place_and_their_digits() {
        let body = r#"{"status":"success","temperature":35.48,"fan":{"speed":3,"on":true}}"#;
        assert_eq!(members(&["temperature"], OnFail::Keep, body), some(r#"{"temperature":35.48}"#));
        assert_eq!(members(&["fan.speed"], OnFail::Keep, body), some(r#"{"fan":{"speed":3}}"#));
        assert_eq!(members(&[], OnFail::Keep, body), some(body));
    }

    #[test]
    fn a_failed_reading_keeps_the_shadow_or_nulls_its_field() {
        let body = r#"{"status":"fail","temperature":null}"#;
        assert_eq!(members(&["temperature"], OnFail::Keep, body), Ok(None));
        assert_eq!(members(&["temperature"], OnFail::Null, body), some(r#"{"temperature":null}"#));
    }

    #[test]
    fn what_can_never_be_reported_is_told() {
        assert_eq!(members(&[], OnFail::Keep, "[1]"), Err("not_a_map"));
        assert_eq!(members(&["humidity"], OnFail::Keep, r#"{"a":1}"#), Err("nothing_to_report"));
        assert_eq!(members(&["a", "a.b"], OnFail::Keep, r#"{"a":{"b":1}}"#), some(r#"{"a":{"b":1}}"#));
        assert_eq!(members(&["a[0]", "a[1]"], OnFail::Keep, r#"{"a":[1,2]}"#), Err("bad_field"));
    }
}
