//! Rules about whole pipelines and whole programs, one file each.

pub(crate) mod claims;
mod connections;
mod graph;
pub(crate) mod policy;
mod topics;

use crate::diagnostics::Diagnostics;
use crate::files::FileSet;
use crate::resolve::Resolved;
use crate::spec::PipelineSpec;
use crate::wire::Wiring;

/// Checks one pipeline.
pub(crate) fn pipeline(
    spec: &PipelineSpec,
    resolved: &[Option<Resolved>],
    wiring: &Wiring,
    files: &FileSet,
    diagnostics: &mut Diagnostics,
) {
    connections::check(spec, resolved, files, diagnostics);
    graph::check(spec, resolved, wiring, diagnostics);
    topics::check(spec, resolved, wiring, files, diagnostics);
}
