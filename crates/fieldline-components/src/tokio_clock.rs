//! A clock for the tests of this crate: tokio's, which they pause and turn, and a wall clock that stands still.

#![cfg(test)]

use std::time::Instant;

use fieldline_core::{Clock, TimeSource};
use jiff::Timestamp;

struct TokioTime;

impl TimeSource for TokioTime {
    fn instant(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn time(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// tokio's clock; the wall clock shows 1970.
pub(crate) fn tokio_clock() -> Clock {
    Clock::new(TokioTime)
}
