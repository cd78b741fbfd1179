//! [`Wear`]: what a disk buffer writes, in all and day by day, and whether that is more than its budget.

use std::time::{Duration, Instant};

use fieldline_core::policy::Budget;

use crate::status::WearStatus;

const DAY: Duration = Duration::from_secs(86_400);

/// The least of a day that says something about the rest of it.
const MEANINGFUL: Duration = Duration::from_secs(3600);

/// What a disk buffer has cost the card since the node was first started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wear {
    since: Instant,
    bytes_written: u64,
    syncs: u64,
    day: Day,
}

/// A day of it: the counts when it began.
#[derive(Clone, Copy, Debug)]
struct Day {
    since: Instant,
    bytes_written: u64,
    syncs: u64,
    is_over_budget: bool,
}

/// Bytes and fsyncs of a whole day, if it goes on like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forecast {
    pub(crate) bytes_written: u64,
    pub(crate) syncs: u64,
}

impl Wear {
    /// Nothing yet.
    pub(crate) fn new(now: Instant) -> Self {
        let day = Day { since: now, bytes_written: 0, syncs: 0, is_over_budget: false };
        Wear { since: now, bytes_written: 0, syncs: 0, day }
    }

    /// Adds what was written.
    pub(crate) fn add(&mut self, bytes_written: u64, syncs: u64) {
        self.bytes_written += bytes_written;
        self.syncs += syncs;
    }

    /// Compares the day with `budget`; tells the forecast the first time in a day that it is over.
    pub(crate) fn check(&mut self, now: Instant, budget: &Budget) -> Option<Forecast> {
        if now.saturating_duration_since(self.day.since) >= DAY {
            let (bytes_written, syncs) = (self.bytes_written, self.syncs);
            self.day = Day { since: now, bytes_written, syncs, is_over_budget: false };
        }
        let forecast = self.forecast(now);
        let is_over = budget.written.is_some_and(|most| forecast.bytes_written > most.0)
            || budget.syncs.is_some_and(|most| forecast.syncs > most);
        let was_over = std::mem::replace(&mut self.day.is_over_budget, is_over);
        (is_over && !was_over).then_some(forecast)
    }

    /// The figures as they are shown.
    pub(crate) fn status(&self, now: Instant) -> WearStatus {
        let forecast = self.forecast(now);
        WearStatus {
            bytes_written: self.bytes_written,
            syncs: self.syncs,
            elapsed: now.saturating_duration_since(self.since),
            bytes_today: forecast.bytes_written,
            syncs_today: forecast.syncs,
            is_over_budget: self.day.is_over_budget,
        }
    }

    /// The day in full; in its first hour, what there was.
    fn forecast(&self, now: Instant) -> Forecast {
        let elapsed = now.saturating_duration_since(self.day.since);
        let share = if elapsed < MEANINGFUL { 1.0 } else { DAY.as_secs_f64() / elapsed.as_secs_f64() };
        let whole = |count: u64| (count as f64 * share).round() as u64;
        Forecast {
            bytes_written: whole(self.bytes_written - self.day.bytes_written),
            syncs: whole(self.syncs - self.day.syncs),
        }
    }
}

#[cfg(test)]
mod tests {
    use fieldline_core::{Clock, Size};
    use jiff::Timestamp;

    use super::*;
    use crate::clock::TokioTime;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn a_day_over_its_budget_is_told_once_and_the_next_day_begins_anew() {
        let now = Clock::new(TokioTime::starting_at(Timestamp::UNIX_EPOCH)).instant();
        let budget = Budget { written: Some(Size(1_000)), syncs: None };
        let mut wear = Wear::new(now);
        wear.add(900, 5);
        assert_eq!(wear.check(now + HOUR / 2, &budget), None, "half an hour says nothing about a day");
        let forecast = wear.check(now + 2 * HOUR, &budget);
        assert_eq!(forecast, Some(Forecast { bytes_written: 10_800, syncs: 60 }));
        assert_eq!(wear.check(now + 3 * HOUR, &budget), None, "it was told");
        assert!(wear.status(now + 3 * HOUR).is_over_budget);
        assert_eq!(wear.check(now + 24 * HOUR, &budget), None);
        assert!(!wear.status(now + 24 * HOUR).is_over_budget);
        wear.add(1_001, 0);
        assert!(wear.check(now + 24 * HOUR, &budget).is_some(), "the sum alone is over");
    }
}
