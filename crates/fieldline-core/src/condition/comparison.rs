//! Comparisons as other languages write them, `temperature > 30`, to say how they are written here.

use crate::condition::TESTS;
use crate::path::FieldPath;

/// The operators, those first that begin with another.
const OPERATORS: [(&str, &str); 8] = [
    (">=", "at_least"),
    ("<=", "at_most"),
    ("==", ""),
    ("!=", "not_equal"),
    ("<>", "not_equal"),
    (">", "above"),
    ("<", "below"),
    ("=", ""),
];

/// How `text`, a comparison of one or several fields, is written as a condition; `None` where it is none.
pub(super) fn of_fields(text: &str) -> Option<String> {
    for (word, combined) in [(" or ", "any"), ("||", "any"), (" and ", "all"), ("&&", "all")] {
        if text.contains(word) {
            let parts: Option<Vec<String>> = text.split(word).map(of_fields).collect();
            return Some(format!("{{ {combined}: [{}] }}", parts?.join(", ")));
        }
    }
    let (field, condition) = split(text)?;
    let field = ["this.", "body.", "event.", "payload."]
        .iter()
        .find_map(|prefix| field.strip_prefix(prefix))
        .unwrap_or(field);
    let is_name = |c: char| c.is_alphanumeric() || "_-.[]".contains(c);
    let is_field = FieldPath::parse(field).is_ok() && field.chars().all(is_name);
    is_field.then(|| format!("{{ {field}: {condition} }}"))
}

/// How `text`, a comparison without a field, is written below a field; `None` where it is none.
pub(super) fn of_value(text: &str) -> Option<String> {
    let (before, condition) = split(text)?;
    before.is_empty().then_some(condition)
}

/// What stands before the operator, and the condition that the rest means.
fn split(text: &str) -> Option<(&str, String)> {
    let symbol = OPERATORS.iter().filter_map(|(symbol, test)| Some((text.find(symbol)?, *symbol, *test)));
    // The longest of those that begin first.
    let symbol = symbol.min_by_key(|(at, symbol, _)| (*at, usize::MAX - symbol.len()));
    let word = || {
        TESTS.iter().find_map(|test| {
            let at = text.find(test)?;
            let apart = at == 0 || text[..at].ends_with(' ');
            (apart && text[at + test.len()..].starts_with(' ')).then_some((at, *test, *test))
        })
    };
    let (at, operator, test) = symbol.or_else(word)?;
    let value = text[at + operator.len()..].trim();
    let bare = value.trim_matches(['"', '\'']);
    let is_number = bare.parse::<f64>().is_ok_and(f64::is_finite);
    let condition = match test {
        "" if is_number || !bare.is_empty() => bare.to_owned(),
        "not_equal" if !bare.is_empty() => format!("{{ not_equal: {bare} }}"),
        "above" | "below" | "at_least" | "at_most" if is_number => format!("{{ {test}: {bare} }}"),
        _ => return None,
    };
    let plain = bare.chars().all(|c| c.is_alphanumeric() || " _-./".contains(c));
    plain.then(|| (text[..at].trim(), condition))
}

#[cfg(test)]
mod tests {
    use super::{of_fields, of_value};

    #[test]
    fn comparisons_are_rewritten() {
        for (text, meant) in [
            ("temperature > 30", Some("{ temperature: { above: 30 } }")),
            ("this.air.t<=-3.5", Some("{ air.t: { at_most: -3.5 } }")),
            ("status == \"ok\"", Some("{ status: ok }")),
            ("status != fail", Some("{ status: { not_equal: fail } }")),
            ("t > 1 and h < 5", Some("{ all: [{ t: { above: 1 } }, { h: { below: 5 } }] }")),
            ("t > 1 || h > 5", Some("{ any: [{ t: { above: 1 } }, { h: { above: 5 } }] }")),
            ("temperature above 30", Some("{ temperature: { above: 30 } }")),
            ("t > limit", None),
            ("hello", None),
            ("", None),
        ] {
            assert_eq!(of_fields(text).as_deref(), meant, "{text}");
        }
        assert_eq!(of_value("> 30").as_deref(), Some("{ above: 30 }"));
        assert_eq!(of_value("at_least 3").as_deref(), Some("{ at_least: 3 }"));
        assert_eq!(of_value("a > 30"), None);
        assert_eq!(of_value("->"), None);
    }
}
