//! Promises that a connection cannot keep: each event at least once, while the other end forgets it.

use fieldline_core::Session;

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
    let facts = |node: usize| resolved[node].as_ref().map(|resolved| &resolved.facts);
    let place =
        |node: usize, field| Fields::of(&spec.nodes[node].config, files).value(&spec.nodes[node], field).0;
    for (connection, node) in spec.nodes.iter().enumerate() {
        let Some(Session::Ends(forgotten)) = facts(connection).and_then(|facts| facts.session.as_ref())
        else {
            continue;
        };
        let users =
            (0..spec.nodes.len()).filter(|user| super::connection(spec, resolved, *user) == Some(connection));
        let promises: Vec<_> = users
            .filter_map(|user| {
                let Some(Session::Needed(field)) = &facts(user)?.session else { return None };
                Some((spec.nodes[user].id.as_str(), place(user, field)))
            })
            .collect();
        if !promises.is_empty() {
            diagnostics.clean_session(place(connection, forgotten), &node.id, &promises);
        }
    }
}
