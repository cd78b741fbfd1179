//! [`Standing`]: how it stands with the file in which a transform's state is kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

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
