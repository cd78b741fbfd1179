//! The text of files, and trees of values that know where in it each of their parts was written.

pub mod files;
pub(crate) mod node;
pub(crate) mod origin;
