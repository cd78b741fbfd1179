//! [`Pace`]: how fast a recording is played back.

use std::time::{Duration, Instant};

use fieldline_core::{Clock, FieldPath, Value};
use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep_until;

use crate::sources::ticker::Ticker;

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
    field: FieldPath,
    speed: f64,
    /// The first record's time, and when it was played.
    origin: Option<(Timestamp, Instant)>,
}

impl Pace {
    /// As recorded in `field`, `speed` times as fast.
    pub(crate) fn recorded(field: FieldPath, speed: f64) -> Self {
        Pace::Recorded(Recorded { field, speed, origin: None })
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

    /// When `body` was recorded, where that is known.
    pub(crate) fn time_of(&self, body: &Value) -> Option<Timestamp> {
        match self {
            Pace::Recorded(recorded) => timestamp(recorded.field.get(body)?),
            _ => None,
        }
    }
}

impl Recorded {
    /// A body without a time, or with one before the first, is due at once.
    fn due(&mut self, body: &Value, clock: &Clock) -> Option<Instant> {
        let time = timestamp(self.field.get(body)?)?;
        let (first, start) = *self.origin.get_or_insert_with(|| (time, clock.instant()));
        let elapsed: SignedDuration = time.duration_since(first);
        let pause = Duration::try_from_secs_f64(elapsed.as_secs_f64() / self.speed).ok()?;
        start.checked_add(pause)
    }
}

/// Numbers from here on count milliseconds; as seconds they would be beyond the year 5000.
const FIRST_MILLISECONDS: f64 = 1e11;

/// Reads RFC 3339, or seconds or milliseconds since 1970.
fn timestamp(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_text() {
        return text.parse().ok();
    }
    let number = value.as_f64()?;
    let seconds = if number.abs() < FIRST_MILLISECONDS { number } else { number / 1000.0 };
    let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
    // A float holds today's seconds to a fraction of a microsecond; what lies below is no measurement.
    Timestamp::from_microsecond(i64::try_from(since.as_micros()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_text_seconds_or_milliseconds() {
        let wanted: Timestamp = "2020-02-15T16:43:16.25Z".parse().expect("a time");
        for value in ["2020-02-15T17:43:16.25+01:00".into(), 1581784996.25.into(), 1581784996250i64.into()] {
            assert_eq!(timestamp(&value), Some(wanted), "{value:?}");
        }
        for value in [Value::Null, "yesterday".into(), f64::NAN.into(), 1e300.into()] {
            assert_eq!(timestamp(&value), None, "{value:?}");
        }
    }
}
