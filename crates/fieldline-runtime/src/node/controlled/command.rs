//! [`Command`]: what an event asks of a node's settings. Pure: the event's body in, a command or a refusal out.

use std::collections::BTreeMap;
use std::time::Duration;

use fieldline_compiler::Control;
use fieldline_core::suggest::nearest;
use fieldline_core::{EventError, Map, Period, Setting, Value};

/// The member of a command that says for how long it holds.
const HOLDS: &str = "for";

/// The members of a command that its answer repeats.
const ECHOED: [&str; 2] = ["correlation", "id"];

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Command {
    /// The values by setting; `None` for one that goes back to how it is configured.
    pub(crate) wanted: BTreeMap<&'static str, Option<Value>>,
    /// For how long; for good without it.
    pub(crate) holds: Option<Duration>,
}

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    /// The setting, where it is one alone.
    pub(crate) setting: Option<String>,
    /// The word it is counted by, and a sentence.
    pub(crate) error: EventError,
}

impl Refusal {
    fn of(setting: &str, reason: &'static str, message: String) -> Self {
        Refusal { setting: Some(setting.to_owned()), error: EventError::new(reason, message) }
    }
}

impl From<EventError> for Refusal {
    fn from(error: EventError) -> Self {
        Refusal { setting: None, error }
    }
}

/// Reads what `body` asks for, under the rights of the input it came by.
pub(crate) fn read(body: &Value, settings: &[Setting], control: &Control) -> Result<Command, Refusal> {
    let Some(members) = body.as_map() else {
        let message = format!("a command is a map of settings, not a {}", body.kind());
        return Err(EventError::new("not_a_map", message).into());
    };
    let mut wanted = BTreeMap::new();
    for (name, value) in members.iter().filter(|(name, _)| *name != HOLDS && !ECHOED.contains(&name.as_str()))
    {
        let Some(setting) = settings.iter().find(|setting| setting.name == name) else {
            return Err(unknown(name, settings));
        };
        if !control.allow.contains(&setting.name) {
            return Err(Refusal::of(name, "not_allowed", format!("`{name}` may not be set from here")));
        }
        let value = match value {
            Value::Null => None,
            value => Some(
                setting.check(value).map_err(|error| Refusal::of(name, error.reason(), error.to_string()))?,
            ),
        };
        wanted.insert(setting.name, value);
    }
    if wanted.is_empty() {
        return Err(EventError::new("nothing_asked", "the command names no setting").into());
    }
    Ok(Command { wanted, holds: holds(members, control)? })
}

fn unknown(name: &str, settings: &[Setting]) -> Refusal {
    let meant = nearest(name, settings.iter().map(|setting| setting.name));
    let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    Refusal::of(name, "unknown_setting", format!("there is no setting `{name}`{meant}"))
}

/// How long the command holds: as it says, at most as long as its input may ask for.
fn holds(members: &Map, control: &Control) -> Result<Option<Duration>, Refusal> {
    let Some(asked) = members.get(HOLDS) else { return Ok(control.expires) };
    let period: Option<Period> = asked.as_text().and_then(|text| text.parse().ok());
    let Some(period) = period.filter(|period| !period.0.is_zero()) else {
        return Err(Refusal::of(HOLDS, "wrong_type", "`for` is a duration, such as `10m`".into()));
    };
    match control.expires {
        Some(longest) if period.0 > longest => {
            let message = format!("`for` is at most {}", Period(longest));
            Err(Refusal::of(HOLDS, "out_of_bounds", message))
        }
        _ => Ok(Some(period.0)),
    }
}

/// The members that the answer repeats.
pub(crate) fn echoed(body: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    ECHOED.into_iter().filter_map(|name| Some((name, body.as_map()?.get(name)?)))
}

#[cfg(test)]
mod tests {
    use fieldline_compiler::{Input, NodeId};
    use fieldline_core::{Shape, json};

    use super::*;

    const SETTINGS: &[Setting] = &[
        Setting {
            name: "every",
            summary: "A test.",
            shape: Shape::Period { min: Duration::from_secs(1), max: Duration::from_secs(60) },
        },
        Setting { name: "enabled", summary: "A test.", shape: Shape::Truth },
    ];

    fn check(body: &str, expected: Result<Command, (&str, &str)>) {
        let control = Control {
            input: Input { from: NodeId::new("p", "commands"), port: 0 },
            allow: vec!["every"],
            persist: false,
            expires: Some(Duration::from_secs(3600)),
        };
        let body = json::decode(body.as_bytes()).expect("the test writes JSON");
        let found = read(&body, SETTINGS, &control);
        let found = found.map_err(|refusal| (refusal.error.reason, refusal.error.message.into_owned()));
        assert_eq!(found, expected.map_err(|(reason, message)| (reason, message.to_owned())), "{body:?}");
    }

    #[test]
    fn a_command_says_what_and_for_how_long() {
        let every = |value: Option<&str>| BTreeMap::from([("every", value.map(Value::from))]);
        let hour = Some(Duration::from_secs(3600));
        check(
            r#"{"every":"2000ms","correlation":7}"#,
            Ok(Command { wanted: every(Some("2s")), holds: hour }),
        );
        let minute = Some(Duration::from_secs(60));
        check(r#"{"every":null,"for":"1m"}"#, Ok(Command { wanted: every(None), holds: minute }));
    }

    #[test]
    fn whatever_is_wrong_has_a_word_and_a_sentence() {
        check("[1]", Err(("not_a_map", "a command is a map of settings, not a list")));
        check(r#"{"id":1}"#, Err(("nothing_asked", "the command names no setting")));
        check(
            r#"{"evry":"2s"}"#,
            Err(("unknown_setting", "there is no setting `evry`; did you mean `every`?")),
        );
        check(r#"{"enabled":true}"#, Err(("not_allowed", "`enabled` may not be set from here")));
        check(r#"{"every":"2h"}"#, Err(("out_of_bounds", "`every` is a duration from 1s to 1m")));
        check(r#"{"every":2}"#, Err(("wrong_type", "`every` is a duration from 1s to 1m")));
        check(r#"{"every":"2s","for":"2h"}"#, Err(("out_of_bounds", "`for` is at most 1h")));
        check(r#"{"every":"2s","for":"soon"}"#, Err(("wrong_type", "`for` is a duration, such as `10m`")));
    }
}
