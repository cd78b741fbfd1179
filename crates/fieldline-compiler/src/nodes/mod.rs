//! From the fields of a pipeline to its nodes, each with the typed config of its component.

// As they were written.
mod dead_letter;
pub(crate) mod spec;

// Raw YAML to typed values, with all mistakes at once, each at its place.
pub(crate) mod fields;
mod typed;

// What belongs to the driver of a node, and what may be set while it runs.
pub(crate) mod control;
mod policy;

// What the component makes of its config.
pub(crate) mod component_files;
pub(crate) mod resolve;

// The nodes as text again, for people.
pub(crate) mod resolved;
