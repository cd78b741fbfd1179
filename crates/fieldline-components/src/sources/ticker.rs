//! [`Ticker`]: when a source that polls shall take its next reading, and the settings that decide it.

use std::time::{Duration, Instant};

use fieldline_core::{Clock, Period, Setting, Settings, Shape};
use tokio::time::sleep_until;

/// The time between readings, as a setting. A config may say more and less than a command.
pub(crate) const EVERY: Setting = Setting {
    name: "every",
    summary: "The time between two readings.",
    shape: Shape::Period { min: Duration::from_millis(100), max: Duration::from_secs(24 * 3600) },
};

/// Whether readings are taken at all, as a setting.
pub(crate) const ENABLED: Setting = Setting {
    name: "enabled",
    summary: "Whether readings are taken; the first one is taken at once when it becomes true.",
    shape: Shape::Truth,
};

/// Ticks at an interval while it is enabled: the first at once, and those that were missed are skipped.
///
/// A tick stays due until it is taken, so a source whose `next` is dropped while it reads takes that
/// reading in its next call.
pub(crate) struct Ticker {
    every: Duration,
    enabled: bool,
    /// When the last tick was due.
    last: Option<Instant>,
    due: bool,
}

impl Ticker {
    /// A ticker that begins with its first tick; `every` must not be zero.
    pub(crate) fn new(every: Duration, enabled: bool) -> Self {
        Ticker { every, enabled, last: None, due: false }
    }

    /// How `every` and `enabled` are configured, as settings.
    pub(crate) fn settings(every: Period, enabled: bool) -> Settings {
        Settings::from([(EVERY.name, every.to_string().into()), (ENABLED.name, enabled.into())])
    }

    /// Goes on as the settings say: the next tick is one new interval after the last one, or at once if that is over.
    pub(crate) fn adjust(&mut self, settings: &Settings) {
        self.every = settings.period(EVERY.name).unwrap_or(self.every);
        self.enabled = settings.truth(ENABLED.name).unwrap_or(self.enabled);
        self.due &= self.enabled;
    }

    /// Whether it ticks.
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Waits until a tick is due; for ever while it is not enabled. Cancel-safe.
    pub(crate) async fn due(&mut self, clock: &Clock) {
        if self.due {
            return;
        }
        if !self.enabled {
            return std::future::pending().await;
        }
        let next = self.last.map_or_else(|| clock.instant(), |last| last + self.every);
        sleep_until(next.into()).await;
        let missed = clock.instant().saturating_duration_since(next).as_nanos() / self.every.as_nanos();
        self.last = Some(next + self.every * u32::try_from(missed).unwrap_or(0));
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
    use crate::tokio_clock::tokio_clock;

    const EVERY: Duration = Duration::from_secs(5);

    /// Seconds from `start` to the next tick, which is taken.
    async fn next(ticker: &mut Ticker, start: Instant) -> u64 {
        ticker.due(&tokio_clock()).await;
        ticker.taken();
        start.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_tick_is_at_once_and_missed_ones_are_skipped() {
        let start = Instant::now();
        let mut ticker = Ticker::new(EVERY, true);
        assert_eq!(next(&mut ticker, start).await, 0);
        advance(EVERY * 3 + Duration::from_secs(1)).await;
        assert_eq!(next(&mut ticker, start).await, 16);
        assert_eq!(next(&mut ticker, start).await, 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_tick_that_nobody_took_stays_due() {
        let mut ticker = Ticker::new(EVERY, true);
        ticker.due(&tokio_clock()).await;
        assert!(timeout(Duration::from_millis(1), ticker.due(&tokio_clock())).await.is_ok());
        ticker.taken();
        assert!(timeout(Duration::from_millis(1), ticker.due(&tokio_clock())).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_interval_counts_from_the_last_tick() {
        let start = Instant::now();
        let mut ticker = Ticker::new(EVERY, true);
        assert_eq!(next(&mut ticker, start).await, 0);
        advance(Duration::from_secs(2)).await;
        ticker.adjust(&Ticker::settings(Period(Duration::from_secs(3)), true));
        assert_eq!(next(&mut ticker, start).await, 3);
        advance(Duration::from_secs(2)).await;
        ticker.adjust(&Ticker::settings(Period(Duration::from_secs(1)), true));
        assert_eq!(next(&mut ticker, start).await, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_ticks_while_it_is_not_enabled() {
        let mut ticker = Ticker::new(EVERY, false);
        assert!(timeout(EVERY * 9, ticker.due(&tokio_clock())).await.is_err());
        ticker.adjust(&Ticker::settings(Period(EVERY), true));
        assert!(timeout(Duration::from_millis(1), ticker.due(&tokio_clock())).await.is_ok());
        ticker.adjust(&Ticker::settings(Period(EVERY), false));
        assert!(timeout(EVERY * 9, ticker.due(&tokio_clock())).await.is_err());
    }
}
