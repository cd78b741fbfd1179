//! Tests of the store through its public interface.

mod basics;
mod budget;
mod model;
mod support;
