//! Rules about whole pipelines and whole programs, one file each.

mod claims;
mod connections;
mod control;
pub(crate) mod cross;
mod cycles;
mod documents;
mod graph;
mod reach;
mod sessions;
pub(crate) mod templates;
mod topics;

use fieldline_core::Kind;

use crate::diagnostics::Diagnostics;
use crate::graph::wire::Wiring;
use crate::nodes::resolve::Resolved;
use crate::nodes::spec::PipelineSpec;
use crate::text::files::FileSet;

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
    control::check(spec, resolved, wiring, files, diagnostics);
    sessions::check(spec, resolved, files, diagnostics);
}

/// The connection that `node` names, by its position; `None` where there is none.
fn connection(spec: &PipelineSpec, resolved: &[Option<Resolved>], node: usize) -> Option<usize> {
    let (_, name) = resolved[node].as_ref()?.facts.connection.as_ref()?;
    spec.nodes.iter().position(|node| node.kind == Kind::Connection && node.id == *name)
}

/// Who is at the other end of the connection of `node`, the same for all who speak to it.
fn peer(spec: &PipelineSpec, resolved: &[Option<Resolved>], node: usize) -> Option<String> {
    let connection = connection(spec, resolved, node)?;
    let address = resolved[connection].as_ref()?.facts.peer.clone();
    Some(address.unwrap_or_else(|| format!("{}/{}", spec.name, spec.nodes[connection].id)))
}
