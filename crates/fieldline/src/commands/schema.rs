//! `fieldline schema`: the JSON Schema of pipeline files, from which editors complete and check.

use std::process::ExitCode;

use serde_json::{Map, Value};

use crate::cli::SchemaOptions;
use crate::{disk, output};

/// Prints the schema, or writes it to a file, which it overwrites.
pub(crate) fn schema(options: &SchemaOptions) -> anyhow::Result<ExitCode> {
    let text =
        serde_json::to_string_pretty(&commented(fieldline_compiler::schema::schema(&disk::registry())))?;
    match &options.out {
        None => output::print(text),
        Some(path) => {
            disk::write(path, &format!("{text}\n"))?;
            output::print(format!("wrote {}", path.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The schema with a first line that says where it comes from.
fn commented(schema: Value) -> Value {
    let comment =
        "Written by `fieldline schema --out FILE` from the definitions of the components; do not edit.";
    let mut all = Map::from_iter([("$comment".to_owned(), comment.into())]);
    match schema {
        Value::Object(schema) => all.extend(schema),
        other => return other,
    }
    Value::Object(all)
}
