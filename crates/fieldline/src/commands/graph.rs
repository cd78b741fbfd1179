//! `fieldline graph`: the pipelines as a picture.

use fieldline_compiler::draw;

use crate::cli::{Drawing, Format, GraphOptions};
use crate::exit::Exit;
use crate::{disk, output};

/// Prints the graph of everything that is whole.
pub(crate) fn graph(options: &GraphOptions) -> anyhow::Result<Exit> {
    let compiled = disk::compile_paths(&options.paths);
    output::diagnostics(&compiled, Format::Human);
    let drawn = match options.format {
        Drawing::Mermaid => draw::mermaid(&compiled.plan),
        Drawing::Dot => draw::dot(&compiled.plan),
    };
    output::print(drawn.trim_end());
    Ok(if compiled.is_ok() { Exit::Done } else { Exit::BadConfig })
}
