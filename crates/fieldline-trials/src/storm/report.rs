//! [`Report`]: what came of a storm.

use std::collections::BTreeMap;
use std::fmt;

use super::draft::Edit;
use crate::admin::Times;

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
    /// Events that the program itself says it has lost, dropped or sent to the dead letter.
    pub given_up: u64,
    /// How long the reloads took, by what was edited.
    pub times: BTreeMap<Edit, Times>,
    /// The most that the program took in the first half of the reloads and in the second.
    pub footprint: [Footprint; 2],
}

/// What the program takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Footprint {
    /// Resident memory in KiB.
    pub resident: u64,
    /// Threads.
    pub threads: u64,
    /// Tasks.
    pub tasks: u64,
}

impl Footprint {
    /// The most of each, over several moments.
    pub(super) fn most(moments: &[Footprint]) -> Footprint {
        moments.iter().fold(Footprint::default(), |most, moment| Footprint {
            resident: most.resident.max(moment.resident),
            threads: most.threads.max(moment.threads),
            tasks: most.tasks.max(moment.tasks),
        })
    }
}

impl Report {
    /// Whether every message arrived once and in order, and the program says so too.
    pub fn is_clean(&self) -> bool {
        (self.lost, self.duplicated, self.out_of_order, self.given_up) == (0, 0, 0, 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "sent {} ({:.0} a second), lost {}, duplicated {}, out of order {}; by its own account given up {}",
            self.sent, self.rate, self.lost, self.duplicated, self.out_of_order, self.given_up
        )?;
        for (edit, times) in &self.times {
            writeln!(formatter, "{edit:<30} {times}")?;
        }
        for (when, most) in ["first", "second"].iter().zip(self.footprint) {
            let memory = most.resident as f64 * 1024.0 / 1e6;
            let Footprint { threads, tasks, .. } = most;
            writeln!(formatter, "{when} half: at most {memory:.1} MB, {threads} threads, {tasks} tasks")?;
        }
        Ok(())
    }
}
