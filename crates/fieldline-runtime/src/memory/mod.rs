//! What transforms remember beyond the end of the program: one small file for each, under `memory` in the data
//! folder. [`keeper`] writes and reads it for a segment's driver, [`note`] is its form, [`unowned`] removes it with its
//! node. Which transforms, and why not those that hold events, says `Memory::outlives` of the vocabulary.

use std::path::{Path, PathBuf};

use fieldline_compiler::NodeId;

pub(crate) mod keeper;

mod note;

pub(crate) mod unowned;

/// The folder for the nodes of a pipeline.
fn folder(data_dir: &Path, pipeline: &str) -> PathBuf {
    data_dir.join("memory").join(pipeline)
}

/// The file of a node.
fn path(data_dir: &Path, node: &NodeId) -> PathBuf {
    folder(data_dir, node.pipeline()).join(node.node())
}
