//! Sandboxed Rhai: one script, run once per event.
//!
//! [`Script::compile`] turns a text into something that can be run; [`Script::run`] gives it one event
//! and says what it decided. A script sees `this` (the body), `meta`, `state`, `params`, the latest
//! value of every node under `with`, and the functions of [`api`]. It reaches no file, no network, no
//! clock of its own and no other script, and ends within its [`Limits`]. Nothing here knows of pipelines.

mod script;

mod source;

mod limits;

mod engine;

mod meter;

mod comparisons;
mod division;
mod joining;

mod natives;

mod imports;

mod inspect;

mod leftover;

mod checks;

mod scope;

mod run;

mod extent;

mod order;

mod convert;

mod sendable;

mod error;

mod explain;

mod missing;

pub mod api;

pub use error::ScriptError;
pub use imports::Imports;
pub use limits::Limits;
pub use run::{Answer, Verdict};
pub use script::{Script, Setup, uses_state};
pub use source::ScriptSource;
