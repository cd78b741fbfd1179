//! `fieldline schema`: the JSON Schema of pipeline files, from which editors complete and check, and the OpenAPI document
//! of the admin listener.

use crate::cli::SchemaOptions;
use crate::exit::Exit;
use crate::{admin, disk, output};

/// Written from the definitions of the components, as a test sees to.
const SCHEMA: &str = include_str!("../../../../schemas/pipeline.schema.json");

/// Prints it, or writes it to a file, which it overwrites.
pub(crate) fn schema(options: &SchemaOptions) -> anyhow::Result<Exit> {
    let text = if options.openapi { admin::OPENAPI } else { SCHEMA };
    match &options.out {
        None => output::print(text.trim_end()),
        Some(path) => {
            disk::write(path, text)?;
            output::print(format!("wrote {}", path.display()));
        }
    }
    Ok(Exit::Done)
}
