//! From the names that nodes give each other to the edges between them.

pub(crate) mod beside;
pub(crate) mod wire;
