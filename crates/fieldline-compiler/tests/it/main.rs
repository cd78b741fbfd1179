//! The compiler as its users see it.

mod changes;
#[path = "../../../fuzz/src/compile_bytes.rs"]
mod compile_bytes;
mod components;
mod pages;
mod places;
mod plans;
mod safety;
mod schema;
mod support;
mod templates;
