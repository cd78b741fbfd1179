//! What a plain scalar means: the core schema of YAML 1.2.
//!
//! `no`, `on` and dates are text; `0o10` is 8, `010` is 10, `0x1F` is 31; `1e3` is the number 1000. A whole number
//! too large for 64 bits becomes a float. `.inf` and `.nan` are refused: no field means them.

use crate::text::node::{Content, Style};

/// A plain scalar that means something we do not take.
#[derive(Debug, PartialEq)]
pub(crate) struct NotFinite;

/// Reads an unquoted scalar.
pub(crate) fn plain(text: &str) -> Result<Content, NotFinite> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "true" | "True" | "TRUE" => Content::Bool(true),
        "false" | "False" | "FALSE" => Content::Bool(false),
        _ => match text.strip_prefix(['-', '+']).unwrap_or(text) {
            ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN" => return Err(NotFinite),
            _ => number(text)?.unwrap_or_else(|| Content::Text(text.into(), Style::Plain)),
        },
    })
}

fn number(text: &str) -> Result<Option<Content>, NotFinite> {
    let radix = |digits: &str, radix| {
        let plain = digits.chars().all(|digit| digit.is_digit(radix)) && !digits.is_empty();
        i64::from_str_radix(digits, radix).ok().filter(|_| plain).map(Content::Int)
    };
    if let Some(digits) = text.strip_prefix("0o") {
        return Ok(radix(digits, 8));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return Ok(radix(digits, 16));
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !unsigned.contains(|c: char| c.is_ascii_digit())
    {
        return Ok(None);
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(number) = text.parse()
    {
        return Ok(Some(Content::Int(number)));
    }
    if !unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte)) {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Some(Content::Float(number))),
        Ok(_) => Err(NotFinite),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(text: &str) -> String {
        match plain(text) {
            Ok(Content::Null) => "null".into(),
            Ok(Content::Bool(truth)) => truth.to_string(),
            Ok(Content::Int(number)) => format!("int {number}"),
            Ok(Content::Float(number)) => format!("float {number}"),
            Ok(Content::Text(text, _)) => format!("text {text}"),
            Ok(_) => "a collection".into(),
            Err(NotFinite) => "refused".into(),
        }
    }

    #[test]
    fn plain_scalars_mean_what_yaml_1_2_says() {
        for (text, expected) in [
            ("no", "text no"),
            ("on", "text on"),
            ("True", "true"),
            ("~", "null"),
            ("", "null"),
            ("0o10", "int 8"),
            ("010", "int 10"),
            ("0x1F", "int 31"),
            ("0x", "text 0x"),
            ("0x-1", "text 0x-1"),
            ("1_000", "text 1_000"),
            ("1e3", "float 1000"),
            ("+12", "int 12"),
            ("-.5", "float -0.5"),
            ("1.10", "float 1.1"),
            ("1e", "text 1e"),
            (".", "text ."),
            ("1.2.3", "text 1.2.3"),
            ("12:30:45", "text 12:30:45"),
            ("2026-01-01", "text 2026-01-01"),
            ("99999999999999999999", "float 100000000000000000000"),
            (".nan", "refused"),
            ("-.inf", "refused"),
            ("1e999", "refused"),
            ("infinity", "text infinity"),
            ("e3", "text e3"),
        ] {
            assert_eq!(meaning(text), expected, "{text}");
        }
    }
}
