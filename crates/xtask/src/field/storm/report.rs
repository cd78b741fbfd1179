//! [`Report`]: what came of a storm.

use std::fmt;

use super::WARM;
use crate::field::admin::Times;

/// What came of a storm.
#[derive(Clone, Debug)]
pub struct Report {
    /// Numbers sent, over all topics.
    pub sent: u64,
    /// How many were sent in a second.
    pub rate: f64,
    /// Numbers that never arrived.
    pub lost: u64,
    /// Arrivals beyond the first of each number.
    pub duplicated: u64,
    /// First arrivals after a greater number of the same topic.
    pub out_of_order: u64,
    /// How long the reloads took that changed something.
    pub applied: Times,
    /// How long the others took.
    pub rejected: Times,
    /// What the program took after the first reloads, and at the end.
    pub footprint: [Footprint; 2],
}

/// What the program takes at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// Resident memory in KiB.
    pub resident: u64,
    /// Threads.
    pub threads: u64,
    /// Tasks.
    pub tasks: u64,
}

impl Report {
    /// Whether every message arrived once and in order.
    pub fn is_clean(&self) -> bool {
        (self.lost, self.duplicated, self.out_of_order) == (0, 0, 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [warm, end] = self.footprint;
        writeln!(
            formatter,
            "sent {} ({:.0} a second), lost {}, duplicated {}, out of order {}",
            self.sent, self.rate, self.lost, self.duplicated, self.out_of_order
        )?;
        writeln!(formatter, "applied: {}", self.applied)?;
        writeln!(formatter, "rejected: {}", self.rejected)?;
        write!(
            formatter,
            "memory {:.1} MB, {} threads, {} tasks after {WARM} reloads; {:.1} MB, {} threads, {} tasks at the end",
            warm.resident as f64 * 1024.0 / 1e6,
            warm.threads,
            warm.tasks,
            end.resident as f64 * 1024.0 / 1e6,
            end.threads,
            end.tasks
        )
    }
}
