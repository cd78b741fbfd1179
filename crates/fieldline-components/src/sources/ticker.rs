//! [`Ticker`]: when a source that polls shall take its next reading.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// Ticks at an interval: the first at once, and those that were missed are skipped.
///
/// A tick stays due until it is taken, so a source whose `next` is dropped while it reads takes that
/// reading in its next call.
pub(crate) struct Ticker {
    every: Duration,
    interval: Option<Interval>,
    due: bool,
}

impl Ticker {
    /// A ticker that begins with its first tick; `every` must not be zero.
    pub(crate) fn new(every: Duration) -> Self {
        Ticker { every, interval: None, due: false }
    }

    /// Waits until a tick is due. Cancel-safe.
    pub(crate) async fn due(&mut self) {
        if self.due {
            return;
        }
        let interval = self.interval.get_or_insert_with(|| {
            let mut interval = interval(self.every);
            interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
            interval
        });
        interval.tick().await;
        self.due = true;
    }

    /// The reading is taken: the next tick is another one.
    pub(crate) fn taken(&mut self) {
        self.due = false;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, advance, timeout};

    use super::*;

    const EVERY: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn the_first_tick_is_at_once_and_missed_ones_are_skipped() {
        let start = Instant::now();
        let mut ticker = Ticker::new(EVERY);
        ticker.due().await;
        ticker.taken();
        assert_eq!(start.elapsed(), Duration::ZERO);
        advance(EVERY * 3 + Duration::from_secs(1)).await;
        ticker.due().await;
        ticker.taken();
        assert_eq!(start.elapsed(), Duration::from_secs(16));
        ticker.due().await;
        assert_eq!(start.elapsed(), Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_tick_that_nobody_took_stays_due() {
        let mut ticker = Ticker::new(EVERY);
        ticker.due().await;
        assert!(timeout(Duration::from_millis(1), ticker.due()).await.is_ok());
        ticker.taken();
        assert!(timeout(Duration::from_millis(1), ticker.due()).await.is_err());
    }
}
