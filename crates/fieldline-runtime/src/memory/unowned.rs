//! Files of memory that no node owns any more: it was removed, renamed, or remembers nothing beyond the end of the program.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use fieldline_compiler::NodeId;
use fieldline_store::Storage;

use super::folder;

/// Removes the files of these pipelines that belong to none of the nodes `owners`; blocks. Other pipelines are left
/// alone: one that does not run may be in a file with a mistake.
pub(crate) fn remove(
    storage: &Arc<dyn Storage>,
    data_dir: &Path,
    pipelines: &BTreeSet<String>,
    owners: &BTreeSet<NodeId>,
) {
    for pipeline in pipelines {
        for entry in storage.list(&folder(data_dir, pipeline)).unwrap_or_default() {
            // What is being written lies beside its file for a moment.
            let node = NodeId::new(pipeline, entry.name.strip_suffix(".new").unwrap_or(&entry.name));
            if owners.contains(&node) {
                continue;
            }
            match storage.remove(&entry.path) {
                Ok(()) => tracing::info!(%node, "what it remembered is removed, as no node owns it any more"),
                Err(error) => {
                    tracing::warn!(%node, %error, "what it remembered belongs to no node and cannot be removed");
                }
            }
        }
    }
}
