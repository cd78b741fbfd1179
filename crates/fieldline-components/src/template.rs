//! [`Template`]: a topic or a path with `{{ event.path }}` and `{{ meta.topic }}` in it, filled in per event.
//!
//! It begins with literal text, and a value can fill part of one level only: nothing that an event holds
//! leads out of the place the template was written for.

use std::borrow::Cow;
use std::fmt::Write as _;

use fieldline_core::{Event, EventError, FieldPath, PathError, Value};

use crate::lookup::Lookup;

/// A text with places that events fill in. Parsed once, rendered per event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Value { lookup: Lookup, written: String },
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// There is no text at all.
    #[error("it is empty")]
    Empty,
    /// It begins with a value, so an event could lead anywhere.
    #[error("it must begin with fixed text, not with `{{{{ … }}}}`")]
    NoPrefix,
    /// A `{{` without its `}}`.
    #[error("a `{{{{` is not closed by `}}}}`")]
    NotClosed,
    /// Between the braces stands neither `event.…` nor `meta.…`.
    #[error("`{0}` is neither `event.` nor `meta.` with a name")]
    UnknownRoot(String),
    /// The path behind the dot is wrong.
    #[error(transparent)]
    Path(#[from] PathError),
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.is_empty() {
            return Err(TemplateError::Empty);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, opened)) = rest.split_once("{{") {
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            let (inside, after) = opened.split_once("}}").ok_or(TemplateError::NotClosed)?;
            parts.push(value_part(inside.trim())?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        match parts.first() {
            Some(Part::Literal(_)) => Ok(Template { parts }),
            _ => Err(TemplateError::NoPrefix),
        }
    }

    /// The text, if no event has a say in it.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The MQTT topic filter that every rendered topic matches: `+` for each level that an event fills in.
    pub fn topic_filter(&self) -> String {
        // A character that no topic may hold stands for a value until the levels are known.
        let marked: String = self.parts.iter().map(|part| part.literal().unwrap_or("\0")).collect();
        let levels = marked.split('/').map(|level| if level.contains('\0') { "+" } else { level });
        levels.collect::<Vec<_>>().join("/")
    }

    /// Writes the text for `event` into `text`, whose former content goes. Errors with the reason
    /// `bad_template_value` where a value is missing or must not stand in a level.
    pub fn render(&self, event: &Event, text: &mut String) -> Result<(), EventError> {
        text.clear();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Value { lookup, written } => {
                    let value = lookup.get(event).unwrap_or(Cow::Owned(Value::Null));
                    append(&value, text).map_err(|why| {
                        EventError::new("bad_template_value", format!("`{{{{ {written} }}}}` {why}"))
                    })?;
                }
            }
        }
        Ok(())
    }
}

impl Part {
    fn literal(&self) -> Option<&str> {
        match self {
            Part::Literal(text) => Some(text),
            Part::Value { .. } => None,
        }
    }
}

fn value_part(written: &str) -> Result<Part, TemplateError> {
    let lookup = match written.split_once('.') {
        Some(("event", path)) => Lookup::Body(FieldPath::parse(path)?),
        Some(("meta", _)) => Lookup::parse(written)?,
        _ => return Err(TemplateError::UnknownRoot(written.to_owned())),
    };
    Ok(Part::Value { lookup, written: written.to_owned() })
}

/// Appends a scalar that can stand in one level, or says why it cannot.
fn append(value: &Value, text: &mut String) -> Result<(), &'static str> {
    let written = match value {
        Value::Text(value) => {
            refusal(value).map_or(Ok(()), Err)?;
            text.push_str(value);
            return Ok(());
        }
        Value::Int(number) => write!(text, "{number}"),
        Value::Float(number) if number.is_finite() => write!(text, "{number}"),
        Value::Bool(truth) => write!(text, "{truth}"),
        Value::Null => return Err("is absent or null"),
        Value::Float(_) => return Err("is no finite number"),
        Value::Bytes(_) | Value::List(_) | Value::Map(_) => return Err("is neither text nor number"),
    };
    written.map_err(|_| "cannot be written as text")
}

/// Why a text must not fill a level. No value is empty or begins with a dot, so no level becomes `..`.
fn refusal(value: &str) -> Option<&'static str> {
    if value.is_empty() {
        return Some("is empty");
    }
    if value.starts_with('.') {
        return Some("begins with a dot");
    }
    let forbidden = |c: char| matches!(c, '/' | '\\' | '+' | '#') || c.is_control();
    value.contains(forbidden).then_some("holds `/`, `\\`, `+`, `#` or a control character")
}

#[cfg(test)]
mod tests {
    use fieldline_core::{Door, Meta, Receipt, json};
    use jiff::Timestamp;

    use super::*;

    fn rendered(template: &str, body: &str) -> Result<String, String> {
        let template = Template::parse(template).expect("a template");
        let mut meta = Meta::new(Timestamp::UNIX_EPOCH, "drying/air".into());
        meta.topic = Some("bme680".into());
        let event = Event::new(json::decode(body.as_bytes()).expect("JSON"), meta, Receipt::untracked());
        let mut text = "left over".to_owned();
        let result = template.render(&event, &mut text);
        event.finish(Door::Delivered);
        result.map(|()| text).map_err(|error| error.message.into_owned())
    }

    #[test]
    fn values_of_body_and_metadata_are_filled_in() {
        let body = r#"{"line":22,"station":{"name":"drying"},"value":1.5}"#;
        let text = rendered("factoryA/line{{ event.line }}/{{event.station.name}}/{{ meta.topic }}", body);
        assert_eq!(text, Ok("factoryA/line22/drying/bme680".into()));
        assert_eq!(rendered("a/{{ event.value }}", body), Ok("a/1.5".into()));
        assert_eq!(rendered("plain", body), Ok("plain".into()));
    }

    #[test]
    fn no_value_leads_out_of_its_level() {
        for value in ["a/b", "..", "../etc", ".hidden", "+", "#", "a\\u0000", "a\\nb", "", "a\\\\b"] {
            let result = rendered("out/{{ event.name }}", &format!(r#"{{"name":"{value}"}}"#));
            assert!(result.is_err(), "{value:?} became {result:?}");
        }
        for body in ["{}", r#"{"name":null}"#, r#"{"name":[1]}"#, r#"{"name":{}}"#, "5"] {
            assert!(rendered("out/{{ event.name }}", body).is_err(), "{body}");
        }
        let error = rendered("out/{{ event.name }}", "{}").expect_err("nothing is there");
        assert_eq!(error, "`{{ event.name }}` is absent or null");
    }

    #[test]
    fn what_is_no_template_says_why() {
        let error = |text: &str| Template::parse(text).expect_err("no template").to_string();
        assert_eq!(error(""), "it is empty");
        assert_eq!(error("{{ event.a }}/b"), "it must begin with fixed text, not with `{{ … }}`");
        assert_eq!(error("a/{{ event.a"), "a `{{` is not closed by `}}`");
        assert_eq!(error("a/{{ body.a }}"), "`body.a` is neither `event.` nor `meta.` with a name");
        assert_eq!(error("a/{{ event. }}"), "`` is no field path: it is empty");
    }

    #[test]
    fn the_topic_filter_has_a_plus_for_each_level_an_event_fills_in() {
        let filter = |text: &str| Template::parse(text).expect("a template").topic_filter();
        assert_eq!(filter("a/line{{ event.line }}-x/{{ meta.topic }}/b"), "a/+/+/b");
        assert_eq!(filter("a/b"), "a/b");
    }
}
