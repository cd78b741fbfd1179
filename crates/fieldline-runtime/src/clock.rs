//! The two time sources: the machine's, and tokio's, which tests can pause and turn.

use std::time::Instant;

use fieldline_core::clock::TimeSource;
use jiff::Timestamp;

/// The machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTime;

impl TimeSource for SystemTime {
    fn instant(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn time(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// tokio's clock with a wall clock that starts where it is told: both stand still and jump with
/// `tokio::time::pause`.
#[derive(Clone, Copy, Debug)]
pub struct TokioTime {
    start: tokio::time::Instant,
    wall: Timestamp,
}

impl TokioTime {
    /// A wall clock that shows `wall` now.
    pub fn starting_at(wall: Timestamp) -> Self {
        TokioTime { start: tokio::time::Instant::now(), wall }
    }
}

impl TimeSource for TokioTime {
    fn instant(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn time(&self) -> Timestamp {
        self.wall.checked_add(self.start.elapsed()).unwrap_or(Timestamp::MAX)
    }
}
