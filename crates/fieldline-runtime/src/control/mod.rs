//! Commands: how the settings of a running node are changed by events, under the rights of its `control:`.
//!
//! A command waits in the node's [`mailbox`] until the node's own driver takes it, between two of its events, so the
//! component needs no lock. The [`desk`] decides: it reads the [`command`], asks the component whether it can go on
//! so, remembers it in [`layers`], keeps on disk what must outlive the program ([`saved`]), and answers.

mod command;
pub(crate) mod desk;
mod layers;
pub(crate) mod mailbox;
mod saved;

use std::sync::{Mutex, MutexGuard, PoisonError};

use self::layers::Layers;
use self::mailbox::Mailbox;

/// What of a steered node goes on when a reload starts it anew.
#[derive(Default)]
pub(crate) struct Controlled {
    /// Commands that wait.
    pub(crate) mailbox: Mailbox,
    /// What was set. Only the node's driver changes it.
    layers: Mutex<Layers>,
}

impl Controlled {
    pub(crate) fn layers(&self) -> MutexGuard<'_, Layers> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
