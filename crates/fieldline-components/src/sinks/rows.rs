//! [`Columns`]: how an event becomes a line of a file, as JSON or as comma-separated values.

use std::borrow::Cow;

use fieldline_core::{ComponentError, Event, Map, Value, json};

use crate::lookup::Lookup;

/// What a line of a file is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// The whole body as one JSON text.
    Json,
    /// Comma-separated values of these places.
    Chosen(Vec<Lookup>),
    /// Comma-separated values of every member of the body, under these names.
    Found(Vec<String>),
}

impl Columns {
    /// The columns that fit the body of the first event of a file.
    pub(crate) fn of(event: &Event) -> Result<Self, ComponentError> {
        let members = members(event)?;
        if !event.body().is_finite() {
            return Err(not_json(json::JsonError::NotFinite));
        }
        let names = members.keys().map(|name| name.to_string());
        Ok(Columns::Found(names.collect()))
    }

    /// The columns of a file that begins with this line.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, ComponentError> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line);
        let mut row = csv::StringRecord::new();
        let error =
            |error| ComponentError::permanent("bad_columns", format!("its first line is not CSV: {error}"));
        reader.read_record(&mut row).map_err(error)?;
        Ok(Columns::Found(row.iter().map(str::to_owned).collect()))
    }

    /// The names of the columns; none for JSON.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Columns::Json => Vec::new(),
            Columns::Chosen(places) => places.iter().map(Lookup::to_string).collect(),
            Columns::Found(names) => names.clone(),
        }
    }

    /// Appends the line of names that a file begins with, if it needs one.
    pub(crate) fn append_names(&self, text: &mut Vec<u8>) {
        for (position, name) in self.names().iter().enumerate() {
            if position > 0 {
                text.push(b',');
            }
            append_text(name.as_bytes(), text);
        }
        if *self != Columns::Json {
            text.push(b'\n');
        }
    }

    /// Appends the line of `event`; where it cannot be said, nothing is appended.
    pub(crate) fn append(&self, event: &Event, text: &mut Vec<u8>) -> Result<(), ComponentError> {
        let before = text.len();
        let result = self.try_append(event, text);
        if result.is_err() {
            text.truncate(before);
        }
        result
    }

    fn try_append(&self, event: &Event, text: &mut Vec<u8>) -> Result<(), ComponentError> {
        match self {
            Columns::Json => {
                json::encode_into(event.body(), text).map_err(not_json)?;
                text.push(b'\n');
                Ok(())
            }
            Columns::Chosen(places) => append_cells(places.iter().map(|place| place.get(event)), text),
            Columns::Found(names) => {
                let members = members(event)?;
                if let Some(stranger) = members.keys().find(|key| !names.iter().any(|name| name == *key)) {
                    let message = format!("the file has no column `{stranger}`; name its `columns`");
                    return Err(ComponentError::permanent("unknown_column", message));
                }
                append_cells(names.iter().map(|name| members.get(name.as_str()).map(Cow::Borrowed)), text)
            }
        }
    }
}

fn members(event: &Event) -> Result<&Map, ComponentError> {
    let error = || ComponentError::permanent("not_a_map", "the body has no fields that could be columns");
    event.body().as_map().ok_or_else(error)
}

fn not_json(error: json::JsonError) -> ComponentError {
    ComponentError::permanent("not_json", error)
}

fn append_cells<'v>(
    cells: impl Iterator<Item = Option<Cow<'v, Value>>>,
    line: &mut Vec<u8>,
) -> Result<(), ComponentError> {
    for (position, cell) in cells.enumerate() {
        if position > 0 {
            line.push(b',');
        }
        match cell.as_deref() {
            None | Some(Value::Null) => {}
            Some(Value::Text(text)) => append_text(text.as_bytes(), line),
            Some(scalar @ (Value::Bool(_) | Value::Int(_) | Value::Float(_))) => {
                json::encode_into(scalar, line).map_err(not_json)?;
            }
            Some(other) => append_text(&json::encode(other).map_err(not_json)?, line),
        }
    }
    line.push(b'\n');
    Ok(())
}

/// A cell as RFC 4180 writes it. The empty text is quoted, which tells it from null.
fn append_text(text: &[u8], line: &mut Vec<u8>) {
    let plain = !text.is_empty()
        && text.trim_ascii().len() == text.len()
        && !text.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if plain {
        line.extend_from_slice(text);
        return;
    }
    line.push(b'"');
    for byte in text {
        if *byte == b'"' {
            line.push(b'"');
        }
        line.push(*byte);
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use fieldline_core::{Door, Meta, Receipt};
    use jiff::Timestamp;

    use super::*;

    fn line(columns: &Columns, body: &str) -> Result<String, &'static str> {
        let meta = Meta::new(Timestamp::UNIX_EPOCH, "drying/air".into());
        let event = Event::new(json::decode(body.as_bytes()).expect("JSON"), meta, Receipt::untracked());
        let mut text = b"before\n".to_vec();
        let result = columns.append(&event, &mut text);
        event.finish(Door::Delivered);
        let text = String::from_utf8(text).expect("UTF-8");
        match result {
            Ok(()) => Ok(text["before\n".len()..].to_owned()),
            Err(error) => {
                assert_eq!(text, "before\n");
                Err(error.reason())
            }
        }
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let columns = Columns::Found(["a", "b", "c"].map(str::to_owned).to_vec());
        assert_eq!(line(&columns, r#"{"c":1.5,"a":"x"}"#), Ok("x,,1.5\n".into()));
        assert_eq!(
            line(&columns, r#"{"a":"say \"x\", y","b":"","c":" z"}"#),
            Ok("\"say \"\"x\"\", y\",\"\",\" z\"\n".into())
        );
        assert_eq!(
            line(&columns, r#"{"a":[1,"x"],"b":true,"c":null}"#),
            Ok("\"[1,\"\"x\"\"]\",true,\n".into())
        );
    }

    #[test]
    fn what_has_no_column_is_refused_and_not_left_out() {
        let columns = Columns::Found(vec!["a".to_owned()]);
        assert_eq!(line(&columns, r#"{"a":1,"b":2}"#), Err("unknown_column"));
        assert_eq!(line(&columns, "5"), Err("not_a_map"));
    }

    #[test]
    fn chosen_columns_reach_into_body_and_metadata() {
        let places = ["meta.source", "state.t", "none"].map(|text| Lookup::parse(text).expect("a place"));
        let columns = Columns::Chosen(places.to_vec());
        let mut names = Vec::new();
        columns.append_names(&mut names);
        assert_eq!(names, b"meta.source,state.t,none\n");
        assert_eq!(line(&columns, r#"{"state":{"t":5},"b":2}"#), Ok("drying/air,5,\n".into()));
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let columns = Columns::Found(["a", "b, c", "d \"e\""].map(str::to_owned).to_vec());
        let mut names = Vec::new();
        columns.append_names(&mut names);
        assert_eq!(Columns::parse(&names), Ok(columns));
    }
}
