//! Quantities with their units, as people write them in YAML: `5s`, `1m30s`, `64MiB`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// A span of time, written with units: `250ms`, `5s`, `1m30s`, `24h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(pub Duration);

/// A number of bytes, written with a unit: `512B`, `64KiB`, `10MB`, `1GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// Why a text is no quantity. The message ends in a form that would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No unit stands behind the number.
    #[error("`{text}` has no unit; write for example `{example}`")]
    NoUnit {
        /// What was written.
        text: String,
        /// What could be meant.
        example: String,
    },
    /// The unit is not one of those known.
    #[error("`{unit}` is no unit of {what}; use one of {known}")]
    Unknown {
        /// What was written.
        unit: String,
        /// `time` or `size`.
        what: &'static str,
        /// The units there are.
        known: &'static str,
    },
    /// There is no number where one belongs.
    #[error("`{text}` is no {what}; write for example `{example}`")]
    NoNumber {
        /// What was written.
        text: String,
        /// `duration` or `size`.
        what: &'static str,
        /// A right one.
        example: &'static str,
    },
    /// The quantity does not fit.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

const TIME_UNITS: &[(&str, u64)] = &[
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

const SIZE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

impl Period {
    /// The units, and the nanoseconds in each.
    pub const UNITS: &[(&str, u64)] = TIME_UNITS;
}

impl Size {
    /// The units, and the bytes in each.
    pub const UNITS: &[(&str, u64)] = SIZE_UNITS;
}

impl FromStr for Period {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text.trim() == "0" {
            return Ok(Period(Duration::ZERO));
        }
        let nanos = quantity(text, TIME_UNITS, "time", "duration", "us, ms, s, m, h, d", "5s")?;
        Ok(Period(Duration::from_nanos(nanos)))
    }
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text.trim() == "0" {
            return Ok(Size(0));
        }
        quantity(text, SIZE_UNITS, "size", "size", "B, KiB, MiB, GiB, kB, MB, GB", "10MiB").map(Size)
    }
}

/// Reads a sum of numbers with units into the smallest unit.
fn quantity(
    text: &str,
    units: &[(&str, u64)],
    what: &'static str,
    kind: &'static str,
    known: &'static str,
    example: &'static str,
) -> Result<u64, UnitError> {
    let mut rest = text.trim();
    let no_number = || UnitError::NoNumber { text: text.to_owned(), what: kind, example };
    if rest.is_empty() {
        return Err(no_number());
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().map_err(|_| no_number())?;
        let after = rest[digits..].trim_start();
        let letters = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let unit = &after[..letters];
        if unit.is_empty() && after.is_empty() {
            let unit = if what == "time" { "s" } else { "MiB" };
            return Err(UnitError::NoUnit {
                text: text.to_owned(),
                example: format!("{}{unit}", text.trim()),
            });
        }
        let factor = units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
        let factor = factor.ok_or_else(|| UnitError::Unknown { unit: unit.to_owned(), what, known })?;
        let amount = number * factor as f64;
        if amount >= u64::MAX as f64 {
            return Err(UnitError::TooLarge(text.to_owned()));
        }
        total = total.checked_add(amount.round() as u64).ok_or(UnitError::TooLarge(text.to_owned()))?;
        rest = after[letters..].trim_start();
    }
    Ok(total)
}

impl fmt::Display for Period {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        if rest == 0 {
            return formatter.write_str("0s");
        }
        for unit in ["d", "h", "m", "s", "ms", "us"] {
            let factor = TIME_UNITS.iter().find(|(name, _)| *name == unit).map_or(1, |(_, factor)| *factor);
            if rest >= factor {
                write!(formatter, "{}{unit}", rest / factor)?;
                rest %= factor;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, factor) in [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if self.0 > 0 && self.0.is_multiple_of(factor) {
                return write!(formatter, "{}{unit}", self.0 / factor);
            }
        }
        write!(formatter, "{}B", self.0)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        quantity_text(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        quantity_text(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The text of a quantity; a bare number is taken as text too, so that the message can say what is missing.
fn quantity_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Text;
    impl serde::de::Visitor<'_> for Text {
        type Value = String;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a number with a unit, such as `5s` or `10MiB`")
        }

        fn visit_str<E>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_i64<E>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_u64<E>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_f64<E>(self, number: f64) -> Result<String, E> {
            Ok(number.to_string())
        }
    }
    deserializer.deserialize_any(Text)
}

impl JsonSchema for Period {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A span of time with units: `250ms`, `5s`, `1m30s`, `24h`.",
            "pattern": r"^(\s*[0-9.]+\s*(us|µs|ms|s|min|m|h|d)\s*)+$|^0$|\$\{",
            "examples": ["250ms", "5s", "1m30s"]
        })
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A number of bytes with a unit: `512B`, `64KiB`, `10MiB`, `1GB`.",
            "pattern": r"^(\s*[0-9.]+\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)\s*)+$|^0$|\$\{",
            "examples": ["64KiB", "10MiB"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_with_their_units() {
        let period = |text: &str| text.parse::<Period>().map(|period| period.0);
        assert_eq!(period("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(period("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(period("0.5 h"), Ok(Duration::from_secs(1800)));
        assert_eq!("10MiB".parse(), Ok(Size(10 << 20)));
        assert_eq!("1.5kB".parse(), Ok(Size(1500)));
    }

    #[test]
    fn a_quantity_prints_as_it_is_read() {
        for text in ["90ms", "1m30s", "1d2h", "0s"] {
            assert_eq!(text.parse::<Period>().map(|period| period.to_string()), Ok(text.to_owned()));
        }
        for text in ["64MiB", "1000B", "3KiB"] {
            assert_eq!(text.parse::<Size>().map(|size| size.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_wrong_quantity_says_what_would_be_right() {
        let message = |text: &str| text.parse::<Period>().map_err(|error| error.to_string());
        assert_eq!(message("5"), Err("`5` has no unit; write for example `5s`".into()));
        assert_eq!(
            message("5 parsec"),
            Err("`parsec` is no unit of time; use one of us, ms, s, m, h, d".into())
        );
        assert_eq!(message("soon"), Err("`soon` is no duration; write for example `5s`".into()));
        assert_eq!(message("99999999999d"), Err("`99999999999d` is too large".into()));
    }
}
