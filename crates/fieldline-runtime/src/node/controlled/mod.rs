//! [`Controlled`]: the part of a steered node that continues when a reload starts it anew: the commands that wait in its
//! [`mailbox`], and the settings that they have made, in [`layers`]. How a command is carried out is in `control/`.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) mod command;

pub(crate) mod layers;

pub(crate) mod mailbox;

use layers::Layers;
use mailbox::Mailbox;

/// The part of a steered node that continues when a reload starts it anew.
#[derive(Default)]
pub(crate) struct Controlled {
    /// Commands that wait.
    pub(crate) mailbox: Mailbox,
    /// The settings that were made. Only the node's driver changes them.
    layers: Mutex<Layers>,
}

impl Controlled {
    pub(crate) fn layers(&self) -> MutexGuard<'_, Layers> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
