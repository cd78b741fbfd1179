//! What transforms remember beyond the end of the program: one small file for each, under `memory` in the data
//! folder. [`keeper`] writes and reads it for a segment's driver, [`note`] is its form; the runtime removes it
//! with its node. Which transforms, and why not those that hold events, says `Memory::outlives` of the vocabulary.

use std::path::{Path, PathBuf};

use fieldline_compiler::NodeId;

pub(crate) mod keeper;

mod note;

/// The folder of all of it; those of pipelines are in there.
pub(crate) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("memory")
}

/// The file of a node.
fn path(data_dir: &Path, node: &NodeId) -> PathBuf {
    folder(data_dir).join(node.pipeline()).join(node.node())
}
