//! [`Setting`]: what of a component may be changed while it runs, as data; and [`Settings`], the values in force.
//!
//! A component declares its settings in [`Config::SETTINGS`](crate::Config::SETTINGS), says in its facts how they
//! are configured, and takes new values through `adjust`. Who may change what, and for how long, is the driver's.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::units::Period;
use crate::value::Value;

/// Something of a component that may be changed while it runs.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name, that of the config field it overrides.
    pub name: &'static str,
    /// One sentence, with a full stop.
    pub summary: &'static str,
    /// What it may be.
    pub shape: Shape,
}

/// What values a setting may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// `true` or `false`.
    Truth,
    /// A whole number from `min` to `max`.
    Count {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
        /// What is counted, such as `events`.
        unit: &'static str,
    },
    /// A span of time from `min` to `max`.
    Period {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// A list of some of these words, each once, at least one.
    Some(&'static [&'static str]),
}

/// Why a value is none for a setting. The message says what would be one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingError {
    /// It is of another type.
    #[error("`{name}` is {expected}")]
    WrongType {
        /// The setting.
        name: &'static str,
        /// What it is instead.
        expected: String,
    },
    /// It is too small or too large.
    #[error("`{name}` is {bounds}")]
    OutOfBounds {
        /// The setting.
        name: &'static str,
        /// What it must be.
        bounds: String,
    },
}

impl SettingError {
    /// A bounded word for metrics and answers.
    pub fn reason(&self) -> &'static str {
        match self {
            SettingError::WrongType { .. } => "wrong_type",
            SettingError::OutOfBounds { .. } => "out_of_bounds",
        }
    }
}

impl Setting {
    /// The value as it is kept and shown, so that equal settings are equal values.
    ///
    /// # Errors
    /// If it is of another type or out of bounds.
    pub fn check(&self, value: &Value) -> Result<Value, SettingError> {
        let (name, expected) = (self.name, || self.shape.to_string());
        let wrong_type = || SettingError::WrongType { name, expected: expected() };
        let (value, fits) = match self.shape {
            Shape::Truth => (value.as_bool().map(Value::Bool), true),
            Shape::Count { min, max, .. } => {
                let number = value.as_i64().ok_or_else(wrong_type)?;
                (Some(value.clone()), (min..=max).contains(&number))
            }
            Shape::Period { min, max } => {
                let period: Period =
                    value.as_text().and_then(|text| text.parse().ok()).ok_or_else(wrong_type)?;
                (Some(period.to_string().into()), (min..=max).contains(&period.0))
            }
            Shape::Some(words) => {
                let list = value.as_list().ok_or_else(wrong_type)?;
                let known = |value: &Value| value.as_text().is_some_and(|text| words.contains(&text));
                let repeated = (1..list.len()).any(|end| list[..end].contains(&list[end]));
                (Some(value.clone()), !list.is_empty() && !repeated && list.iter().all(known))
            }
        };
        let value = value.ok_or_else(wrong_type)?;
        if fits { Ok(value) } else { Err(SettingError::OutOfBounds { name, bounds: expected() }) }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Shape::Truth => formatter.write_str("true or false"),
            Shape::Count { min, max, unit } => write!(formatter, "a number from {min} to {max} {unit}"),
            Shape::Period { min, max } => {
                write!(formatter, "a duration from {} to {}", Period(*min), Period(*max))
            }
            Shape::Some(words) => {
                write!(formatter, "a list of some of {}, each once", words.join(", "))
            }
        }
    }
}

/// A value for each setting of a component.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(pub BTreeMap<&'static str, Value>);

impl Settings {
    /// The value of a setting that is true or false.
    pub fn truth(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    /// The value of a setting that is a whole number.
    pub fn count(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    /// The value of a setting that is a span of time.
    pub fn period(&self, name: &str) -> Option<Duration> {
        let period: Period = self.0.get(name)?.as_text()?.parse().ok()?;
        Some(period.0)
    }

    /// The value of a setting that is some words.
    pub fn words(&self, name: &str) -> Option<impl Iterator<Item = &str>> {
        Some(self.0.get(name)?.as_list()?.iter().filter_map(Value::as_text))
    }
}

impl<const N: usize> From<[(&'static str, Value); N]> for Settings {
    fn from(values: [(&'static str, Value); N]) -> Self {
        Settings(values.into())
    }
}

impl From<&Settings> for Value {
    fn from(settings: &Settings) -> Self {
        Value::Map(settings.0.iter().map(|(name, value)| ((*name).into(), value.clone())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(shape: Shape) -> Setting {
        Setting { name: "it", summary: "A test.", shape }
    }

    #[test]
    fn a_value_is_kept_in_one_form() {
        let every =
            setting(Shape::Period { min: Duration::from_millis(100), max: Duration::from_secs(3600) });
        assert_eq!(every.check(&"60 s".into()), Ok("1m".into()));
        assert_eq!(setting(Shape::Truth).check(&true.into()), Ok(true.into()));
    }

    #[test]
    fn what_does_not_fit_is_told_what_would() {
        let every = Shape::Period { min: Duration::from_millis(100), max: Duration::from_secs(3600) };
        let number = Shape::Count { min: 1, max: 4, unit: "events" };
        let some = Shape::Some(&["temperature", "gas"]);
        let list = |words: &[&str]| Value::List(words.iter().map(|word| Value::from(*word)).collect());
        for (shape, value, reason, message) in [
            (every, Value::Int(5), "wrong_type", "`it` is a duration from 100ms to 1h"),
            (every, "5ms".into(), "out_of_bounds", "`it` is a duration from 100ms to 1h"),
            (Shape::Truth, "yes".into(), "wrong_type", "`it` is true or false"),
            (number, Value::Int(5), "out_of_bounds", "`it` is a number from 1 to 4 events"),
            (
                some,
                list(&["smell"]),
                "out_of_bounds",
                "`it` is a list of some of temperature, gas, each once",
            ),
            (
                some,
                list(&["gas", "gas"]),
                "out_of_bounds",
                "`it` is a list of some of temperature, gas, each once",
            ),
            (some, list(&[]), "out_of_bounds", "`it` is a list of some of temperature, gas, each once"),
        ] {
            let error = setting(shape).check(&value).expect_err("it does not fit");
            assert_eq!((error.reason(), error.to_string().as_str()), (reason, message), "{value:?}");
        }
    }
}
