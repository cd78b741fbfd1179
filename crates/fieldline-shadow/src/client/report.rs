//! The words between a [`Reporter`](super::Reporter) and its caller: settings, actions, errors.

use std::time::Duration;

use super::{Retry, SectionName};
use crate::json::{Json, Object, compact_len};
use crate::limits::{Limits, MAX_NESTING};
use crate::topic::Publication;

/// How a [`Reporter`](super::Reporter) writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReporterSettings {
    /// The section to write.
    pub section: SectionName,
    /// The size limit of the service.
    pub limits: Limits,
    /// The least time between two updates; what is reported meanwhile is sent together.
    pub interval: Duration,
    /// Whether to send the version the patch was made for, so that a conflict is noticed.
    pub check_version: bool,
    /// How often an update is tried, and a get.
    pub retry: Retry,
}

/// What the caller has to do or to know.
#[derive(Debug, Clone, PartialEq)]
pub enum ReportAction {
    /// Publish this.
    Publish(Publication),
    /// The shadow holds all that was reported up to this ticket.
    Confirmed {
        /// The ticket of the newest report in it.
        ticket: u64,
        /// The shadow's version; `None` if there was nothing to write and there is no shadow.
        version: Option<u64>,
    },
    /// What was reported up to this ticket, and not confirmed before, is given up.
    Refused {
        /// The ticket of the newest report in it.
        ticket: u64,
        /// The code of AWS; 413 also when the size was found to be too large here.
        code: u16,
        /// Its text.
        message: String,
        /// What was to be written.
        members: Json,
    },
    /// The service does not answer. Nothing is lost, but nothing is sent until `connected` is called again.
    NoAnswer,
}

/// A report can never be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The service refuses null in an array.
    #[error("an array to be reported contains null")]
    NullInArray,
    /// Too many levels.
    #[error("a report is nested {0} levels deep; a shadow takes {MAX_NESTING}")]
    TooDeep(usize),
    /// The report alone is over the limit.
    #[error("a report has {size} bytes; the shadow takes {limit}")]
    TooLarge {
        /// Compact JSON bytes of the report.
        size: usize,
        /// The limit.
        limit: usize,
    },
}

/// Refuses what no service would accept, before it is mixed with other reports.
pub(super) fn check(members: &Object, limits: Limits) -> Result<(), ReportError> {
    let report = Json::Object(members.clone());
    let (depth, size, limit) = (report.depth(), compact_len(members), limits.document_bytes());
    if report.has_null_in_array() {
        return Err(ReportError::NullInArray);
    }
    if depth > MAX_NESTING {
        return Err(ReportError::TooDeep(depth));
    }
    if size > limit {
        return Err(ReportError::TooLarge { size, limit });
    }
    Ok(())
}
