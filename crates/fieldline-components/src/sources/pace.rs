//! [`Pace`]: how fast a recording is played back.

use std::time::{Duration, Instant};

use fieldline_core::{Clock, Value};
use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep_until;

use crate::sources::ticker::Ticker;
use crate::time_field::TimeField;

/// How fast a recording is played back.
pub(crate) enum Pace {
    /// As fast as it is taken.
    Unlimited,
    /// One record per tick.
    Steady(Ticker),
    /// With the pauses it was recorded with.
    Recorded(Recorded),
}

/// Pauses as they were recorded.
pub(crate) struct Recorded {
    time: TimeField,
    speed: f64,
    /// The first record's time, and when it was played.
    origin: Option<(Timestamp, Instant)>,
}

impl Pace {
    /// As the recorded `time` says, `speed` times as fast.
    pub(crate) fn recorded(time: TimeField, speed: f64) -> Self {
        Pace::Recorded(Recorded { time, speed, origin: None })
    }

    /// Waits until it is time for `body`. Cancel-safe: called again for the same body, it goes on waiting.
    pub(crate) async fn wait_for(&mut self, body: &Value, clock: &Clock) {
        match self {
            Pace::Unlimited => {}
            Pace::Steady(ticker) => ticker.due(clock).await,
            Pace::Recorded(recorded) => {
                if let Some(due) = recorded.due(body, clock) {
                    sleep_until(due.into()).await;
                }
            }
        }
    }

    /// The body that was waited for is handed over.
    pub(crate) fn taken(&mut self) {
        if let Pace::Steady(ticker) = self {
            ticker.taken();
        }
    }

    /// The recording begins again.
    pub(crate) fn rewind(&mut self) {
        if let Pace::Recorded(recorded) = self {
            recorded.origin = None;
        }
    }

    /// Where records say when they were taken, if they set the pace.
    pub(crate) fn time(&self) -> Option<&TimeField> {
        match self {
            Pace::Recorded(recorded) => Some(&recorded.time),
            _ => None,
        }
    }
}

impl Recorded {
    /// A body without a time, or with one before the first, is due at once.
    fn due(&mut self, body: &Value, clock: &Clock) -> Option<Instant> {
        let time = self.time.of_body(body)?;
        let (first, start) = *self.origin.get_or_insert_with(|| (time, clock.instant()));
        let elapsed: SignedDuration = time.duration_since(first);
        let pause = Duration::try_from_secs_f64(elapsed.as_secs_f64() / self.speed).ok()?;
        start.checked_add(pause)
    }
}
