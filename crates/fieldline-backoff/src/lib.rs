//! How long to wait before the next try, for everything that tries again: [`Backoff`] counts the failures, [`step`]
//! is its rule. Pure: it asks no clock, waits for nothing and draws no random number, so that a schedule is tested
//! exactly.

use std::time::Duration;

/// With these, a first wait of a millisecond is longer than a month.
const MOST_DOUBLINGS: u32 = 31;

/// The wait after `failures` failures in a row, without jitter: `initial` after none and after one, doubled with each
/// further one, never longer than `max`.
pub fn step(initial: Duration, max: Duration, failures: u32) -> Duration {
    initial.saturating_mul(1 << failures.saturating_sub(1).min(MOST_DOUBLINGS)).min(max)
}

/// Failures in a row, and the waits that follow from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    initial: Duration,
    max: Duration,
    reset_after: Duration,
    failures: u32,
    is_longest: bool,
}

impl Backoff {
    /// Waits from `initial` to `max`.
    pub fn new(initial: Duration, max: Duration) -> Self {
        Backoff { initial, max, reset_after: Duration::ZERO, failures: 0, is_longest: false }
    }

    /// Something that works for a shorter time than this has not worked.
    #[must_use]
    pub fn reset_after(self, reset_after: Duration) -> Self {
        Backoff { reset_after, ..self }
    }

    /// How many tries have failed since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Counts a failure and returns the wait before the next try: between half of the step and the whole of it.
    ///
    /// `random` in `0.0..=1.0` says where in between, so that a hundred stations do not come back in the same second.
    /// It is `1.0` where nobody else tries for the same thing.
    pub fn fail(&mut self, random: f64) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let step = if self.is_longest { self.max } else { step(self.initial, self.max, self.failures) };
        step - (step / 2).mul_f64(1.0 - random.clamp(0.0, 1.0))
    }

    /// Takes a success: the next wait is the first again.
    pub fn succeed(&mut self) {
        self.failures = 0;
        self.is_longest = false;
    }

    /// Takes the end of something that worked for this time, which is a success if that was long enough.
    pub fn worked_for(&mut self, time: Duration) {
        if time >= self.reset_after {
            self.succeed();
        }
    }

    /// Waits `max` from now on, until a success: another try soon cannot help.
    pub fn wait_longest(&mut self) {
        self.is_longest = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn backoff() -> Backoff {
        Backoff::new(seconds(1), seconds(32))
    }

    #[test]
    fn waits_double_to_the_limit_and_start_anew_after_a_success() {
        let mut backoff = backoff();
        for wanted in [1, 2, 4, 8, 16, 32, 32] {
            assert_eq!(backoff.fail(1.0), seconds(wanted));
        }
        assert_eq!(backoff.failures(), 7);
        backoff.succeed();
        assert_eq!((backoff.failures(), backoff.fail(1.0)), (0, seconds(1)));
    }

    #[test]
    fn jitter_takes_at_most_half_of_a_wait_and_adds_nothing() {
        for (random, share) in [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0), (-1.0, 0.5), (7.0, 1.0)] {
            let mut backoff = backoff();
            for step in [1, 2, 4, 8, 16, 32, 32] {
                assert_eq!(backoff.fail(random), seconds(step).mul_f64(share), "{random}");
            }
        }
    }

    #[test]
    fn something_that_worked_too_short_has_not_worked() {
        let mut backoff = backoff().reset_after(seconds(20));
        assert_eq!([backoff.fail(1.0), backoff.fail(1.0)], [seconds(1), seconds(2)]);
        backoff.worked_for(seconds(19));
        assert_eq!(backoff.fail(1.0), seconds(4));
        backoff.worked_for(seconds(20));
        assert_eq!(backoff.fail(1.0), seconds(1));
    }

    #[test]
    fn the_longest_wait_is_kept_until_a_success() {
        let mut backoff = backoff();
        backoff.wait_longest();
        assert_eq!([backoff.fail(1.0), backoff.fail(1.0)], [seconds(32); 2]);
        backoff.succeed();
        assert_eq!(backoff.fail(1.0), seconds(1));
    }

    #[test]
    fn no_number_of_failures_and_no_time_is_too_great() {
        assert_eq!(step(seconds(1), seconds(60), u32::MAX), seconds(60));
        assert_eq!(step(seconds(90), seconds(60), 0), seconds(60));
        assert_eq!(Backoff::new(Duration::MAX, Duration::MAX).fail(1.0), Duration::MAX);
        assert!(Backoff::new(Duration::MAX, Duration::MAX).fail(0.0) > Duration::MAX / 3);
    }
}
