//! [`Template`]: a topic or a path with `{{ event.path }}` and `{{ meta.topic }}` in it, filled in per event.
//!
//! It begins with literal text, and a value can fill part of one level only, but for the levels of a topic within a
//! topic: nothing that an event holds leads out of the place the template was written for.

mod levels;

use std::borrow::Cow;
use std::fmt::Write as _;

use fieldline_core::{Event, EventError, FieldPath, PathError, Value};

use self::levels::Levels;
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
    Levels { levels: Levels, written: String },
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
    /// In a path several levels of a topic stand for one.
    #[error("`{0}` may be several levels; one is `meta.topic[0]`, the last `meta.topic[-1]`")]
    SeveralLevels(String),
    /// Between the brackets behind `meta.topic` stands nothing that names levels.
    #[error(
        "`{0}` names no levels of a topic; write for example `meta.topic[0]`, `meta.topic[1..]` or `meta.topic[..-1]`"
    )]
    NoLevels(String),
    /// Only the topic has levels.
    #[error("`{0}` has no levels, `meta.topic` has")]
    NotATopic(String),
    /// The path behind the dot is wrong.
    #[error(transparent)]
    Path(#[from] PathError),
}

impl Template {
    /// Reads the template of a path, where each value fills one level.
    pub fn parse_path(text: &str) -> Result<Self, TemplateError> {
        Template::parse(text, false)
    }

    /// Reads the template of a topic, where `meta.topic` may fill several levels.
    pub fn parse_topic(text: &str) -> Result<Self, TemplateError> {
        Template::parse(text, true)
    }

    fn parse(text: &str, is_topic: bool) -> Result<Self, TemplateError> {
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
            parts.push(value_part(inside.trim(), is_topic)?);
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

    /// The MQTT topic filter that every rendered topic matches: `+` for each level that an event fills in, `#` where it
    /// may be several.
    pub fn topic_filter(&self) -> String {
        // Characters that no topic may hold stand for values until the levels are known.
        let marked = self.filled(|part| if part.is_one_level() { "\u{1}" } else { "\u{2}" });
        let mut filter = Vec::new();
        for level in marked.split('/') {
            if level.contains('\u{2}') {
                filter.push("#");
                break;
            }
            filter.push(if level.contains('\u{1}') { "+" } else { level });
        }
        filter.join("/")
    }

    /// The text as it would be written, the same for all templates that mean the same.
    pub fn written(&self) -> String {
        let texts = self.parts.iter().map(|part| match part {
            Part::Literal(text) => Cow::Borrowed(text.as_str()),
            Part::Value { written, .. } | Part::Levels { written, .. } => {
                format!("{{{{ {written} }}}}").into()
            }
        });
        texts.collect()
    }

    /// A topic that an event could make of it.
    pub fn sample(&self) -> String {
        self.filled(|_value| "x")
    }

    fn filled(&self, value: impl Fn(&Part) -> &'static str) -> String {
        let texts = self.parts.iter().map(|part| match part {
            Part::Literal(text) => text.as_str(),
            part => value(part),
        });
        texts.collect()
    }

    /// Writes the text for `event` into `text`, whose former content goes. Errors with the reason
    /// `bad_template_value` where a value is missing or must not stand in a level.
    pub fn render(&self, event: &Event, text: &mut String) -> Result<(), EventError> {
        text.clear();
        for part in &self.parts {
            let (written, appended) = match part {
                Part::Literal(literal) => {
                    text.push_str(literal);
                    continue;
                }
                Part::Value { lookup, written } => {
                    let value = lookup.get(event).unwrap_or(Cow::Owned(Value::Null));
                    (written, append(&value, text))
                }
                Part::Levels { levels, written } => {
                    (written, append_levels(*levels, event.meta().topic.as_deref(), text))
                }
            };
            appended.map_err(|why| {
                EventError::new("bad_template_value", format!("`{{{{ {written} }}}}` {why}"))
            })?;
        }
        Ok(())
    }
}

impl Part {
    /// Whether it never has a `/`.
    fn is_one_level(&self) -> bool {
        match self {
            Part::Literal(_) | Part::Value { .. } => true,
            Part::Levels { levels, .. } => levels.is_one(),
        }
    }
}

fn value_part(text: &str, is_topic: bool) -> Result<Part, TemplateError> {
    let written = text.to_owned();
    let lookup = match text.split_once('.') {
        Some(("event", path)) => Lookup::Body(FieldPath::parse(path)?),
        Some(("meta", "topic")) if is_topic => return Ok(Part::Levels { levels: Levels::ALL, written }),
        Some(("meta", name)) => match name.find('[').map(|bracket| name.split_at(bracket)) {
            None => Lookup::parse(text)?,
            Some(("topic", brackets)) => {
                let Some(levels) = Levels::parse(brackets) else {
                    return Err(TemplateError::NoLevels(written));
                };
                if !is_topic && !levels.is_one() {
                    return Err(TemplateError::SeveralLevels(written));
                }
                return Ok(Part::Levels { levels, written });
            }
            Some(_) => return Err(TemplateError::NotATopic(written)),
        },
        _ => return Err(TemplateError::UnknownRoot(written)),
    };
    Ok(Part::Value { lookup, written })
}

/// Appends levels of the topic of an event, or says why it cannot.
fn append_levels(levels: Levels, topic: Option<&str>, text: &mut String) -> Result<(), &'static str> {
    let topic = topic.ok_or("is absent or null")?;
    let chosen = levels.of(topic).ok_or("is no level of this topic")?;
    let refused = if levels.is_one() {
        refusal(chosen)
    } else if chosen.is_empty() {
        Some("is empty")
    } else {
        let forbidden = |c: char| matches!(c, '+' | '#') || c.is_control();
        chosen.contains(forbidden).then_some("holds `+`, `#` or a control character")
    };
    refused.map_or(Ok(()), Err)?;
    text.push_str(chosen);
    Ok(())
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
        rendered_of(&Template::parse_path(template).expect("a template"), "bme680", body)
    }

    fn rendered_of(template: &Template, topic: &str, body: &str) -> Result<String, String> {
        let mut meta = Meta::new(Timestamp::UNIX_EPOCH, "drying/air".into());
        meta.topic = Some(topic.into());
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
    fn a_topic_may_have_the_levels_of_another() {
        let rendered = |template: &str, topic: &str| {
            rendered_of(&Template::parse_topic(template).expect("a template"), topic, "{}")
        };
        assert_eq!(rendered("back/{{ meta.topic }}", "a/b/c"), Ok("back/a/b/c".into()));
        assert_eq!(rendered("back/{{ meta.topic[1..] }}/x", "a/b/c"), Ok("back/b/c/x".into()));
        assert_eq!(rendered("back/{{ meta.topic[-1] }}", "a/b/c"), Ok("back/c".into()));
        for (template, topic) in [
            ("back/{{ meta.topic[1..] }}", "a"),
            ("back/{{ meta.topic[3] }}", "a/b/c"),
            ("back/{{ meta.topic[0] }}", "/a"),
            ("back/{{ meta.topic }}", "a/+/b"),
            ("back/{{ meta.topic }}", ""),
        ] {
            assert!(rendered(template, topic).is_err(), "{template} of {topic}");
        }
        let whole = Template::parse_path("out/{{ meta.topic }}").expect("a template");
        assert!(rendered_of(&whole, "a/b", "{}").is_err(), "a path has no levels of an event's choice");
    }

    #[test]
    fn what_is_no_template_says_why() {
        let error = |text: &str| Template::parse_path(text).expect_err("no template").to_string();
        assert_eq!(error(""), "it is empty");
        assert_eq!(error("{{ event.a }}/b"), "it must begin with fixed text, not with `{{ … }}`");
        assert_eq!(error("a/{{ event.a"), "a `{{` is not closed by `}}`");
        assert_eq!(error("a/{{ body.a }}"), "`body.a` is neither `event.` nor `meta.` with a name");
        assert_eq!(error("a/{{ event. }}"), "`` is no field path: it is empty");
        assert_eq!(error("a/{{ meta.source[0] }}"), "`meta.source[0]` has no levels, `meta.topic` has");
        assert!(error("a/{{ meta.topic[x] }}").starts_with("`meta.topic[x]` names no levels of a topic"));
        assert!(error("a/{{ meta.topic[1..] }}").starts_with("`meta.topic[1..]` may be several levels"));
    }

    #[test]
    fn the_topic_filter_has_a_plus_for_each_level_an_event_fills_in() {
        let filter = |text: &str| Template::parse_topic(text).expect("a template").topic_filter();
        assert_eq!(filter("a/line{{ event.line }}-x/{{ meta.topic[0] }}/b"), "a/+/+/b");
        assert_eq!(filter("a/{{ event.line }}/b{{ meta.topic }}/c"), "a/+/#");
        assert_eq!(filter("a/{{ meta.topic[1..] }}"), "a/#");
        assert_eq!(filter("a/b"), "a/b");
    }
}
