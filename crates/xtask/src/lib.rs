//! The project's own tool. [`tidy`] holds the tree to the rules that the compiler cannot check, as tests and as a
//! command; [`new`] begins a component. It depends on none of our crates.

pub mod workspace;

pub mod finding;

pub mod tidy;

pub mod new;

mod files;
