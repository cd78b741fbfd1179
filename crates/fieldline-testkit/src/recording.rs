//! Reads recordings, one JSON text a line or comma-separated values below a line of names; writes a body as JSON.

use std::path::Path;

use fieldline_compiler::FileSource;
use fieldline_core::{Record, Table, Value, json};

use crate::error::{BodyError, RecordingError};

/// The bodies in the file at `path`; one whose name ends in `.csv` is a table.
pub(crate) fn read(path: &Path, files: &dyn FileSource) -> Result<Vec<Value>, RecordingError> {
    let unreadable = |error| RecordingError::Unreadable { path: path.to_owned(), error };
    let bytes = files.read(path).map_err(unreadable)?;
    let is_table = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let bodies = if is_table { table(&bytes) } else { lines(&bytes) };
    bodies.map_err(|error| RecordingError::NoBodies { path: path.to_owned(), error })
}

/// Each line that is not empty as a body.
pub(crate) fn lines(bytes: &[u8]) -> Result<Vec<Value>, BodyError> {
    let lines = bytes.split(|byte| *byte == b'\n').zip(1..);
    let filled = lines.filter(|(line, _)| !line.trim_ascii().is_empty());
    filled
        .map(|(line, number)| json::decode(line).map_err(|error| BodyError::Line { number, error }))
        .collect()
}

/// A body as JSON; one that holds what JSON cannot say, as the program sees it.
pub(crate) fn text(value: &Value) -> String {
    match json::encode(value) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => format!("{value:?}"),
    }
}

/// The rows of a table, read as the `file` source reads them; none may be refused.
fn table(bytes: &[u8]) -> Result<Vec<Value>, BodyError> {
    let body = |record| match record {
        Record::Body(body) => Ok(body),
        Record::Refused { line: number, error, .. } => Err(BodyError::Row { number, error }),
    };
    Table::read(bytes)?.into_iter().map(body).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_typed_cells_and_null_for_empty_ones() {
        let bodies = table(b"time,t,on\n1,21.5,true\n2,,x\n").expect("a table");
        assert_eq!(text(&bodies[0]), r#"{"time":1,"t":21.5,"on":true}"#);
        assert_eq!(text(&bodies[1]), r#"{"time":2,"t":null,"on":"x"}"#);
    }

    #[test]
    fn a_row_that_does_not_fit_is_named() {
        let error = table(b"a,b\n1,2\"\n3\n").expect_err("a value is missing");
        assert_eq!(error.to_string(), "line 3: the row has 1 value for 2 columns");
    }

    #[test]
    fn a_line_that_is_no_json_is_named() {
        assert!(lines(b"{}\n\n{").expect_err("no JSON").to_string().starts_with("line 3: not JSON"));
    }
}
