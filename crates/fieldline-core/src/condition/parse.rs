//! [`Parser`]: from a value to a [`Condition`]. It goes on after a mistake, so that all are told, each at its place, and
//! refuses what could never hold.

use super::help::{self, COMBINED};
use super::possible::is_possible;
use super::{Condition, TESTS, comparison};
use crate::path::{FieldPath, Step};
use crate::read_cx::ReadCx;
use crate::report::{Place, Problem, Report};
use crate::value::{Map, Value};

/// The code of all that is wrong with a condition.
const CODE: &str = "bad-condition";

/// What a map inside a field's condition means, when its keys are no tests.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Nested {
    Refused,
    Fields,
}

/// Where the parser is: the place of the value, and the field that is asked about; the root for the body as a whole.
#[derive(Clone, Default)]
struct At {
    place: FieldPath,
    field: FieldPath,
}

impl At {
    fn key(&self, key: &str) -> Self {
        At { place: self.place.key(key), field: self.field.clone() }
    }

    fn index(&self, index: usize) -> Self {
        At { place: self.place.index(index), field: self.field.clone() }
    }

    fn is_body(&self) -> bool {
        self.field.steps().is_empty()
    }
}

/// What must hold of one field together with all else in the same scope.
struct Demand {
    at: At,
    condition: Condition,
}

/// See the module.
pub(super) struct Parser<'c> {
    pub(super) cx: &'c dyn ReadCx,
    nested: Nested,
    report: Report,
}

impl<'c> Parser<'c> {
    pub(super) fn new(cx: &'c dyn ReadCx, nested: Nested) -> Self {
        Parser { cx, nested, report: Report::default() }
    }

    /// The condition that `value`, which stands at `place`, means.
    pub(super) fn read(mut self, value: &Value, place: &FieldPath) -> Result<Condition, Vec<Problem>> {
        let at = At { place: place.clone(), field: FieldPath::root() };
        let condition = self.scope(value, &at);
        let problems = self.report.problems();
        if problems.is_empty() { Ok(condition) } else { Err(problems.to_vec()) }
    }

    /// Reads a condition that has to be possible by itself.
    fn scope(&mut self, value: &Value, at: &At) -> Condition {
        let mut demands = Vec::new();
        let condition = self.condition(value, at, &mut demands);
        self.compare(&demands);
        condition
    }

    /// Complains about demands on one field that no value fulfils.
    fn compare(&mut self, demands: &[Demand]) {
        for (position, demand) in demands.iter().enumerate() {
            let same = |other: &&Demand| other.at.field == demand.at.field;
            let last = !demands[position + 1..].iter().any(|other| same(&other));
            let all: Vec<&Condition> = demands.iter().filter(same).map(|demand| &demand.condition).collect();
            if last && !is_possible(&all) {
                let what = if demand.at.is_body() {
                    "body".into()
                } else {
                    format!("value of `{}`", demand.at.field)
                };
                self.error(
                    Place::Field(demand.at.place.clone()),
                    format!("no {what} passes all of these tests"),
                )
                .help("change one, or write `any: [ … ]` where one of them is enough");
            }
        }
    }

    pub(super) fn error(&mut self, place: Place, message: impl Into<String>) -> &mut Problem {
        self.report.error(CODE, place, message)
    }

    fn condition(&mut self, value: &Value, at: &At, demands: &mut Vec<Demand>) -> Condition {
        let condition = match value {
            Value::Map(map) => return self.map(map, at, demands),
            _ => Condition::Equals(value.clone()),
        };
        self.check_plain(value, at);
        demands.push(Demand { at: at.clone(), condition: condition.clone() });
        condition
    }

    /// Complains about a plain value that is not meant as one.
    fn check_plain(&mut self, value: &Value, at: &At) {
        let place = || Place::Field(at.place.clone());
        let text = value.as_text().unwrap_or_default();
        match (self.nested, at.is_body(), value) {
            (Nested::Refused, true, Value::List(_)) => {
                self.error(place(), "a list is no condition")
                    .help("write `{ all: [ … ] }` where all must hold, `{ any: [ … ] }` where one is enough");
            }
            (Nested::Refused, true, _) => {
                let written = help::written(value);
                let help = comparison::of_fields(text).map_or_else(
                    || format!("name the field, such as `{{ status: success }}`; the body itself is compared by `{{ one_of: [{written}] }}`"),
                    |meant| format!("write `{meant}`"),
                );
                self.error(place(), format!("the whole body would be compared with {written}")).help(help);
            }
            (Nested::Refused, false, Value::Text(_)) => {
                if let Some(meant) = comparison::of_value(text) {
                    let field = &at.field;
                    let message = format!("`{field}` would be compared with the text \"{text}\"");
                    let help =
                        format!("write `{field}: {meant}`; the text itself is `{{ one_of: [\"{text}\"] }}`");
                    self.error(place(), message).help(help);
                }
            }
            _ => {}
        }
        self.check_digits(value, &at.place);
    }

    fn map(&mut self, map: &Map, at: &At, demands: &mut Vec<Demand>) -> Condition {
        if map.is_empty() && self.nested == Nested::Refused {
            let example = if at.is_body() { "{ status: success }" } else { "{ above: 30 }" };
            self.error(Place::Field(at.place.clone()), "a condition must not be empty")
                .help(format!("write for example `{example}`"));
        }
        let split = self.split_numbers(map, at);
        let members = map.iter().filter(|(key, _)| !split.contains(&key.as_str()));
        let is_test = |key: &str| TESTS.contains(&key);
        let is_combined = |key: &str| COMBINED.contains(&key);
        let has_tests = members.clone().any(|(key, _)| is_test(key));
        let has_fields = members.clone().any(|(key, _)| !is_test(key) && !is_combined(key));
        let as_fields = self.nested == Nested::Fields && has_fields;
        let mut parts = Vec::with_capacity(map.len());
        let mut tests = Vec::new();
        for (key, value) in members {
            match key.as_str() {
                "any" => {
                    let list = self.list(key, value, at);
                    parts.push(Condition::Any(list.map(|(item, at)| self.scope(item, &at)).collect()));
                }
                "all" => {
                    let list = self.list(key, value, at);
                    parts.push(Condition::All(
                        list.map(|(item, at)| self.condition(item, &at, demands)).collect(),
                    ));
                }
                "not" => parts.push(Condition::Not(Box::new(self.scope(value, &at.key(key))))),
                test if is_test(test) && !as_fields => {
                    if at.is_body() && has_fields {
                        let written = help::written(value);
                        self.error(
                            Place::Key(at.place.key(key)),
                            format!("`{test}` stands beside fields, and asks none"),
                        )
                        .help(format!("write it below the field it asks: `FIELD: {{ {test}: {written} }}`"));
                    }
                    tests.extend(self.test(test, value, map, &at.place));
                }
                _ if self.nested == Nested::Refused && !at.is_body() => {
                    let help = help::for_test(key, &at.field);
                    self.error(Place::Key(at.place.key(key)), format!("there is no test `{key}`")).help(help);
                }
                _ => parts.extend(self.field(key, value, at, demands)),
            }
        }
        if has_tests && !as_fields {
            let condition = Condition::Tests(tests);
            demands.push(Demand { at: at.clone(), condition: condition.clone() });
            parts.insert(0, condition);
        }
        if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) }
    }

    /// The members that are the second half of a number with a comma, `above: 30,5`, which YAML reads as two members.
    fn split_numbers<'m>(&mut self, map: &'m Map, at: &At) -> Vec<&'m str> {
        let is_half = |(key, value): &(&compact_str::CompactString, &Value)| {
            value.is_null() && key.bytes().all(|byte| byte.is_ascii_digit())
        };
        let pairs = map.iter().zip(map.iter().skip(1));
        let halves = pairs.filter(|((_, first), second)| first.as_f64().is_some() && is_half(second));
        halves
            .map(|((name, first), (half, _))| {
                let first = help::written(first);
                self.error(
                    Place::Field(at.place.key(name)),
                    format!("`{first},{half}` is no number: a comma divides members"),
                )
                .help(format!("write `{name}: {first}.{half}`"));
                half.as_str()
            })
            .collect()
    }

    /// The elements of a list of conditions, each with its place.
    fn list<'v>(
        &mut self,
        key: &str,
        value: &'v Value,
        at: &At,
    ) -> impl Iterator<Item = (&'v Value, At)> + use<'v> {
        let at = at.key(key);
        match value.as_list() {
            None => {
                self.error(Place::Field(at.place.clone()), format!("`{key}` needs a list of conditions"))
                    .help(format!("write `{key}: [ … ]`"));
            }
            Some([]) => {
                let always = if key == "any" { "never" } else { "always" };
                self.error(
                    Place::Field(at.place.clone()),
                    format!("`{key}` of no conditions {always} holds"),
                )
                .help("list the conditions, or take it out");
            }
            Some(_) => {}
        }
        let list = value.as_list().unwrap_or_default();
        list.iter().enumerate().map(move |(index, item)| (item, at.index(index)))
    }

    fn field(&mut self, key: &str, value: &Value, at: &At, demands: &mut Vec<Demand>) -> Option<Condition> {
        let name = Place::Key(at.place.key(key));
        if self.nested == Nested::Refused
            && let Some(meant) = comparison::of_fields(key)
        {
            self.error(name, format!("`{key}` is a comparison and no field"))
                .help(format!("write `{meant}`"));
            return None;
        }
        let path = match FieldPath::parse(key) {
            Ok(path) => path,
            Err(error) => {
                self.error(name, error.to_string()).help("write the path of a field, such as `air.humidity`");
                return None;
            }
        };
        let combined = help::combination(key).filter(|_| value.as_list().is_some());
        if let Some(meant) = combined.filter(|_| self.nested == Nested::Refused) {
            self.error(name, format!("`{key}` combines no conditions"))
                .help(format!("write `{meant}: [ … ]`"));
            return None;
        }
        if at.is_body() && self.is_outside(key, &path, value, name) {
            return None;
        }
        let field = at.field.join(path.steps());
        let condition = self.condition(value, &At { place: at.place.key(key), field }, demands);
        Some(Condition::Fields(vec![(path, condition)]))
    }

    /// Complains about a field of the metadata, or of `this`, which is how scripts call the body.
    fn is_outside(&mut self, key: &str, path: &FieldPath, value: &Value, name: Place) -> bool {
        let is_field = |key: &&str| !TESTS.contains(key) && !COMBINED.contains(key);
        let inside = value.as_map().and_then(|map| map.keys().map(|key| key.as_str()).find(is_field));
        let (first, rest) = match (path.steps(), inside) {
            ([Step::Key(first), Step::Key(_), ..], _) => (first.as_str(), key[first.len() + 1..].to_owned()),
            ([Step::Key(first)], Some(inside)) if self.nested == Nested::Refused => {
                (first.as_str(), inside.to_owned())
            }
            _ => return false,
        };
        match first {
            "meta" => {
                let last = help::last(&rest);
                self.error(name, format!("a condition asks about the body, and `meta.{rest}` is beside it")).help(
                    format!("put it into the body with a `script` before, `this.{last} = meta.{rest};`, and ask about `{last}`"),
                );
            }
            "this" => {
                self.error(name, format!("`this.{rest}` would be a field inside a field `this`"))
                    .help(format!("write `{rest}`; conditions ask about the body"));
            }
            _ => return false,
        }
        true
    }
}
