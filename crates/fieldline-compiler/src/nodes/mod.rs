//! From the fields of a pipeline to its nodes, each with the typed config of its component.

pub(crate) mod control;
pub(crate) mod dead_letter;
pub(crate) mod resolve;
pub(crate) mod resolved;
pub(crate) mod spec;
