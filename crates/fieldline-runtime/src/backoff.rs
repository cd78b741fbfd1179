//! [`Backoff`]: how long to wait before the next try.

use std::time::Duration;

use fieldline_core::policy::Retry;

/// Doubling waits up to a limit, each spread by up to a fifth either way, so that a hundred stations
/// do not come back in the same second.
#[derive(Debug)]
pub(crate) struct Backoff {
    initial: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits as `retry` says.
    pub(crate) fn new(retry: &Retry) -> Self {
        Backoff { initial: retry.initial.0, max: retry.max.0, failures: 0 }
    }

    /// How many tries have failed since the last success.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Books a failure and gives the wait before the next try.
    pub(crate) fn fail(&mut self) -> Duration {
        let doubled = self.initial.saturating_mul(1 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        doubled.min(self.max).mul_f64(0.8 + 0.4 * fastrand::f64())
    }

    /// Books a success: the next wait is the first again.
    pub(crate) fn succeed(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_start_anew_after_a_success() {
        let mut backoff = Backoff::new(&Retry::default());
        for seconds in [1, 2, 4, 8, 16, 32, 32] {
            let wait = backoff.fail().as_secs_f64() / f64::from(seconds);
            assert!((0.8..=1.2).contains(&wait), "{wait} at {seconds}");
        }
        backoff.succeed();
        assert!(backoff.fail() <= Duration::from_millis(1200));
    }
}
