//! How the tests of a condition are read: `above: 30`. What a test needs and does not have is told with the right form.

use super::parse::Parser;
use super::{Test, help};
use crate::path::FieldPath;
use crate::report::Place;
use crate::value::{Map, Value};

impl Parser<'_> {
    /// One test of a map; `None` where it is wrong, or goes with another.
    pub(super) fn test(&mut self, key: &str, value: &Value, map: &Map, around: &FieldPath) -> Option<Test> {
        let place = around.key(key);
        let at = || Place::Field(place.clone());
        Some(match key {
            "above" => Test::Above(self.number(key, value, &place)?),
            "below" => Test::Below(self.number(key, value, &place)?),
            "at_least" => Test::AtLeast(self.number(key, value, &place)?),
            "at_most" => Test::AtMost(self.number(key, value, &place)?),
            "near" => {
                let near = self.number(key, value, &place);
                let Some(within) = map.get("within") else {
                    self.error(at(), "`near` needs `within` beside it")
                        .help("write for example `near: 20, within: 0.5`");
                    return None;
                };
                Test::Near { near: near?, within: within.as_f64()? }
            }
            "within" => {
                if !map.contains_key("near") {
                    self.error(at(), "`within` needs `near` beside it")
                        .help("write for example `near: 20, within: 0.5`");
                }
                let within = self.number(key, value, &place)?;
                if within < 0.0 {
                    self.error(at(), "no distance is less than 0")
                        .help(format!("write `within: {}`", -within));
                }
                return None;
            }
            "one_of" => match value.as_list() {
                None => {
                    self.error(at(), "`one_of` needs a list of values")
                        .help(format!("write `one_of: [{}]`", help::written(value)));
                    return None;
                }
                Some([]) => {
                    self.error(at(), "`one_of` of no values never holds")
                        .help("list the values, or take it out");
                    return None;
                }
                Some(list) => {
                    self.check_digits(value, &place);
                    Test::OneOf(list.to_vec())
                }
            },
            "not_equal" => {
                self.check_digits(value, &place);
                Test::NotEqual(value.clone())
            }
            "contains" => {
                self.check_digits(value, &place);
                Test::Contains(value.clone())
            }
            "present" => match value {
                Value::Bool(truth) => Test::Present(*truth),
                _ => {
                    self.error(at(), "`present` needs true or false")
                        .help("write `present: true` or `present: false`");
                    return None;
                }
            },
            _ => {
                let name = value.as_text().unwrap_or_default();
                if !help::KINDS.contains(&name) {
                    let message =
                        format!("`is` needs the name of a kind, and {} is none", help::written(value));
                    self.error(at(), message).help(help::for_kind(name));
                    return None;
                }
                Test::Is(name.to_owned())
            }
        })
    }

    fn number(&mut self, test: &str, value: &Value, place: &FieldPath) -> Option<f64> {
        if let Some(number) = value.as_f64() {
            return Some(number);
        }
        let help = match value.as_text() {
            Some(_) if self.cx.is_variable(place) => format!(
                "text of a variable becomes a number as a param: `params: {{ limit: {{ type: number, default: \"${{env.LIMIT}}\" }} }}`, and `{test}: \"${{params.limit}}\"`"
            ),
            Some(text) => help::for_number(test, text),
            None => format!("write for example `{test}: 30`"),
        };
        let message = format!("`{test}` needs a number, and {} is none", help::written(value));
        self.error(Place::Field(place.clone()), message).help(help);
        None
    }

    /// Complains about a number written like an identifier, such as `0012`: as a number it never equals that text.
    pub(super) fn check_digits(&mut self, value: &Value, place: &FieldPath) {
        match value {
            Value::Int(_) | Value::Float(_) => {
                let Some(written) = self.cx.written(place) else { return };
                let digits = written.trim_start_matches(['+', '-']).as_bytes();
                if digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit() {
                    let number = help::written(value);
                    self.error(
                        Place::Field(place.clone()),
                        format!("`{written}` is the number {number} here"),
                    )
                    .help(format!("write `'{written}'` for the text, `{number}` for the number"));
                }
            }
            Value::List(list) => {
                list.iter()
                    .enumerate()
                    .for_each(|(index, value)| self.check_digits(value, &place.index(index)));
            }
            Value::Map(map) => map.iter().for_each(|(key, value)| self.check_digits(value, &place.key(key))),
            _ => {}
        }
    }
}
