//! The mathematics of readings, as pure functions and small state machines over (time, value) samples.
//!
//! Nothing here knows of events, files or clocks. Sums are compensated, variances are Welford's, and time is
//! counted in whole nanoseconds until a span of it is needed. Read the modules in the order below.

pub mod sample;

pub mod sum;

pub mod moments;

pub mod rank;

pub mod course;

pub mod aggregate;

pub mod smooth;

pub mod outlier;

pub mod swinging_door;

pub mod reservoir;

pub mod unit;

pub use aggregate::{Aggregate, AggregateError};
pub use sample::{Sample, known};
