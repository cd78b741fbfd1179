//! Simulated time: it passes when the driver waits, or when somebody moves it on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use embedded_hal::delay::DelayNs;

/// A clock that starts at zero; its clones show the same time. As a delay it moves itself on instead of waiting.
#[derive(Clone, Debug, Default)]
pub struct SimulatedClock {
    nanoseconds: Arc<AtomicU64>,
}

impl SimulatedClock {
    /// The time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Acquire))
    }

    /// Moves the clock on to `time`; it never goes back.
    pub fn advance_to(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_max(nanoseconds, Ordering::AcqRel);
    }
}

impl DelayNs for SimulatedClock {
    fn delay_ns(&mut self, nanoseconds: u32) {
        self.nanoseconds.fetch_add(u64::from(nanoseconds), Ordering::AcqRel);
    }
}
