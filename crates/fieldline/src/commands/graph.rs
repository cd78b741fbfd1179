//! `fieldline graph`: the pipelines as a picture.

use std::process::ExitCode;

use crate::cli::{BAD_CONFIG, Format, GraphOptions};
use crate::{disk, output};

/// Prints the graph of everything that is whole.
pub(crate) fn graph(options: &GraphOptions) -> anyhow::Result<ExitCode> {
    let compiled = disk::compile_paths(&options.paths);
    output::diagnostics(&compiled, Format::Human);
    output::print(fieldline_compiler::draw::mermaid(&compiled.plan).trim_end());
    Ok(if compiled.is_ok() { ExitCode::SUCCESS } else { BAD_CONFIG.into() })
}
