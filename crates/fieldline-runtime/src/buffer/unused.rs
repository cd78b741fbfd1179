//! Disk buffers in the data folder that belong to no sink: left by one that was removed, renamed, or whose pipeline
//! does not run. Nobody writes what is in them until a sink of that name comes back.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use fieldline_compiler::NodeId;
use fieldline_store::{Entry, Log, Options, Storage};

use crate::status::UnusedBuffer;

/// Finds the disk buffers under `data_dir` that hold something and are not those of the sinks `used`; blocks.
pub(crate) fn find(
    storage: &Arc<dyn Storage>,
    data_dir: &Path,
    used: &BTreeSet<NodeId>,
) -> Vec<UnusedBuffer> {
    let mut found = Vec::new();
    for pipeline in list(storage, &data_dir.join("buffers")) {
        for node in list(storage, &pipeline.path) {
            let id = NodeId::new(&pipeline.name, &node.name);
            if !used.contains(&id) {
                found.extend(look_into(storage, id, &node.path));
            }
        }
    }
    found
}

/// What a folder holds; nothing if it cannot be read.
fn list(storage: &Arc<dyn Storage>, folder: &Path) -> Vec<Entry> {
    storage.list(folder).unwrap_or_default()
}

/// What a buffer holds; `None` for one that is empty.
fn look_into(storage: &Arc<dyn Storage>, node: NodeId, folder: &Path) -> Option<UnusedBuffer> {
    let bytes = list(storage, folder).iter().map(|entry| entry.length).sum();
    let records = match Log::open(storage.clone(), folder, Options::default()) {
        Ok((log, _)) if log.is_empty() => return None,
        Ok((log, _)) => Some(log.len()),
        Err(error) => {
            tracing::warn!(%node, %error, "a disk buffer without a sink cannot be read");
            None
        }
    };
    Some(UnusedBuffer { node, folder: folder.to_owned(), records, bytes })
}
