//! The crate's integration tests.

mod documents;
mod loopback;
mod reporter;
mod stores;
mod support;
mod topics;
mod tracker;
mod vectors;
