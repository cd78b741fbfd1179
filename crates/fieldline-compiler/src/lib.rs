//! Turns the text of pipeline files into a checked [`Plan`]; pure.
//!
//! [`compile()`] is the one way in: it never stops at the first problem, and a pipeline with errors does not keep the
//! others from being planned. The modules below are its steps, in reading order.

pub mod request;

pub mod files;

mod session;

mod yaml;

mod names;

mod roots;

mod template;

mod params;

mod interpolate;

mod dead_letter;

mod spec;

mod control;

mod resolve;

mod beside;

mod wire;

mod check;

pub mod cases;

mod resolved;

mod fingerprint;

pub mod plan;

mod assemble;

mod compile;

pub mod diff;

pub mod draw;

#[cfg(feature = "schema")]
pub mod schema;

pub mod fuzz;

pub mod diagnostics;

pub use cases::{TestCase, compile_case};
pub use compile::{Broken, Compiled, compile};
pub use diagnostics::Diagnostic;
pub use diff::{Action, Change, diff};
pub use params::{ParamInfo, template_params};
pub use plan::{Beside, Freshness, Missing, Node, NodeId, Plan};
pub use request::{FileSource, MemoryFiles, MemoryVariables, Overrides, Request, Variables};
