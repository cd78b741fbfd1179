//! Promises that a connection cannot keep: each message at least once, while the broker forgets the client.

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
        let Some(forgotten) = facts(connection).and_then(|facts| facts.forgotten.as_ref()) else { continue };
        let users =
            (0..spec.nodes.len()).filter(|user| super::connection(spec, resolved, *user) == Some(connection));
        let promises: Vec<_> = users
            .filter_map(|user| {
                let field = facts(user)?.at_least_once.as_ref()?;
                Some((spec.nodes[user].id.as_str(), place(user, field)))
            })
            .collect();
        if !promises.is_empty() {
            diagnostics.clean_session(place(connection, forgotten), &node.id, &promises);
        }
    }
}
