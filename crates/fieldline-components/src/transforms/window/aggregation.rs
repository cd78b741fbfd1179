//! [`Aggregation`]: the fields of a window's result, from texts such as `mean(celsius)`.

use fieldline_core::suggest::nearest;
use fieldline_core::{EventError, Map, Value};
use fieldline_signal::{Aggregate, AggregateError, Sample, known, rank};
use indexmap::IndexMap;

use super::lane::Row;
use crate::lookup::Lookup;
use crate::transforms::keyed::text_of;

/// Functions that want no numbers.
const ANY_KIND: [&str; 4] = ["first", "last", "mode", "list"];

/// What is made of one column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    /// A number of numbers.
    Number(Aggregate),
    /// The earliest value.
    First,
    /// The latest value.
    Last,
    /// The most frequent value.
    Mode,
    /// All values.
    List,
}

/// Why a text is no aggregate, and what would be one.
#[derive(Debug, PartialEq)]
pub(super) struct BadAggregate {
    pub(super) message: String,
    pub(super) help: String,
}

/// One field of the result: what it is called, its function, and the column; none for the count of events.
struct Field {
    name: String,
    function: Function,
    column: Option<usize>,
}

/// The fields of a result, and the columns they are made of.
pub(super) struct Aggregation {
    columns: Vec<Lookup>,
    fields: Vec<Field>,
}

impl Aggregation {
    /// Reads the texts; errs with the first that is no aggregate.
    pub(super) fn new(texts: &IndexMap<String, String>) -> Result<Self, BadAggregate> {
        let mut columns: Vec<Lookup> = Vec::new();
        let mut fields = Vec::new();
        for (name, text) in texts {
            let (function, lookup) = parse(text)?;
            let column = lookup.map(|lookup| {
                columns.iter().position(|known| *known == lookup).unwrap_or_else(|| {
                    columns.push(lookup);
                    columns.len() - 1
                })
            });
            fields.push(Field { name: name.clone(), function, column });
        }
        Ok(Aggregation { columns, fields })
    }

    /// Where the values of a row are found.
    pub(super) fn columns(&self) -> &[Lookup] {
        &self.columns
    }

    /// Refuses a reading whose value is no number where one is aggregated; null is a value that is not known.
    pub(super) fn check(&self, values: &[Value]) -> Result<(), EventError> {
        for field in &self.fields {
            let (Function::Number(aggregate), Some(column)) = (field.function, field.column) else {
                continue;
            };
            let value = &values[column];
            let is_number = number(value).is_some_and(f64::is_finite);
            if aggregate != Aggregate::Count && !is_number && !value.is_null() {
                let (place, text) = (&self.columns[column], text_of(value));
                return Err(EventError::new("not_a_number", format!("`{place}` is {text} and no number")));
            }
        }
        Ok(())
    }

    /// The fields for rows in the order of time, or of arrival for windows by count; and an error if one of them is too
    /// large for a number, as the sum of numbers near 1e308 is, and so null.
    pub(super) fn result(&self, rows: &[Row]) -> (Map, Option<EventError>) {
        let numbers: Vec<Vec<Sample>> = (0..self.columns.len()).map(|column| samples(rows, column)).collect();
        let value = |field: &Field| match field.column {
            Some(column) => value(field.function, rows, column, &numbers[column]),
            None => Some(Value::Int(rows.len() as i64)),
        };
        let mut lost = None;
        let fields = self.fields.iter().map(|field| {
            let value = value(field).unwrap_or_else(|| {
                lost.get_or_insert(&field.name);
                Value::Null
            });
            (field.name.as_str().into(), value)
        });
        let fields = fields.collect();
        (fields, lost.map(|name| EventError::new("too_large", format!("`{name}` is too large for a number"))))
    }
}

fn samples(rows: &[Row], column: usize) -> Vec<Sample> {
    known(rows.iter().map(|row| (row.nanos, number(&row.values[column]))))
}

/// A truth value counts as 1 or 0, so that `duty` and `mean` tell the share of true.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_bool().map(f64::from))
}

/// `None` where the result is too large for a number.
fn value(function: Function, rows: &[Row], column: usize, numbers: &[Sample]) -> Option<Value> {
    let mut all = rows.iter().map(|row| &row.values[column]);
    let mut known = all.clone().filter(|value| !value.is_null());
    let found = match function {
        Function::List => return Some(Value::List(all.cloned().collect())),
        Function::Number(Aggregate::Count) => return Some(Value::Int(known.count() as i64)),
        Function::First => known.next(),
        Function::Last => known.next_back(),
        Function::Mode => rank::mode(known.map(|value| (text_of(value), value))),
        Function::Number(aggregate) => {
            let whole =
                stays_whole(aggregate) && all.all(|value| matches!(value, Value::Int(_) | Value::Null));
            return match aggregate.of(numbers) {
                Some(number) => number.is_finite().then(|| as_value(number, whole)),
                None => Some(Value::Null),
            };
        }
    };
    Some(found.cloned().unwrap_or_default())
}

fn stays_whole(aggregate: Aggregate) -> bool {
    matches!(aggregate, Aggregate::Sum | Aggregate::Min | Aggregate::Max | Aggregate::Range)
}

/// Whole results of whole numbers stay whole while they are exact.
fn as_value(number: f64, whole: bool) -> Value {
    if whole && number.abs() < 9e15 { Value::Int(number as i64) } else { Value::Float(number) }
}

/// Reads `count`, `mean(field)` or `percentile(field, 95)`.
pub(super) fn parse(text: &str) -> Result<(Function, Option<Lookup>), BadAggregate> {
    let complain = |message: String, help: &str| BadAggregate { message, help: help.to_owned() };
    let text = text.trim();
    let Some((name, rest)) = text.split_once('(') else {
        return match text {
            "count" => Ok((Function::Number(Aggregate::Count), None)),
            _ if function(text, Some(50.0)).is_ok() || function(text, None).is_ok() => {
                let help = format!("write for example `{text}(temperature)`");
                Err(complain(format!("`{text}` needs a field"), &help))
            }
            _ => Err(unknown(text)),
        };
    };
    let name = name.trim();
    let inside = rest.trim_end().strip_suffix(')').ok_or_else(|| {
        complain(format!("`{text}` does not end in `)`"), &format!("write for example `{name}(temperature)`"))
    })?;
    let (field, number) = match inside.rsplit_once(',') {
        Some((field, number)) => (field.trim(), Some(number.trim())),
        None => (inside.trim(), None),
    };
    let number = number.map(|number| {
        let wrong =
            |_| complain(format!("`{number}` is no number"), "write for example `percentile(power, 95)`");
        number.parse::<f64>().map_err(wrong)
    });
    let function = function(name, number.transpose()?).map_err(|error| match error {
        AggregateError::Unknown(_) => unknown(name),
        AggregateError::NoPercent => complain(error.to_string(), "write for example `percentile(power, 95)`"),
        AggregateError::NoNumberWanted(_) => {
            complain(error.to_string(), &format!("write for example `{name}(temperature)`"))
        }
    })?;
    let lookup = Lookup::parse(field)
        .map_err(|error| complain(error.to_string(), &format!("write for example `{name}(temperature)`")))?;
    Ok((function, Some(lookup)))
}

fn function(name: &str, number: Option<f64>) -> Result<Function, AggregateError> {
    let any_kind = match name {
        "first" => Function::First,
        "last" => Function::Last,
        "mode" => Function::Mode,
        "list" => Function::List,
        _ => return Aggregate::named(name, number).map(Function::Number),
    };
    if number.is_some() { Err(AggregateError::NoNumberWanted(name.to_owned())) } else { Ok(any_kind) }
}

fn unknown(name: &str) -> BadAggregate {
    let names = || Aggregate::names().chain(ANY_KIND);
    let help = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            format!("use one of {}", names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
    };
    BadAggregate { message: format!("`{name}` is no aggregate"), help }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(text: &str) -> (String, String) {
        let bad = parse(text).expect_err("it is no aggregate");
        (bad.message, bad.help)
    }

    #[test]
    fn a_percentile_has_a_field_and_a_number() {
        let lookup = Lookup::parse("motor.power").expect("a path");
        let percentile = Function::Number(Aggregate::Percentile(95.0));
        assert_eq!(parse(" percentile( motor.power , 95 )"), Ok((percentile, Some(lookup))));
    }

    #[test]
    fn an_error_says_what_would_be_right() {
        assert_eq!(help("meam(a)"), ("`meam` is no aggregate".into(), "did you mean `mean`?".into()));
        assert_eq!(help("mean").0, "`mean` needs a field");
        assert_eq!(help("percentile").0, "`percentile` needs a field");
        assert_eq!(help("percentile(a)").0, "`percentile` needs a number from 0 to 100");
        assert_eq!(help("first(a, 2)").0, "`first` takes no number");
        assert_eq!(help("mean(a").0, "`mean(a` does not end in `)`");
        assert_eq!(help("percentile(a, b)").0, "`b` is no number");
        assert!(help("average(a)").1.starts_with("use one of `count`, `sum`"));
        assert!(help("mean()").0.contains("it is empty"));
    }
}
