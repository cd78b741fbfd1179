//! `fieldline schema`: the JSON Schema of pipeline files, from which editors complete and check.

use std::process::ExitCode;

use crate::cli::SchemaOptions;
use crate::{disk, output};

/// Written from the definitions of the components, as a test sees to.
const SCHEMA: &str = include_str!("../../../../schemas/pipeline.schema.json");

/// Prints the schema, or writes it to a file, which it overwrites.
pub(crate) fn schema(options: &SchemaOptions) -> anyhow::Result<ExitCode> {
    match &options.out {
        None => output::print(SCHEMA.trim_end()),
        Some(path) => {
            disk::write(path, SCHEMA)?;
            output::print(format!("wrote {}", path.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
