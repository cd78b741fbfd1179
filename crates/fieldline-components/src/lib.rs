//! The built-in components: where events come from, what works on them and where they go.
//!
//! One file is one component: its config, whose doc comments are the user's documentation, and the part
//! that runs. A new one is a file in `sources`, `transforms` or `sinks` and two lines in that folder's
//! `mod.rs`; the tests over [`all`] then hold it to the contract.

mod fields;

mod blocking;

mod lookup;

mod time_field;

mod file_failure;

pub mod shadow;

pub mod template;

#[cfg(feature = "schema")]
pub mod reference;

pub mod codes;

mod connections;

mod sources;

mod transforms;

mod sinks;

mod tokio_clock;

use fieldline_core::Definition;

/// Every component there is: connections, sources, transforms, sinks.
pub fn all() -> impl Iterator<Item = Definition> {
    [connections::ALL, sources::ALL, transforms::ALL, sinks::ALL].into_iter().flatten().copied()
}
