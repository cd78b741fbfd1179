//! The crate's integration tests.

mod stores;
mod topics;
mod vectors;
