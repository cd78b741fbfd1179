//! Every node's connection exists and is one; every connection is used.

use std::collections::HashSet;

use fieldline_core::Kind;
use fieldline_core::suggest::nearest;

use crate::diagnostics::Diagnostics;
use crate::nodes::fields::Fields;
use crate::nodes::resolve::Resolved;
use crate::nodes::spec::PipelineSpec;
use crate::text::files::FileSet;

/// Checks the connections of one pipeline.
pub(super) fn check(
    spec: &PipelineSpec,
    resolved: &[Option<Resolved>],
    files: &FileSet,
    diagnostics: &mut Diagnostics,
) {
    let connections = || spec.nodes.iter().filter(|node| node.kind == Kind::Connection);
    let errors = diagnostics.errors();
    let mut used = HashSet::new();
    for (node, resolved) in spec.nodes.iter().zip(resolved) {
        let Some((field, name)) = resolved.as_ref().and_then(|resolved| resolved.facts.connection.as_ref())
        else {
            continue;
        };
        used.insert(name.as_str());
        let (span, _) = Fields::of(&node.config, files).value(node, field);
        match spec.nodes.iter().find(|node| node.id == *name) {
            Some(found) if found.kind == Kind::Connection => {
                let wanted = resolved.as_ref().and_then(|resolved| resolved.facts.connection_type);
                let is = found.definition.as_ref().map(|definition| definition.name);
                if let (Some(wanted), Some(is)) = (wanted, is)
                    && wanted != is
                {
                    diagnostics.connection_of_other_type(span, name, is, &node.id, wanted, found.span);
                }
            }
            Some(found) => diagnostics.wrong_connection(span, name, found.kind.word(), found.span),
            None => {
                let meant = nearest(name, connections().map(|node| node.id.as_str()));
                let similar =
                    connections().find(|node| Some(node.id.as_str()) == meant).map(|node| node.span);
                diagnostics.unknown_connection(span, name, meant.zip(similar));
            }
        }
    }
    let whole = diagnostics.errors() == errors && resolved.iter().all(Option::is_some);
    let alone = spec.nodes.iter().all(|node| node.kind == Kind::Connection);
    for node in connections().filter(|node| whole && !alone && !used.contains(node.id.as_str())) {
        diagnostics.unused(node.span, "connection", &node.id);
    }
}
