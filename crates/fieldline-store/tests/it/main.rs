//! Tests of the store through its public interface.

mod atomic_file;
mod basics;
mod budget;
mod checkpoint;
mod disk;
mod faults;
mod model;
mod numbers;
mod support;
