//! [`TimeForm`]: how a time is written, and the one reader of times for sources, transforms, scripts and tests.

use std::borrow::Cow;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::{Offset, TimeZone};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};

use crate::value::Value;

/// The most characters of a text that a message repeats.
const MOST_SHOWN: usize = 60;

/// The unit of a number that counts from 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

impl TimeUnit {
    /// The unit in which a number of this size is a date between 1973 and 5138.
    fn of_size(number: f64) -> Self {
        match number.abs() {
            size if size < 1e11 => TimeUnit::S,
            size if size < 1e14 => TimeUnit::Ms,
            size if size < 1e17 => TimeUnit::Us,
            _ => TimeUnit::Ns,
        }
    }

    fn nanos(self) -> i64 {
        match self {
            TimeUnit::S => 1_000_000_000,
            TimeUnit::Ms => 1_000_000,
            TimeUnit::Us => 1_000,
            TimeUnit::Ns => 1,
        }
    }
}

/// The offset from UTC of times that are written without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Offset);

impl Zone {
    /// Universal time.
    pub const UTC: Zone = Zone(Offset::UTC);
}

impl FromStr for Zone {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        if text.eq_ignore_ascii_case("utc") {
            return Ok(Zone::UTC);
        }
        let parsed = strtime::parse("%:z", text).ok().and_then(|time| time.offset());
        parsed.map(Zone).ok_or_else(|| TimeError::NoZone(shown(text)))
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Zone {
    fn schema_name() -> Cow<'static, str> {
        "Zone".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The zone of times that are written without one: `utc`, or an offset such as `+02:00`.",
            "examples": ["utc", "+02:00"]
        })
    }
}

/// Why something is no time. The message holds what was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// It is not written as a time.
    #[error("`{0}` is no time; write it like `2026-01-01T00:00:00Z`")]
    NotRead(String),
    /// It is not written in the format that is asked for.
    #[error("`{text}` is not written as `{format}`: {reason}")]
    OtherFormat {
        /// What was read.
        text: String,
        /// The format.
        format: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is a date and a time of day, and nothing says where.
    #[error("`{0}` has no zone; state it with `zone: utc` or `zone: \"+02:00\"`")]
    Unplaced(String),
    /// It lies outside the calendar.
    #[error("`{0}` is outside the years 1 to 9999")]
    OutOfRange(String),
    /// A format cannot be understood, or does not say a date.
    #[error("`{format}` is no format of a time: {reason}")]
    NoFormat {
        /// The format.
        format: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is the name of no zone that is known.
    #[error("`{0}` is no zone; write `utc` or an offset such as `+02:00` (names of places are not known)")]
    NoZone(String),
}

/// How a time is written. The default form is RFC 3339, or a number since 1970 whose unit is told by its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeForm {
    format: Option<String>,
    zone: Option<Zone>,
    unit: Option<TimeUnit>,
}

impl TimeForm {
    /// Times written in `format`, with the signs of `strptime`; those without an offset are in `zone`, and numbers
    /// count in `unit`.
    ///
    /// # Errors
    /// If a date and a time written in `format` cannot be read again.
    pub fn new(
        format: Option<String>,
        zone: Option<Zone>,
        unit: Option<TimeUnit>,
    ) -> Result<Self, TimeError> {
        let form = TimeForm { format, zone, unit };
        let Some(format) = &form.format else { return Ok(form) };
        let wrong = |reason: String| TimeError::NoFormat { format: format.clone(), reason };
        let sample = Timestamp::UNIX_EPOCH.to_zoned_datetime(TimeZone::UTC);
        let text = strtime::format(format, &sample).map_err(|error| wrong(error.to_string()))?;
        match form.formatted(&text, format) {
            Ok(_) => Ok(form),
            Err(TimeError::Unplaced(_)) => {
                Err(wrong("it has no offset such as `%z`, and no `zone` is stated".to_owned()))
            }
            Err(TimeError::OtherFormat { reason, .. }) => Err(wrong(reason)),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// The time that `value` says: whole numbers exactly, those with a fraction to the microsecond.
    ///
    /// # Errors
    /// If it says none.
    pub fn read(&self, value: &Value) -> Result<Timestamp, TimeError> {
        match (value, &self.format) {
            (Value::Text(text), Some(format)) => self.formatted(text.trim(), format),
            (Value::Int(number), Some(format)) => self.formatted(&number.to_string(), format),
            (Value::Text(text), None) => self.text(text.trim()),
            (Value::Int(number), None) => self.whole(*number),
            (Value::Float(number), None) => self.fraction(*number),
            _ => Err(TimeError::NotRead(shown(&written(value)))),
        }
    }

    fn formatted(&self, text: &str, format: &str) -> Result<Timestamp, TimeError> {
        let wrong = |error: jiff::Error| TimeError::OtherFormat {
            text: shown(text),
            format: format.to_owned(),
            reason: error.to_string(),
        };
        let parsed = BrokenDownTime::parse(format, text).map_err(wrong)?;
        if parsed.offset().is_some() || parsed.timestamp().is_some() {
            return parsed.to_timestamp().map_err(wrong);
        }
        self.placed(parsed.to_datetime().map_err(wrong)?, text)
    }

    fn text(&self, text: &str) -> Result<Timestamp, TimeError> {
        if let Ok(time) = text.parse() {
            return Ok(time);
        }
        if self.unit.is_some() {
            if let Ok(number) = text.parse() {
                return self.whole(number);
            }
            if let Ok(number) = text.parse() {
                return self.fraction(number);
            }
        }
        match text.parse() {
            Ok(time) => self.placed(time, text),
            Err(_) => Err(TimeError::NotRead(shown(text))),
        }
    }

    fn placed(&self, time: DateTime, text: &str) -> Result<Timestamp, TimeError> {
        let Some(Zone(offset)) = self.zone else { return Err(TimeError::Unplaced(shown(text))) };
        offset.to_timestamp(time).map_err(|_| TimeError::OutOfRange(shown(text)))
    }

    fn whole(&self, number: i64) -> Result<Timestamp, TimeError> {
        let unit = self.unit.unwrap_or_else(|| TimeUnit::of_size(number as f64));
        Timestamp::from_nanosecond(i128::from(number) * i128::from(unit.nanos()))
            .map_err(|_| TimeError::OutOfRange(number.to_string()))
    }

    /// A float has about a microsecond of today's times; what lies below is no measurement.
    fn fraction(&self, number: f64) -> Result<Timestamp, TimeError> {
        let unit = self.unit.unwrap_or_else(|| TimeUnit::of_size(number));
        let micros = match unit {
            TimeUnit::Ns => number / 1e3,
            unit => number * (unit.nanos() / 1_000) as f64,
        };
        let outside = || TimeError::OutOfRange(number.to_string());
        if micros.is_nan() || micros.abs() >= i64::MAX as f64 {
            return Err(outside());
        }
        Timestamp::from_microsecond(micros.round() as i64).map_err(|_| outside())
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Float(number) => number.to_string(),
        value => format!("a {}", value.kind()),
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(format: Option<&str>, zone: Option<&str>, unit: Option<TimeUnit>) -> TimeForm {
        let zone = zone.map(|zone| zone.parse().expect("a zone"));
        TimeForm::new(format.map(str::to_owned), zone, unit).expect("a form")
    }

    fn utc(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_number_is_told_apart_by_its_size_and_exact() {
        let form = TimeForm::default();
        let wanted = utc("2020-02-15T16:43:16.25Z");
        let (s, ms) = (1_581_784_996_i64, 1_581_784_996_250_i64);
        let same: [Value; 7] = [
            "2020-02-15T17:43:16.25+01:00".into(),
            1_581_784_996.25.into(),
            ms.into(),
            (ms as f64).into(),
            (ms * 1_000).into(),
            (ms * 1_000_000).into(),
            (ms as f64 * 1e6).into(),
        ];
        for value in same {
            assert_eq!(form.read(&value), Ok(wanted), "{value:?}");
        }
        assert_eq!(form.read(&s.into()), Ok(utc("2020-02-15T16:43:16Z")));
        for step in 0..1_000 {
            let exact = Timestamp::from_millisecond(ms + step).expect("a time");
            assert_eq!(form.read(&(ms + step).into()), Ok(exact));
            assert_eq!(form.read(&((ms + step) as f64).into()), Ok(exact));
            assert_eq!(form.read(&((ms + step) as f64 / 1e3).into()), Ok(exact));
        }
    }

    #[test]
    fn a_stated_unit_counts_at_any_size() {
        let wanted = utc("1970-01-01T00:00:01.5Z");
        assert_eq!(form(None, None, Some(TimeUnit::Ms)).read(&Value::Int(1500)), Ok(wanted));
        assert_eq!(form(None, None, Some(TimeUnit::Us)).read(&"1500000".into()), Ok(wanted));
        assert_eq!(form(None, None, Some(TimeUnit::S)).read(&"1.5".into()), Ok(wanted));
    }

    #[test]
    fn a_time_without_a_zone_is_read_in_the_stated_one_only() {
        let wanted = utc("2020-02-15T14:43:16Z");
        let there = form(None, Some("+02:00"), None);
        assert_eq!(there.read(&"2020-02-15 16:43:16".into()), Ok(wanted));
        assert_eq!(there.read(&"2020-02-15T14:43:16Z".into()), Ok(wanted));
        let error = TimeForm::default().read(&"2020-02-15 16:43:16".into());
        assert_eq!(error, Err(TimeError::Unplaced("2020-02-15 16:43:16".into())));
    }

    #[test]
    fn a_format_reads_texts_and_numbers_written_so() {
        let german = form(Some("%d.%m.%Y %H:%M:%S"), Some("utc"), None);
        assert_eq!(german.read(&"15.02.2020 16:43:16".into()), Ok(utc("2020-02-15T16:43:16Z")));
        assert!(german.read(&"2020-02-15T16:43:16Z".into()).is_err());
        let compact = form(Some("%Y%m%d%H%M%S"), Some("utc"), None);
        assert_eq!(compact.read(&Value::Int(20_200_215_164_316)), Ok(utc("2020-02-15T16:43:16Z")));
        let with_offset = form(Some("%Y-%m-%d %H:%M:%S %z"), None, None);
        assert_eq!(with_offset.read(&"2020-02-15 16:43:16 +0100".into()), Ok(utc("2020-02-15T15:43:16Z")));
    }

    #[test]
    fn what_says_no_time_is_refused_with_what_was_read() {
        let form = TimeForm::default();
        let values: [Value; 6] =
            [Value::Null, "noon".into(), true.into(), f64::NAN.into(), 1e300.into(), "1581784996".into()];
        for value in values {
            assert!(form.read(&value).is_err(), "{value:?}");
        }
        let message = form.read(&"noon".into()).expect_err("no time").to_string();
        assert_eq!(message, "`noon` is no time; write it like `2026-01-01T00:00:00Z`");
    }

    #[test]
    fn a_format_that_says_no_date_or_zone_is_none() {
        let of = |format: &str, zone: Option<&str>| {
            let zone = zone.map(|zone| zone.parse().expect("a zone"));
            TimeForm::new(Some(format.to_owned()), zone, None).map_err(|error| error.to_string())
        };
        assert!(of("%H:%M", Some("utc")).is_err());
        assert!(of("%Y-%m-%d %J", Some("utc")).is_err());
        assert!(of("%Y-%m-%d %H:%M", None).expect_err("no zone").contains("no `zone` is stated"));
        assert!("Europe/Berlin".parse::<Zone>().expect_err("a place").to_string().contains("`+02:00`"));
    }
}
