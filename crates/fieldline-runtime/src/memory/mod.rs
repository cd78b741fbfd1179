//! What transforms remember beyond the end of the program: one small file for each, under `memory` in the data
//! folder. [`keeper`] writes and reads it for a segment's driver, [`note`] is its form, [`unowned`] removes it with its
//! node. Which transforms, and why not those that hold events, says `Memory::outlives` of the vocabulary.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fieldline_compiler::NodeId;
use jiff::Timestamp;

pub(crate) mod keeper;

mod note;

pub(crate) mod unowned;

/// How it stands with the file of one node; shared by its keeper and those who look at the program.
#[derive(Clone, Default)]
pub(crate) struct Standing(Arc<Mutex<Kept>>);

/// What is in the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// When what is there was remembered.
    pub(crate) saved_at: Option<Timestamp>,
    /// Why the last try to write failed.
    pub(crate) fault: Option<String>,
}

impl Standing {
    /// What is known, to be read or changed.
    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The folder for the nodes of a pipeline.
fn folder(data_dir: &Path, pipeline: &str) -> PathBuf {
    data_dir.join("memory").join(pipeline)
}

/// The file of a node.
fn path(data_dir: &Path, node: &NodeId) -> PathBuf {
    folder(data_dir, node.pipeline()).join(node.node())
}
