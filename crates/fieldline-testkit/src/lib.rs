//! Runs the `tests:` of pipeline files: each case in a program of its own, in virtual time, without a device,
//! a broker or a file of the station.
//!
//! [`run_tests`] is the way in. Read in this order: when what happens in a case (`schedule`), how a plan is set
//! on stage with feeds and collectors at its ends, how one case is played, what is compared, and the reports.

mod error;

mod schedule;

mod recording;

mod feed;

mod collector;

mod staging;

mod play;

mod compare;

mod difference;

mod accounts;

mod coverage;

mod golden;

mod threads;

mod suite;

pub mod report;

pub use coverage::Coverage;
pub use error::SuiteError;
pub use golden::Golden;
pub use suite::{Options, run_tests};
