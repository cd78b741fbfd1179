//! The device's side, without I/O: messages and time go in, actions come out.
//!
//! [`Reporter`] writes a section of a shadow, [`DeltaTracker`] follows what others want of the device, and
//! [`Question`] is for those who ask just once. The first two are driven alike: subscribe to [`subscriptions`], tell them `connected` and `disconnected`, pass every message to
//! `received`, and call `tick` when `wake_at` says so. Times are durations since any fixed origin of the caller.

mod fetch;
mod known;
mod message;
mod question;
mod report;
mod reporter;
mod tracker;
mod wanted;

pub use fetch::Retry;
pub use question::{Answer, Question};
pub use report::{ReportAction, ReportError, ReporterSettings};
pub use reporter::Reporter;
pub use tracker::{Change, Content, DeltaTracker, TrackerAction, Watch};

use crate::name::ShadowName;
use crate::topic::{Kind, Operation, Topic};

/// A section of a shadow that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionName {
    /// What the device should be.
    Desired,
    /// What the device says it is.
    Reported,
}

impl SectionName {
    /// `desired` or `reported`.
    pub fn as_str(self) -> &'static str {
        match self {
            SectionName::Desired => "desired",
            SectionName::Reported => "reported",
        }
    }
}

/// Every topic that [`Reporter`] and [`DeltaTracker`] listen to.
pub fn subscriptions(name: &ShadowName) -> Vec<String> {
    let kinds = [
        Kind::Accepted(Operation::Get),
        Kind::Rejected(Operation::Get),
        Kind::Accepted(Operation::Update),
        Kind::Rejected(Operation::Update),
        Kind::Delta,
        Kind::Documents,
        Kind::Accepted(Operation::Delete),
    ];
    kinds.map(|kind| Topic::new(name, kind).to_string()).into()
}
