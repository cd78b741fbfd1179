//! The commands, one file each.

pub(crate) mod ask;
pub(crate) mod certs;
pub(crate) mod check;
pub(crate) mod graph;
pub(crate) mod run;
