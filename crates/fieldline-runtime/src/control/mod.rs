//! Commands: how the settings of a running node are changed by events, under the rights of its `control:`.
//!
//! A command waits in the node's mailbox until the node's own driver takes it, between two of its events, so the
//! component needs no lock. The [`desk`] decides: it reads the command, asks the component whether it can continue so,
//! remembers it, keeps on disk what must outlive the program ([`saved`]), and answers.

pub(crate) mod desk;
mod saved;
