//! [`Rate`]: the rate limit of a sink: at most so many events in any second, in bursts of at most as many. Pure: it is
//! given the time.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The time that the limit is for.
const SECOND: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(crate) struct Rate {
    limit: usize,
    /// The writes of the last second: when each ended, and how many events it had. A write counts from its end: at its
    /// beginning nobody knows when the last of its events will leave.
    writes: VecDeque<(Instant, usize)>,
}

impl Rate {
    /// Allows `limit` events in any second.
    pub(crate) fn new(limit: u32) -> Self {
        Rate { limit: usize::try_from(limit).unwrap_or(usize::MAX), writes: VecDeque::new() }
    }

    /// When as many as `events` may be written together; absent if they may be now. More than the limit are allowed by
    /// themselves only.
    pub(crate) fn not_before(&mut self, events: usize, now: Instant) -> Option<Instant> {
        while self.writes.front().is_some_and(|(ended, _)| *ended + SECOND <= now) {
            self.writes.pop_front();
        }
        let allowed = self.limit.saturating_sub(events);
        let mut counted: usize = self.writes.iter().map(|(_, count)| count).sum();
        let mut not_before = None;
        for (ended, count) in &self.writes {
            if counted <= allowed {
                break;
            }
            counted -= count;
            not_before = Some(*ended + SECOND);
        }
        not_before
    }

    /// Takes note of a try to write.
    pub(crate) fn written(&mut self, events: usize, now: Instant) {
        self.writes.push_back((now, events));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_of_the_limit_is_followed_by_nothing_for_a_second() {
        let start = Instant::now();
        let mut rate = Rate::new(10);
        assert_eq!(rate.not_before(10, start), None);
        rate.written(4, start);
        rate.written(6, start + SECOND / 2);
        let now = start + SECOND / 2;
        assert_eq!(rate.not_before(1, now), Some(start + SECOND));
        assert_eq!(rate.not_before(5, now), Some(start + SECOND * 3 / 2));
        assert_eq!(rate.not_before(4, start + SECOND), None);
    }

    proptest! {
        #[test]
        fn no_second_has_more_events_than_the_limit(
            limit in 1_u32..40,
            tries in prop::collection::vec((1_usize..40, 0_u64..2_000), 1..60),
        ) {
            let most = limit as usize;
            let mut rate = Rate::new(limit);
            let mut now = Instant::now();
            let mut written: Vec<(Instant, usize)> = Vec::new();
            for (events, pause) in tries {
                now += Duration::from_millis(pause);
                let events = events.min(most);
                now = rate.not_before(events, now).unwrap_or(now);
                rate.written(events, now);
                written.push((now, events));
                let last_second = written.iter().filter(|(at, _)| *at + SECOND > now);
                prop_assert!(last_second.map(|(_, count)| count).sum::<usize>() <= most);
            }
        }
    }
}
