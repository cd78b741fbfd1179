//! What every component promises, tested over all of them.

mod bme680;
mod checks;
mod contract;
mod file_sink;
mod harness;
mod map;
mod properties;
mod reference;
mod sources;
