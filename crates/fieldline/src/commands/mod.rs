//! The commands, one file each.

pub(crate) mod ask;
pub(crate) mod certs;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod explain;
pub(crate) mod graph;
pub(crate) mod new;
pub(crate) mod plan;
pub(crate) mod reload;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod shadow;
mod status_table;
pub(crate) mod test;
