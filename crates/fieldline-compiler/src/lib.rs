//! Turns the text of pipeline files into a checked [`Plan`]; pure.
//!
//! [`compile()`] is the one way in: it never stops at the first problem, and a pipeline with errors does not keep the
//! others from being planned. The modules below are its steps, in reading order.

// What is asked for.
mod request;

// The steps from there to the answer, one after the other.
mod compile;

// The files that are programs, each a tree of YAML.
mod load;

// Templates and fragments put in, then params and variables: one set of fields for each program.
mod params;

// Each node with the typed config of its component.
mod nodes;

// The edges between the nodes.
mod graph;

// What may not be, in one pipeline and in all together.
mod check;

// The checked program.
mod assemble;
mod plan;

// From one plan to another: what becomes of every node.
pub mod change;

// The `tests:` of a pipeline, as data.
pub mod cases;

// What all steps speak of: places in texts, names, and what is wrong.
pub mod diagnostics;
mod names;
mod text;

// The JSON Schema of pipeline files, for editors.
#[cfg(feature = "schema")]
pub mod schema;

pub use compile::{Broken, Compiled, compile, compile_case};
pub use params::describe::{ParamInfo, template_params};
pub use plan::{
    Beside, Control, Fingerprint, Freshness, Input, Missing, Node, NodeId, Pipeline, Plan, Snapshot, draw,
};
pub use request::{FileSource, MemoryFiles, MemoryVariables, Overrides, Request, SecretError, Variables};
pub use text::files;
