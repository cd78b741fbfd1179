//! [`Ages`]: how long the records of a disk buffer have waited, whatever the wall clock is set to meanwhile. A record
//! says by the wall clock when it was appended; what the wall clock was in this run, and when, stands here.

use std::time::{Duration, Instant};

use fieldline_store::Oldest;

/// The start of 2024 in milliseconds of the Unix epoch: a clock that shows an earlier time was never set.
const EARLIEST: i64 = 1_704_067_200_000;

/// By how many milliseconds the wall clock may leave the other one before that counts as a step.
const STEP: u64 = 100;

/// The most steps kept apart.
const MOST_STEPS: usize = 64;

/// The two clocks, as they were read together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// Time that goes on evenly.
    pub(crate) instant: Instant,
    /// The wall clock, in milliseconds of the Unix epoch.
    pub(crate) wall: u64,
}

/// What the records of one buffer are aged by; it has to outlive whoever has the buffer open.
#[derive(Clone, Debug)]
pub(crate) struct Ages {
    /// When the buffer was first opened in this run.
    opened: Instant,
    /// The wall clock at that time.
    wall: i64,
    /// From which record on the wall clock was how far ahead of the time since `opened`; empty until the first record
    /// of this run.
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    first: u64,
    /// Milliseconds.
    ahead: i64,
}

impl Ages {
    /// Of a buffer that is opened `now`.
    pub(crate) fn new(now: Now) -> Self {
        Ages { opened: now.instant, wall: now.wall.cast_signed(), steps: Vec::new() }
    }

    /// The record `sequence` was appended `now`.
    pub(crate) fn appended(&mut self, sequence: u64, now: Now) {
        let ahead = now.wall.cast_signed() - self.elapsed(now.instant);
        if self.steps.last().is_some_and(|last| last.ahead.abs_diff(ahead) < STEP) {
            return;
        }
        self.steps.push(Step { first: sequence, ahead });
        if self.steps.len() > MOST_STEPS {
            self.join_oldest();
        }
    }

    /// How old the record is at least. One of an earlier run has waited as long as the wall clock said when this one
    /// began, or since then only, if that clock or the one of that time was not set.
    pub(crate) fn age(&self, record: Oldest, now: Instant) -> Duration {
        let stamp = record.appended_at.cast_signed();
        let step = self.steps.iter().rfind(|step| step.first <= record.sequence);
        let appended = match step {
            Some(step) => stamp - step.ahead,
            None if stamp < EARLIEST => 0,
            None => (stamp - self.wall).min(0),
        };
        Duration::from_millis((self.elapsed(now) - appended).max(0).cast_unsigned())
    }

    /// Makes one of the two oldest steps, by which no record is older than it is.
    fn join_oldest(&mut self) {
        let oldest = self.steps.remove(0);
        self.steps[0] = Step { first: oldest.first, ahead: oldest.ahead.min(self.steps[0].ahead) };
    }

    /// Milliseconds since the buffer was opened.
    fn elapsed(&self, now: Instant) -> i64 {
        i64::try_from(now.saturating_duration_since(self.opened).as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    const TODAY: u64 = 1_800_000_000_000;

    fn after(start: Instant, elapsed: u64, wall: u64) -> Now {
        Now { instant: start + Duration::from_millis(elapsed), wall }
    }

    fn record(sequence: u64, appended_at: u64) -> Oldest {
        Oldest { sequence, appended_at }
    }

    #[test]
    fn a_step_of_the_wall_clock_makes_no_record_of_this_run_older_or_younger() {
        for wall in [0, 10, TODAY] {
            let start = tokio::time::Instant::now().into_std();
            let mut ages = Ages::new(after(start, 0, wall));
            ages.appended(1, after(start, 1000, wall + 1000));
            ages.appended(2, after(start, 2000, wall + 2000 + HOUR));
            ages.appended(3, after(start, 3000, wall + 3000 + HOUR));
            ages.appended(4, after(start, 4000, wall));
            let now = after(start, 10_000, 0).instant;
            let stamps = [wall + 1000, wall + 2000 + HOUR, wall + 3000 + HOUR, wall];
            let age = |(sequence, stamp)| ages.age(record(sequence, stamp), now).as_secs();
            assert_eq!((1..).zip(stamps).map(age).collect::<Vec<_>>(), [9, 8, 7, 6]);
        }
    }

    #[test]
    fn a_record_of_an_earlier_run_has_the_age_that_set_clocks_say() {
        let start = tokio::time::Instant::now().into_std();
        let age = |opened_at, stamp| {
            let mut ages = Ages::new(after(start, 0, opened_at));
            ages.appended(9, after(start, 0, TODAY + HOUR));
            ages.age(record(1, stamp), after(start, 5000, 0).instant).as_secs()
        };
        assert_eq!(age(TODAY, TODAY - 60_000), 65);
        assert_eq!(age(TODAY, TODAY + HOUR), 5);
        assert_eq!(age(TODAY, 60_000), 5);
        assert_eq!(age(60_000, TODAY), 5);
        assert_eq!(age(60_000, 1000), 5);
    }

    #[test]
    fn however_often_the_clock_is_set_no_record_is_called_older_than_it_is() {
        let start = tokio::time::Instant::now().into_std();
        let mut ages = Ages::new(after(start, 0, TODAY));
        let wall = |number| TODAY + number * 7919 % 100 * HOUR;
        for number in 1..1000 {
            ages.appended(number, after(start, number * 1000, wall(number)));
        }
        assert!(ages.steps.len() <= MOST_STEPS);
        for number in 1..1000 {
            let age = ages.age(record(number, wall(number)), after(start, 1_000_000, 0).instant);
            assert!(age <= Duration::from_secs(1000 - number), "{number}: {age:?}");
        }
        assert_eq!(ages.age(record(999, wall(999)), after(start, 1_000_000, 0).instant).as_secs(), 1);
    }
}
