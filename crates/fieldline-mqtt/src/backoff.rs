//! How long to wait before the next connection attempt: doubling, with jitter, forgotten once a connection
//! has been stable. Pure: neither clock nor timer, so that the schedule is tested exactly.

use std::time::Duration;

/// The schedule of reconnection attempts: `initial`, then doubled up to `maximum`, each shortened by up to
/// half at random so that a factory's devices do not return to the broker all at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    initial: Duration,
    maximum: Duration,
    stable_after: Duration,
    next: Duration,
    random: u64,
}

impl Backoff {
    /// A schedule from `initial` to `maximum`, which starts over after a connection that lasted
    /// `stable_after`. The same `seed` gives the same jitter.
    pub fn new(initial: Duration, maximum: Duration, stable_after: Duration, seed: u64) -> Self {
        Self { initial, maximum, stable_after, next: initial, random: seed }
    }

    /// The time to wait before the next attempt: between half of the step and the whole step.
    pub fn next_delay(&mut self) -> Duration {
        let step = self.next;
        self.next = (step * 2).min(self.maximum);
        let half = step / 2;
        half + half.mul_f64(self.random_fraction())
    }

    /// Goes straight to the longest step, because trying again soon cannot help.
    pub fn escalate(&mut self) {
        self.next = self.maximum;
    }

    /// Takes note that a connection ended after it had been up for `lasted`.
    pub fn connection_lasted(&mut self, lasted: Duration) {
        if lasted >= self.stable_after {
            self.next = self.initial;
        }
    }

    /// A number in `[0, 1)`: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
    /// generators", OOPSLA 2014), of which the upper 53 bits are used.
    fn random_fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_delay_doubles_to_the_maximum_and_loses_at_most_half_to_jitter() {
        for seed in 0..200 {
            let mut backoff = Backoff::new(seconds(1), seconds(32), seconds(20), seed);
            for step in [1, 2, 4, 8, 16, 32, 32, 32] {
                let delay = backoff.next_delay();
                assert!(delay >= seconds(step) / 2 && delay < seconds(step), "{delay:?} of {step} s");
            }
        }
    }

    #[test]
    fn the_jitter_uses_its_whole_range() {
        let delays: Vec<Duration> = (0..200)
            .map(|seed| Backoff::new(seconds(2), seconds(32), seconds(20), seed).next_delay())
            .collect();
        assert!(delays.iter().min() < Some(&Duration::from_millis(1_050)));
        assert!(delays.iter().max() > Some(&Duration::from_millis(1_950)));
    }

    #[test]
    fn only_a_stable_connection_starts_the_schedule_over() {
        let mut backoff = Backoff::new(seconds(1), seconds(32), seconds(20), 7);
        for _ in 0..4 {
            backoff.next_delay();
        }
        backoff.connection_lasted(seconds(19));
        assert!(backoff.next_delay() >= seconds(8));
        backoff.connection_lasted(seconds(20));
        assert!(backoff.next_delay() < seconds(1));
        backoff.escalate();
        assert!(backoff.next_delay() >= seconds(16));
    }
}
