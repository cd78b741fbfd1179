//! [`Table`]: reads comma-separated values below a line of names, as RFC 4180 has them. A bad row is refused alone,
//! with its text: a stray quote takes no other row with it. No I/O of its own.

use std::collections::{HashSet, VecDeque};

use indexmap::IndexSet;

use crate::amount::amount;
use crate::json;
use crate::lines::{Line, Lines, MOST_LINE_BYTES};
use crate::value::{Map, Value};

/// A row as a body, or as what could not become one.
#[derive(Debug, PartialEq)]
pub enum Record {
    /// The cells below their names.
    Body(Value),
    /// A row that does not fit the table.
    Refused {
        /// The line on which it begins, from 1.
        line: u64,
        /// The row as it came; of one that is too long, its beginning.
        text: Vec<u8>,
        /// Why.
        error: RecordError,
    },
}

/// Why a row is no record of the table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The quote of a cell is open at the end of the row, and what follows does not close it well.
    #[error("not CSV: a quote at the start of a cell is not closed")]
    OpenQuote,
    /// A quoted cell goes on after its closing quote.
    #[error("not CSV: there is text after the closing quote of a cell")]
    AfterQuote,
    /// The row is not UTF-8.
    #[error("the row is not UTF-8")]
    NotUtf8,
    /// The row has more or fewer cells than the table has columns.
    #[error("the row has {} for {}", amount(*cells, "value", "values"), amount(*columns, "column", "columns"))]
    Cells {
        /// Cells of the row.
        cells: usize,
        /// Columns of the table.
        columns: usize,
    },
    /// The row is longer than a line may be.
    #[error("the line is longer than {MOST_LINE_BYTES} bytes")]
    TooLong,
}

/// The line of names cannot be read, so no row can. Another row never takes its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// It is written in another encoding.
    #[error("the line of column names is not UTF-8; save the file as UTF-8")]
    NotUtf8,
    /// It is no record.
    #[error("the line of column names cannot be read: {0}")]
    NoRecord(#[from] RecordError),
}

/// Reads one line after the other.
#[derive(Debug, Default)]
pub struct Table {
    /// The number of the last line.
    line: u64,
    /// The names of the columns, once they are known.
    names: Vec<String>,
    /// The lines of a record whose quote is still open, and their numbers.
    held: VecDeque<(u64, Vec<u8>)>,
    scan: Scan,
}

impl Table {
    /// All records of a text.
    ///
    /// # Errors
    /// If its line of names cannot be read.
    pub fn read(text: &[u8]) -> Result<Vec<Record>, HeadError> {
        let (mut lines, mut table, mut records) = (Lines::default(), Table::default(), Vec::new());
        lines.feed(text);
        while let Some(line) = lines.next_line() {
            table.push(line, &mut records)?;
        }
        if let Some(line) = lines.finish() {
            table.push(line, &mut records)?;
        }
        table.finish(&mut records)?;
        Ok(records)
    }

    /// The records that the next line completes.
    ///
    /// # Errors
    /// If it is the line of names and cannot be read. The table is of no use then.
    pub fn push(&mut self, line: Line, records: &mut Vec<Record>) -> Result<(), HeadError> {
        self.line += 1;
        let mut bytes = match line {
            Line::Whole(bytes) => bytes,
            Line::TooLong(_) if self.names.is_empty() => return Err(RecordError::TooLong.into()),
            Line::TooLong(text) => {
                self.release(records);
                records.push(Record::Refused { line: self.line, text, error: RecordError::TooLong });
                return Ok(());
            }
        };
        if self.line == 1 && bytes.starts_with("\u{feff}".as_bytes()) {
            bytes.drain(.."\u{feff}".len());
        }
        self.take(bytes, records)
    }

    /// The records that are left at the end of the text.
    ///
    /// # Errors
    /// If the line of names was begun and never ended.
    pub fn finish(&mut self, records: &mut Vec<Record>) -> Result<(), HeadError> {
        if self.names.is_empty() && !self.held.is_empty() {
            return Err(RecordError::OpenQuote.into());
        }
        self.release(records);
        Ok(())
    }

    /// Takes a line as the next one of the record that is open, or as the first of another.
    fn take(&mut self, line: Vec<u8>, records: &mut Vec<Record>) -> Result<(), HeadError> {
        if self.held.is_empty() {
            if line.trim_ascii().is_empty() {
                return Ok(());
            }
            self.scan = Scan::default();
        } else {
            self.scan.byte(b'\n');
        }
        line.iter().for_each(|byte| self.scan.byte(*byte));
        self.held.push_back((self.line, line));
        match self.scan.state {
            State::Quoted if self.scan.size <= MOST_LINE_BYTES => Ok(()),
            State::Quoted => self.refuse_first(RecordError::OpenQuote, records),
            State::Broken => {
                let is_single = self.held.len() == 1;
                let error = if is_single { RecordError::AfterQuote } else { RecordError::OpenQuote };
                self.refuse_first(error, records)
            }
            State::Start | State::Plain | State::Closed | State::Padded => self.complete(records),
        }
    }

    /// The record that is held has come to its end.
    fn complete(&mut self, records: &mut Vec<Record>) -> Result<(), HeadError> {
        let scan = std::mem::take(&mut self.scan);
        if self.names.is_empty() {
            self.held.clear();
            self.names = unique_names(&scan.cells().ok_or(HeadError::NotUtf8)?);
            return Ok(());
        }
        match body(&self.names, scan) {
            Ok(body) => {
                self.held.clear();
                records.push(Record::Body(body));
                Ok(())
            }
            Err(error) => self.refuse_first(error, records),
        }
    }

    /// Refuses the first line that is held, and reads the others anew: each by itself, but the last one, with
    /// which another record may begin. So no line is read more than three times.
    fn refuse_first(&mut self, error: RecordError, records: &mut Vec<Record>) -> Result<(), HeadError> {
        if self.names.is_empty() {
            return Err(error.into());
        }
        let last = if self.held.len() > 1 { self.held.pop_back() } else { None };
        if let Some((line, text)) = self.held.pop_front() {
            let error = if last.is_some() { RecordError::OpenQuote } else { error };
            records.push(Record::Refused { line, text, error });
        }
        self.release(records);
        last.map_or(Ok(()), |(_, line)| self.take(line, records))
    }

    /// Reads each line that is held by itself.
    fn release(&mut self, records: &mut Vec<Record>) {
        for (line, text) in std::mem::take(&mut self.held) {
            if text.trim_ascii().is_empty() {
                continue;
            }
            let record = match row(&self.names, &text) {
                Ok(body) => Record::Body(body),
                Err(error) => Record::Refused { line, text, error },
            };
            records.push(record);
        }
    }
}

/// Where in a record the next byte is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// At the start of a cell, the only place where a quote opens.
    #[default]
    Start,
    /// In a cell without quotes.
    Plain,
    /// In a quoted cell.
    Quoted,
    /// After a quote in a quoted cell: its end, or the first of two that stand for one.
    Closed,
    /// In the space that pads a quoted cell, in which no quote opens it again.
    Padded,
    /// After text that follows a closing quote.
    Broken,
}

/// Cuts a record into cells.
#[derive(Debug, Default)]
struct Scan {
    state: State,
    /// The cells that have ended.
    cells: Vec<Vec<u8>>,
    cell: Vec<u8>,
    /// Bytes so far.
    size: usize,
}

impl Scan {
    fn byte(&mut self, byte: u8) {
        self.size += 1;
        self.state = match (self.state, byte) {
            (State::Broken, _) => State::Broken,
            (State::Start, b'"') => State::Quoted,
            (State::Start | State::Plain | State::Closed | State::Padded, b',') => {
                self.cells.push(std::mem::take(&mut self.cell));
                State::Start
            }
            (State::Start | State::Plain, _) => self.keep(byte, State::Plain),
            (State::Quoted, b'"') => State::Closed,
            (State::Quoted, _) => self.keep(byte, State::Quoted),
            (State::Closed, b'"') => self.keep(byte, State::Quoted),
            // Some programs pad their cells.
            (State::Closed | State::Padded, b' ' | b'\t') => State::Padded,
            (State::Closed | State::Padded, _) => State::Broken,
        };
    }

    fn keep(&mut self, byte: u8, state: State) -> State {
        self.cell.push(byte);
        state
    }

    /// The cells of a record that has ended; `None` where it is not UTF-8.
    fn cells(mut self) -> Option<Vec<String>> {
        self.cells.push(self.cell);
        self.cells.into_iter().map(|cell| String::from_utf8(cell).ok()).collect()
    }
}

/// A row that stands on one line.
fn row(names: &[String], line: &[u8]) -> Result<Value, RecordError> {
    let mut scan = Scan::default();
    line.iter().for_each(|byte| scan.byte(*byte));
    match scan.state {
        State::Quoted => Err(RecordError::OpenQuote),
        State::Broken => Err(RecordError::AfterQuote),
        State::Start | State::Plain | State::Closed | State::Padded => body(names, scan),
    }
}

/// The body of a row whose quotes are closed.
fn body(names: &[String], scan: Scan) -> Result<Value, RecordError> {
    let cells = scan.cells().ok_or(RecordError::NotUtf8)?;
    if cells.len() != names.len() {
        return Err(RecordError::Cells { cells: cells.len(), columns: names.len() });
    }
    let members = names.iter().zip(&cells);
    Ok(Value::Map(members.map(|(name, cell)| (name.as_str().into(), typed(cell))).collect::<Map>()))
}

/// Names for the columns: a second `a` becomes `a_2`, and the third column without a name `column_3`. Where a column has
/// that name already, the number is the next one that is free.
fn unique_names(cells: &[String]) -> Vec<String> {
    let written: HashSet<&str> = cells.iter().map(|cell| cell.trim()).collect();
    let mut names: IndexSet<String> = IndexSet::with_capacity(cells.len());
    for (number, cell) in (1_usize..).zip(cells) {
        let cell = cell.trim();
        let name = if cell.is_empty() || names.contains(cell) {
            let stem = if cell.is_empty() { "column" } else { cell };
            let mut numbered = (number..).map(|number| format!("{stem}_{number}"));
            let is_free = |name: &String| !written.contains(name.as_str()) && !names.contains(name);
            numbered.find(is_free).expect("the numbers do not run out")
        } else {
            cell.to_owned()
        };
        names.insert(name);
    }
    names.into_iter().collect()
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
    use proptest::collection::vec;
    use proptest::prelude::proptest;

    use super::*;

    /// Bodies as JSON; refused rows as `LINE TEXT: REASON`.
    fn check(text: &str, expected: &[&str]) {
        let records = Table::read(text.as_bytes()).expect("a head");
        let seen: Vec<String> = records
            .into_iter()
            .map(|record| match record {
                Record::Body(body) => {
                    String::from_utf8_lossy(&json::encode(&body).expect("JSON")).into_owned()
                }
                Record::Refused { line, text, error } => {
                    format!("{line} {}: {error}", String::from_utf8_lossy(&text))
                }
            })
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn cells_are_typed_and_empty_ones_are_null() {
        check(
            "\u{feff}time,value,code,on\n1,21.5,0012,true\n2,,\" a, b \" ,\n",
            &[
                r#"{"time":1,"value":21.5,"code":"0012","on":true}"#,
                r#"{"time":2,"value":null,"code":"a, b","on":null}"#,
            ],
        );
    }

    #[test]
    fn a_quoted_cell_may_hold_lines_and_quotes() {
        check("a,b\n\"one\n\ntwo\",\"say \"\"x\"\"\"", &[r#"{"a":"one\n\ntwo","b":"say \"x\""}"#]);
    }

    #[test]
    fn columns_that_share_a_name_are_kept_apart() {
        check("a,a,\n1,2,3", &[r#"{"a":1,"a_2":2,"column_3":3}"#]);
        check("a,a_3,a\n1,2,3", &[r#"{"a":1,"a_3":2,"a_4":3}"#]);
        check("a,a,a_2\n1,2,3", &[r#"{"a":1,"a_3":2,"a_2":3}"#]);
        check(",column_1\n1,2", &[r#"{"column_2":1,"column_1":2}"#]);
    }

    #[test]
    fn an_inch_mark_is_part_of_its_cell() {
        check(
            "id,size\n1,3\"\n2,5\n3,4\"\n4,6",
            &[
                r#"{"id":1,"size":"3\""}"#,
                r#"{"id":2,"size":5}"#,
                r#"{"id":3,"size":"4\""}"#,
                r#"{"id":4,"size":6}"#,
            ],
        );
    }

    #[test]
    fn an_unclosed_quote_takes_no_other_row_with_it() {
        let open = "not CSV: a quote at the start of a cell is not closed";
        let (two, four) = (r#"{"a":2,"b":5}"#, r#"{"a":4,"b":"x\ny"}"#);
        check("a,b\n1,\"3\n2,5\n", &[&format!("2 1,\"3: {open}"), two]);
        check("a,b\n1,\"3\n2,5\n4,\"x\ny\"\n", &[&format!("2 1,\"3: {open}"), two, four]);
        check(
            "a,b\n1,\"3\n2,5\n3,\",7\n2,5",
            &[&format!("2 1,\"3: {open}"), two, &format!("4 3,\",7: {open}"), two],
        );
    }

    #[test]
    fn a_quote_after_the_padding_of_a_cell_does_not_open_it_again() {
        let after = "not CSV: there is text after the closing quote of a cell";
        check(
            "a,b\n\"1\" ,\"x\"\t \n\"1\" \"2\",x\n\"1\"\t\"2,x\n3,\"y\"\n",
            &[
                r#"{"a":1,"b":"x"}"#,
                &format!("3 \"1\" \"2\",x: {after}"),
                &format!("4 \"1\"\t\"2,x: {after}"),
                r#"{"a":3,"b":"y"}"#,
            ],
        );
    }

    #[test]
    fn a_bad_row_is_refused_alone_with_its_text() {
        let after = "not CSV: there is text after the closing quote of a cell";
        check(
            "a,b\n1\n\"x\"y,2\n3,4",
            &["2 1: the row has 1 value for 2 columns", &format!("3 \"x\"y,2: {after}"), r#"{"a":3,"b":4}"#],
        );
        let records = Table::read(b"a\n\xb0\n1").expect("a head");
        let text = b"\xb0".to_vec();
        assert_eq!(records[0], Record::Refused { line: 2, text, error: RecordError::NotUtf8 });
        assert_eq!(records.len(), 2);
    }

    #[test]
    fn a_row_never_takes_the_place_of_the_head() {
        assert_eq!(Table::read(b"t,\xb0C\n1,2\n"), Err(HeadError::NotUtf8));
        assert_eq!(Table::read(b"t,\"C\n1,2\n"), Err(HeadError::NoRecord(RecordError::OpenQuote)));
        assert_eq!(Table::read(b"\xff\xfet\0\n\x001\0"), Err(HeadError::NotUtf8));
    }

    #[test]
    fn a_table_may_end_its_lines_with_cr() {
        check("a\r1\r2\r", &[r#"{"a":1}"#, r#"{"a":2}"#]);
    }

    #[test]
    fn many_open_quotes_cost_no_more_than_other_rows() {
        let text = format!("a,b\n{}", "a\",\"b\n".repeat(300_000));
        assert_eq!(Table::read(text.as_bytes()).expect("a head").len(), 300_000);
    }

    proptest! {
        #[test]
        fn each_line_is_in_one_record(lines in vec("[a\"]{0,3}(,[a\" ]{0,3}){0,2}", 0..12)) {
            let filled = lines.iter().filter(|line| !line.trim().is_empty());
            let text = format!("x,y\n{}", lines.join("\n"));
            let rows: usize = Table::read(text.as_bytes()).expect("a head").iter().map(|record| match record {
                Record::Refused { .. } => 1,
                // The lines that a quoted cell holds are part of its record.
                Record::Body(body) => {
                    let cells = body.as_map().expect("a row").values();
                    1 + cells.filter_map(Value::as_text).map(|cell| cell.matches('\n').count()).sum::<usize>()
                }
            }).sum();
            // Empty lines count only within a cell; `trim` takes those off that end it.
            assert!(rows <= lines.len(), "{text}");
            if lines.iter().all(|line| !line.contains('"')) {
                assert_eq!(rows, filled.count(), "{text}");
            }
        }
    }
}
