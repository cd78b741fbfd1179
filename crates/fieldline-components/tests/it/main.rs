//! What every component promises, tested over all of them.

mod contract;
mod harness;
mod properties;
mod sources;
