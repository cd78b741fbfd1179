//! A JSON number kept as its text and compared by its value.

use std::fmt;

/// A number as written: `1.50` stays `1.50`, and equals `1.5` and `15e-1`.
#[derive(Debug, Clone)]
pub struct Number(Box<str>);

impl Number {
    /// Takes text that the parser has already found to be a JSON number.
    pub(super) fn from_checked_text(text: &str) -> Self {
        Number(text.into())
    }

    /// The number nearest to `value`, or `None` for infinities and NaN, which JSON cannot write.
    pub fn from_f64(value: f64) -> Option<Self> {
        value.is_finite().then(|| Number(format!("{value:?}").into()))
    }

    /// The digits as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is written as an integer: neither fraction nor exponent.
    pub fn is_integer(&self) -> bool {
        !self.0.contains(['.', 'e', 'E'])
    }

    /// The value, if it is written as an integer from 0 to 2^64-1.
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The nearest `f64`, possibly infinite.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().expect("JSON number text is a subset of what f64 reads")
    }

    pub(super) fn to_serde_json(&self) -> Option<serde_json::Number> {
        if self.is_integer() && &*self.0 != "-0" {
            if let Ok(value) = self.0.parse::<i64>() {
                return Some(value.into());
            }
            if let Some(value) = self.as_u64() {
                return Some(value.into());
            }
        }
        serde_json::Number::from_f64(self.to_f64())
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
            || match (Decimal::of(&self.0), Decimal::of(&other.0)) {
                (Some(left), Some(right)) => left == right,
                _ => false,
            }
    }
}

impl Eq for Number {}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Number(value.to_string().into())
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Number(value.to_string().into())
    }
}

impl From<serde_json::Number> for Number {
    fn from(number: serde_json::Number) -> Self {
        Number(number.to_string().into())
    }
}

/// `±0.digits × 10^exponent` with neither leading nor trailing zeros, so that equal values are equal structs.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// `None` if the exponent does not fit 64 bits.
    fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let negative = mantissa.starts_with('-');
        let mantissa = mantissa.trim_start_matches('-');
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let without_leading = all.trim_start_matches('0');
        let digits = without_leading.trim_end_matches('0');
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits: String::new(), exponent: 0 });
        }
        let leading = i64::try_from(all.len() - without_leading.len()).ok()?;
        let point = i64::try_from(whole.len()).ok()?.checked_sub(leading)?;
        Some(Decimal { negative, digits: digits.to_owned(), exponent: exponent.checked_add(point)? })
    }
}

#[cfg(test)]
mod tests {
    use super::Number;

    fn number(text: &str) -> Number {
        Number::from_checked_text(text)
    }

    #[test]
    fn numbers_are_equal_when_their_values_are() {
        for (left, right) in
            [("1", "1.0"), ("100", "1e2"), ("0.05", "5E-2"), ("-0", "0.0"), ("120.0", "1.2e+2")]
        {
            assert_eq!(number(left), number(right), "{left} and {right}");
        }
    }

    #[test]
    fn neighbours_beyond_the_precision_of_f64_differ() {
        assert_ne!(number("9007199254740993"), number("9007199254740992"));
        assert_ne!(number("0.1"), number("0.10000000000000000555"));
        assert_ne!(number("-1"), number("1"));
        assert_ne!(number("10"), number("1"));
    }

    #[test]
    fn an_exponent_beyond_64_bits_equals_only_itself() {
        assert_eq!(number("1e99999999999999999999"), number("1e99999999999999999999"));
        assert_ne!(number("1e99999999999999999999"), number("10e99999999999999999998"));
    }

    #[test]
    fn floats_that_json_cannot_write_have_no_number() {
        assert!(Number::from_f64(f64::NAN).is_none());
        assert_eq!(Number::from_f64(21.5).map(|number| number.to_string()).as_deref(), Some("21.5"));
    }
}
