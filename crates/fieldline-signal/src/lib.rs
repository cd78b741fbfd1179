//! The mathematics of readings, as pure functions and small state machines over (time, value) samples.
//!
//! Nothing here knows of events, files or clocks. Sums are compensated, variances are Welford's, and time is
//! counted in whole nanoseconds until a span of it is needed; samples at a fixed rate are plain slices. Read the modules in the order below.

mod sample;

pub mod sum;

pub mod moments;

pub mod rank;

pub mod course;

mod aggregate;

pub mod smooth;

pub mod outlier;

pub mod swinging_door;

pub mod reservoir;

pub mod shape;

pub mod window_function;

pub mod spectrum;

mod fourier;

pub mod welch;

pub mod peaks;

pub mod envelope;

pub mod air_quality;

pub mod unit;

pub use aggregate::{Aggregate, AggregateError};
pub use sample::{Sample, known};
