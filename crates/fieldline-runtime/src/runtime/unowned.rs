//! Files that no node owns any more: it was removed, renamed, or remembers nothing beyond the end of the program.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use fieldline_compiler::NodeId;
use fieldline_store::Storage;

/// Removes the files `PIPELINE/NODE` in `folder` that are of these pipelines and belong to none of the nodes `owners`;
/// blocks. Other pipelines are left alone: one that does not run may be in a file with a mistake.
pub(super) fn remove(
    storage: &Arc<dyn Storage>,
    folder: &Path,
    pipelines: &BTreeSet<String>,
    owners: &BTreeSet<NodeId>,
) {
    for pipeline in pipelines {
        for entry in storage.list(&folder.join(pipeline)).unwrap_or_default() {
            // What is being written lies beside its file for a moment.
            let node = NodeId::new(pipeline, entry.name.strip_suffix(".new").unwrap_or(&entry.name));
            if owners.contains(&node) {
                continue;
            }
            match storage.remove(&entry.path) {
                Ok(()) => tracing::info!(%node, "what it kept is removed, as no node owns it any more"),
                Err(error) => {
                    tracing::warn!(%node, %error, "what it kept belongs to no node and cannot be removed");
                }
            }
        }
    }
}
