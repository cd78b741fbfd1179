//! `fieldline check`: exactly what `run` does first.

use std::path::PathBuf;

use anyhow::anyhow;
use fieldline_core::amount;

use crate::cli::{CheckOptions, Format};
use crate::exit::Exit;
use crate::{disk, output};

/// Compiles, prints what is wrong and says so in the exit code.
pub(crate) fn check(options: &CheckOptions) -> anyhow::Result<Exit> {
    let compiled = disk::compile_paths(&options.paths);
    output::diagnostics(&compiled, options.format);
    if compiled.is_ok() && compiled.plan.pipelines.is_empty() {
        output::error(&only_templates(&compiled.templates));
        return Ok(Exit::BadConfig);
    }
    if options.resolved {
        let texts: Vec<&str> = compiled.resolved.values().map(String::as_str).collect();
        output::print(texts.join("---\n").trim_end());
    } else if options.format == Format::Human {
        let pipelines = amount(compiled.plan.pipelines.len(), "pipeline", "pipelines");
        let nodes = amount(compiled.plan.nodes.len(), "node", "nodes");
        let found = output::count(&compiled).unwrap_or_else(|| "no problems".into());
        output::print(format!("{found}; {pipelines} with {nodes} can run"));
    }
    Ok(if compiled.is_ok() { Exit::Done } else { Exit::BadConfig })
}

/// Why a check of templates alone is no success: what they become is known only with their params.
fn only_templates(templates: &[PathBuf]) -> anyhow::Error {
    let templates: Vec<_> = templates.iter().map(|file| format!("`{}`", file.display())).collect();
    anyhow!(
        "no pipeline found: a template is checked with a station file that uses it, and nobody uses {}",
        templates.join(", ")
    )
}
