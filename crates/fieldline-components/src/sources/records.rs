//! [`Records`]: turns lines of text into bodies. What is no record is refused with its text, so that nothing of a
//! recording vanishes and `fieldline replay` can put in what was mended.

use std::sync::Arc;

use bytes::Bytes;
use fieldline_core::{
    Draft, EventError, HeadError, Line, MOST_LINE_BYTES, Meta, Record, RecordError, Table, Value, json,
};
use jiff::Timestamp;

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

/// A text that is no record.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    /// The line on which it begins, from 1.
    line: u64,
    text: Vec<u8>,
    error: EventError,
}

impl Refusal {
    /// The draft for the dead letter: the text as it came, and its line.
    pub(crate) fn into_failed(self, time: Timestamp, source: Arc<str>) -> (Draft, EventError) {
        let body = match String::from_utf8(self.text) {
            Ok(text) => Value::from([("text", Value::from(text))]),
            Err(error) => Value::from([("payload", Value::Bytes(Bytes::from(error.into_bytes())))]),
        };
        let mut meta = Meta::new(time, source);
        meta.fields.insert("line".into(), Value::Int(self.line.cast_signed()));
        (Draft { body, meta }, self.error)
    }
}

/// What the lines of a text hold: a body, or what could not become one.
pub(crate) type Taken = Result<Value, Refusal>;

/// Reads one line after the other.
pub(crate) struct Records {
    writing: Writing,
    /// Lines so far.
    line: u64,
    /// The reader of comma-separated values.
    table: Table,
}

impl Records {
    /// Begins before the first line.
    pub(crate) fn new(writing: Writing) -> Self {
        Records { writing, line: 0, table: Table::default() }
    }

    /// What the next line completes, at the end of `taken`.
    ///
    /// # Errors
    /// If it is the line of a table's names and cannot be read.
    pub(crate) fn push(&mut self, line: Line, taken: &mut impl Extend<Taken>) -> Result<(), HeadError> {
        if self.writing == Writing::Csv {
            let mut records = Vec::new();
            self.table.push(line, &mut records)?;
            taken.extend(records.into_iter().map(from_table));
            return Ok(());
        }
        self.line += 1;
        taken.extend(self.read(line));
        Ok(())
    }

    /// What was begun and never completed.
    ///
    /// # Errors
    /// If that is the line of a table's names.
    pub(crate) fn finish(&mut self, taken: &mut impl Extend<Taken>) -> Result<(), HeadError> {
        let mut records = Vec::new();
        self.table.finish(&mut records)?;
        taken.extend(records.into_iter().map(from_table));
        Ok(())
    }

    /// A line that is a record by itself; `None` where it is empty.
    fn read(&self, line: Line) -> Option<Taken> {
        let mut bytes = match line {
            Line::Whole(bytes) => bytes,
            Line::TooLong(text) => {
                let message = format!("the line is longer than {MOST_LINE_BYTES} bytes");
                let error = EventError::new("line_too_long", message);
                return Some(Err(Refusal { line: self.line, text, error }));
            }
        };
        if self.line == 1 && bytes.starts_with("\u{feff}".as_bytes()) {
            bytes.drain(.."\u{feff}".len());
        }
        if self.writing == Writing::Text {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            return Some(Ok(Value::from([("text", text.into())])));
        }
        if bytes.trim_ascii().is_empty() {
            return None;
        }
        let body = json::decode(&bytes);
        Some(body.map_err(|error| {
            let error = EventError::new("not_json", error.to_string());
            Refusal { line: self.line, text: bytes, error }
        }))
    }
}

fn from_table(record: Record) -> Taken {
    match record {
        Record::Body(body) => Ok(body),
        Record::Refused { line, text, error } => {
            let reason = if error == RecordError::TooLong { "line_too_long" } else { "not_csv" };
            Err(Refusal { line, text, error: EventError::new(reason, error.to_string()) })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{Just, Strategy, prop_oneof, proptest};

    use fieldline_core::Lines;

    use super::*;

    fn read(writing: Writing, text: &[u8]) -> Result<Vec<Taken>, HeadError> {
        let (mut lines, mut records, mut taken) = (Lines::default(), Records::new(writing), Vec::new());
        lines.feed(text);
        while let Some(line) = lines.next_line() {
            records.push(line, &mut taken)?;
        }
        if let Some(line) = lines.finish() {
            records.push(line, &mut taken)?;
        }
        records.finish(&mut taken)?;
        Ok(taken)
    }

    #[test]
    fn a_line_that_is_no_json_is_refused_with_its_text() {
        let taken = read(Writing::Jsonl, b"{\"a\":1}\n\n{\"t\":NaN,\"h\":40}\n").expect("no head is needed");
        assert_eq!(taken[0], Ok(Value::from([("a", Value::Int(1))])));
        let Err(refusal) = &taken[1] else { panic!("{taken:?}") };
        assert_eq!(
            (refusal.line, refusal.text.as_slice(), refusal.error.reason),
            (3, b"{\"t\":NaN,\"h\":40}".as_slice(), "not_json")
        );
        assert_eq!(taken.len(), 2);
    }

    #[test]
    fn text_is_taken_as_it_is() {
        let texts = ["hello", ""].map(|text| Ok(Value::from([("text", Value::from(text))])));
        assert_eq!(read(Writing::Text, b"hello\n\n"), Ok(Vec::from(texts)));
    }

    /// Pieces of which a text is put together: whole, broken and strange ones.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let texts = ["\"", ",", "\n", "\r", "\r\n", "\0", "\u{feff}", "a", " ", "{\"a\":1}", "NaN", "3\""];
        prop_oneof![
            20 => proptest::sample::select(texts.map(|text| text.as_bytes().to_vec()).to_vec()),
            2 => Just(vec![0xff]),
            1 => Just(vec![b'x'; MOST_LINE_BYTES + 1]),
        ]
    }

    /// The lines of a text that are not empty, counted without [`Lines`].
    fn filled_lines(text: &[u8]) -> usize {
        let lines = text.split(|byte| matches!(byte, b'\n' | b'\r'));
        lines.filter(|line| !line.trim_ascii().is_empty()).count()
    }

    /// The filled lines that a record stands on: a quoted cell may hold more of them.
    fn lines_of(taken: &Taken) -> usize {
        match taken {
            Err(_) => 1,
            Ok(body) => {
                let cells = body.as_map().into_iter().flat_map(|map| map.values());
                let text: String = cells.filter_map(Value::as_text).collect::<Vec<_>>().join(",");
                // What `trim` took off the ends of a cell may have been a line with a quote.
                text.matches('\n').count() + 1
            }
        }
    }

    proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(40))]
        #[test]
        fn every_filled_line_of_rubbish_is_delivered_or_refused(pieces in vec(piece(), 0..40)) {
            let text = pieces.concat();
            let taken = read(Writing::Jsonl, &text).expect("no head is needed");
            let bom_alone = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
            assert_eq!(taken.len(), filled_lines(bom_alone));
            let table = [b"k,v\n", text.as_slice()].concat();
            let taken = read(Writing::Csv, &table).expect("a head");
            let is_quoted = text.contains(&b'"');
            if is_quoted {
                assert!(taken.len() <= filled_lines(&text));
                assert!(taken.is_empty() == (filled_lines(&text) == 0));
            } else {
                assert_eq!(taken.iter().map(lines_of).sum::<usize>(), filled_lines(&text));
            }
        }
    }
}
