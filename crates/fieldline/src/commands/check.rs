//! `fieldline check`: exactly what `run` does first.

use std::process::ExitCode;

use crate::cli::{BAD_CONFIG, CheckOptions, Format};
use crate::{disk, output};

/// Compiles, prints what is wrong and says so in the exit code.
pub(crate) fn check(options: &CheckOptions) -> anyhow::Result<ExitCode> {
    let compiled = disk::compile_paths(&options.paths);
    output::diagnostics(&compiled, options.format);
    if options.resolved {
        let texts: Vec<&str> = compiled.resolved.values().map(String::as_str).collect();
        output::print(texts.join("---\n").trim_end());
    } else if options.format == Format::Human {
        let pipelines = output::amount(compiled.plan.pipelines.len(), "pipeline");
        let nodes = output::amount(compiled.plan.nodes.len(), "node");
        let found = output::count(&compiled).unwrap_or_else(|| "no problems".into());
        output::print(format!("{found}; {pipelines} with {nodes} can run"));
    }
    Ok(if compiled.is_ok() { ExitCode::SUCCESS } else { BAD_CONFIG.into() })
}
