//! Any bytes as a file of comma-separated values, and as lines: each line that holds something is in one event or one
//! refusal, and each event is what csv-core reads in its lines.

#![no_main]

use csv_core::{ReadRecordResult, ReaderBuilder};
use fieldline_core::{Line, Lines, Record, Table, Value, json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&piece, text)) = bytes.split_first() else { return };
    let expected = lines(text);
    assert_eq!(lines_in_pieces(text, usize::from(piece) + 1), expected);
    let text_of_head = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let Ok(records) = Table::read(text) else { return };
    account(&lines(text_of_head), records);
});

/// The lines of a text, cut without [`Lines`].
fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    let (mut lines, mut line, mut bytes) = (Vec::new(), Vec::new(), text.iter().peekable());
    while let Some(&byte) = bytes.next() {
        if byte != b'\n' && byte != b'\r' {
            line.push(byte);
            continue;
        }
        if byte == b'\r' {
            bytes.next_if_eq(&&b'\n');
        }
        lines.push(std::mem::take(&mut line));
    }
    lines.extend((!line.is_empty()).then_some(line));
    lines
}

fn lines_in_pieces(text: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (mut lines, mut found) = (Lines::default(), Vec::new());
    for piece in text.chunks(size) {
        lines.feed(piece);
        found.extend(std::iter::from_fn(|| lines.next_line()));
    }
    found.extend(lines.finish());
    let whole = found.into_iter().map(|line| match line {
        Line::Whole(line) => line,
        Line::TooLong(_) => panic!("no input is that long"),
    });
    whole.collect()
}

/// Goes through the records beside the lines: nothing is left over, twice or out of order.
fn account(lines: &[Vec<u8>], records: Vec<Record>) {
    let mut at = 0;
    let (head, _) = take(lines, &mut at).unwrap_or_default();
    for record in records {
        match record {
            Record::Refused { line, text, .. } => {
                skip_blank(lines, &mut at);
                assert_eq!((line, &text), (at as u64 + 1, &lines[at]));
                at += 1;
            }
            Record::Body(body) => {
                let (cells, text) = take(lines, &mut at).expect("a body has lines");
                assert_eq!(cells.len(), head.len(), "{text:?}");
                let values: Vec<&Value> = body.as_map().expect("a row").values().collect();
                assert_eq!(values.len(), cells.len(), "no column takes the place of another: {head:?}");
                for (value, cell) in values.into_iter().zip(&cells) {
                    agree(value, cell);
                }
            }
        }
    }
    skip_blank(lines, &mut at);
    assert_eq!(at, lines.len(), "lines that are in no record");
}

fn skip_blank(lines: &[Vec<u8>], at: &mut usize) {
    while lines.get(*at).is_some_and(|line| line.trim_ascii().is_empty()) {
        *at += 1;
    }
}

/// The cells of the next row by csv-core, and its text: as few lines as close its quotes.
fn take(lines: &[Vec<u8>], at: &mut usize) -> Option<(Vec<String>, Vec<u8>)> {
    skip_blank(lines, at);
    let mut text = lines.get(*at)?.clone();
    *at += 1;
    while !is_closed(&text) {
        text.push(b'\n');
        text.extend(lines.get(*at).expect("the quotes of a body are closed"));
        *at += 1;
    }
    // Before another cell a byte order mark is text.
    let row = [b"x,", text.as_slice()].concat();
    let (mut cells, mut ends) = (vec![0; row.len() + 1], vec![0; row.len() + 2]);
    let mut reader = ReaderBuilder::new().terminator(csv_core::Terminator::Any(b'\n')).build();
    let (_, used, length, count) = reader.read_record(&row, &mut cells, &mut ends);
    let (result, _, more, more_ends) = reader.read_record(&[], &mut cells[length..], &mut ends[count..]);
    assert!(used == row.len() && result == ReadRecordResult::Record);
    let mut start = 0;
    let cells = ends[..count + more_ends].iter().map(|end| {
        let cell =
            String::from_utf8(cells[start..(*end).min(length + more)].to_vec()).expect("a row is UTF-8");
        start = *end;
        cell
    });
    Some((cells.skip(1).collect(), text))
}

/// Whether no quoted cell is open at the end of a row; a quote opens only at the start of a cell.
fn is_closed(text: &[u8]) -> bool {
    let (mut is_open, mut at_start) = (false, true);
    for &byte in text {
        match (byte, is_open) {
            (b'"', true) => is_open = false,
            // The second of two quotes opens the cell again.
            (b'"', false) if at_start => is_open = true,
            (b',', false) => at_start = true,
            (_, false) => at_start = false,
            (_, true) => {}
        }
    }
    !is_open
}

fn agree(value: &Value, cell: &str) {
    let cell = cell.trim();
    match value {
        Value::Null => assert_eq!(cell, ""),
        Value::Text(text) => assert_eq!(text.as_str(), cell),
        number => assert_eq!(json::decode(cell.as_bytes()).ok().as_ref(), Some(number)),
    }
}
