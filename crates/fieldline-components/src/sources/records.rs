//! [`Records`]: turns lines of text into bodies. What is no record becomes a body that says so, so that
//! nothing of a recording vanishes.

use fieldline_core::{Map, Value, json};

use crate::sources::lines::{Line, MOST_BYTES};

/// How a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    /// One JSON text a line.
    Jsonl,
    /// Comma-separated values below a line of names.
    Csv,
    /// Any line, as `text`.
    Text,
}

/// Reads one line after the other.
pub(crate) struct Records {
    writing: Writing,
    /// Lines so far.
    line: i64,
    /// The names of the columns, once they are known.
    names: Vec<String>,
    /// A record of comma-separated values whose quotes are still open.
    open: Vec<u8>,
}

impl Records {
    /// Begins before the first line.
    pub(crate) fn new(writing: Writing) -> Self {
        Records { writing, line: 0, names: Vec::new(), open: Vec::new() }
    }

    /// The body that the next line completes, if it does.
    pub(crate) fn push(&mut self, line: Line) -> Option<Value> {
        self.line += 1;
        let Line::Whole(mut bytes) = line else {
            self.open.clear();
            return Some(self.failure(format!("the line is longer than {MOST_BYTES} bytes")));
        };
        if self.line == 1 && bytes.starts_with("\u{feff}".as_bytes()) {
            bytes.drain(.."\u{feff}".len());
        }
        match self.writing {
            Writing::Text => {
                Some(Value::from([("text", String::from_utf8_lossy(&bytes).into_owned().into())]))
            }
            _ if self.open.is_empty() && bytes.trim_ascii().is_empty() => None,
            Writing::Jsonl => {
                Some(json::decode(&bytes).unwrap_or_else(|error| self.failure(error.to_string())))
            }
            Writing::Csv => self.push_csv(&bytes),
        }
    }

    /// The body of what was begun and never completed.
    pub(crate) fn finish(&mut self) -> Option<Value> {
        let open = !std::mem::take(&mut self.open).is_empty();
        open.then(|| self.failure("a quote is not closed".to_owned()))
    }

    fn push_csv(&mut self, line: &[u8]) -> Option<Value> {
        if !self.open.is_empty() {
            self.open.push(b'\n');
        }
        self.open.extend_from_slice(line);
        if self.open.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
            if self.open.len() <= MOST_BYTES {
                return None;
            }
            self.open.clear();
            return Some(self.failure("a quote is not closed".to_owned()));
        }
        let cells = cells(&std::mem::take(&mut self.open));
        match cells {
            Err(error) => Some(self.failure(format!("not CSV: {error}"))),
            Ok(cells) if self.names.is_empty() => {
                self.names = unique_names(cells);
                None
            }
            Ok(cells) if cells.len() == self.names.len() => {
                let members = self.names.iter().zip(&cells);
                let body: Map = members.map(|(name, cell)| (name.as_str().into(), typed(cell))).collect();
                Some(Value::Map(body))
            }
            Ok(cells) => {
                let columns = self.names.len();
                Some(self.failure(format!("there are {} values for {columns} columns", cells.len())))
            }
        }
    }

    fn failure(&self, reason: String) -> Value {
        Value::from([("status", "fail".into()), ("reason", reason.into()), ("line", Value::Int(self.line))])
    }
}

/// The cells of one record.
fn cells(record: &[u8]) -> Result<Vec<String>, csv::Error> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .buffer_capacity(record.len().max(64))
        .from_reader(record);
    let mut row = csv::StringRecord::new();
    reader.read_record(&mut row)?;
    Ok(row.iter().map(str::to_owned).collect())
}

/// Names for the columns: a second `a` becomes `a_2`, and the third column without a name `column_3`.
fn unique_names(cells: Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(cells.len());
    for (number, cell) in (1..).zip(cells) {
        let name = match cell.trim() {
            "" => format!("column_{number}"),
            name if names.iter().any(|known| known == name) => format!("{name}_{number}"),
            name => name.to_owned(),
        };
        names.push(name);
    }
    names
}

/// A cell written as JSON would write a number or a truth value is one; an empty one is null.
fn typed(cell: &str) -> Value {
    let cell = cell.trim();
    if cell.is_empty() {
        return Value::Null;
    }
    match json::decode(cell.as_bytes()) {
        Ok(value @ (Value::Int(_) | Value::Float(_) | Value::Bool(_))) => value,
        _ => Value::from(cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(writing: Writing, text: &str, expected: &[&str]) {
        let mut records = Records::new(writing);
        let mut bodies: Vec<Value> =
            text.lines().filter_map(|line| records.push(Line::Whole(line.into()))).collect();
        bodies.extend(records.finish());
        let expected: Vec<Value> =
            expected.iter().map(|line| json::decode(line.as_bytes()).expect("JSON")).collect();
        assert_eq!(bodies, expected);
    }

    #[test]
    fn cells_are_typed_and_empty_ones_are_null() {
        check(
            Writing::Csv,
            "\u{feff}time,value,code,on\n1,21.5,0012,true\n2,,\" a, b \",\n",
            &[
                r#"{"time":1,"value":21.5,"code":"0012","on":true}"#,
                r#"{"time":2,"value":null,"code":"a, b","on":null}"#,
            ],
        );
    }

    #[test]
    fn a_quoted_cell_may_hold_lines_and_quotes() {
        check(
            Writing::Csv,
            "a,b\n\"one\n\ntwo\",\"say \"\"x\"\"\"",
            &[r#"{"a":"one\n\ntwo","b":"say \"x\""}"#],
        );
    }

    #[test]
    fn columns_that_share_a_name_are_kept_apart() {
        check(Writing::Csv, "a,a,\n1,2,3", &[r#"{"a":1,"a_2":2,"column_3":3}"#]);
    }

    #[test]
    fn a_bad_line_becomes_a_body_that_says_so() {
        check(
            Writing::Csv,
            "a,b\n1\n1,\"2",
            &[
                r#"{"status":"fail","reason":"there are 1 values for 2 columns","line":2}"#,
                r#"{"status":"fail","reason":"a quote is not closed","line":3}"#,
            ],
        );
        check(
            Writing::Jsonl,
            "{\"a\":1}\n\n{\"a\"",
            &[
                r#"{"a":1}"#,
                r#"{"status":"fail","reason":"not JSON: EOF while parsing an object at line 1 column 4","line":3}"#,
            ],
        );
    }

    #[test]
    fn text_is_taken_as_it_is() {
        check(Writing::Text, "hello\n\n", &[r#"{"text":"hello"}"#, r#"{"text":""}"#]);
    }
}
