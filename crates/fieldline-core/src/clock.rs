//! [`Clock`]: the one way to learn what time it is. Drivers and sources are given one; transforms are
//! given the [`Moment`](crate::Moment) itself.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

/// Where the time comes from. The program reads the machine's clocks; tests turn a virtual one.
pub trait TimeSource: Send + Sync {
    /// Monotonic time.
    fn instant(&self) -> Instant;
    /// Wall-clock time in UTC.
    fn time(&self) -> Timestamp;
    /// Whether the wall clock is known not to have been set since the machine started.
    fn is_unset(&self) -> bool {
        false
    }
}

/// A shared [`TimeSource`].
#[derive(Clone)]
pub struct Clock(Arc<dyn TimeSource>);

impl Clock {
    /// A clock that reads `source`.
    pub fn new(source: impl TimeSource + 'static) -> Self {
        Clock(Arc::new(source))
    }

    /// Monotonic time.
    pub fn instant(&self) -> Instant {
        self.0.instant()
    }

    /// Wall-clock time in UTC.
    pub fn time(&self) -> Timestamp {
        self.0.time()
    }

    /// Whether the wall clock is known not to have been set since the machine started. Then every event of a source
    /// says so: `meta.clock` is `unset`.
    pub fn is_unset(&self) -> bool {
        self.0.is_unset()
    }
}

/// RFC 3339 in UTC with six decimals, as the seed's consumers expect: `2020-02-15T16:43:16.226983Z`.
pub fn rfc3339(time: Timestamp) -> String {
    format!("{time:.6}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_timestamp_has_always_six_decimals() {
        let time: jiff::Timestamp = "2020-02-15T16:43:16.226983Z".parse().expect("a time");
        assert_eq!(super::rfc3339(time), "2020-02-15T16:43:16.226983Z");
        let time: jiff::Timestamp = "2020-02-15T16:43:16Z".parse().expect("a time");
        assert_eq!(super::rfc3339(time), "2020-02-15T16:43:16.000000Z");
    }
}
