//! The two time sources: the machine's, and tokio's, which tests can pause and turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use fieldline_core::TimeSource;
use jiff::Timestamp;

/// The machine's clocks.
#[derive(Clone, Debug, Default)]
pub struct SystemTime {
    unset: Unset,
}

/// Whether the machine's wall clock waits to be set. Whoever finds out tells all who ask a [`SystemTime`] with the
/// same one.
#[derive(Clone, Debug, Default)]
pub struct Unset(Arc<AtomicBool>);

impl Unset {
    /// Takes note whether it waits to be set.
    pub fn set(&self, unset: bool) {
        self.0.store(unset, Ordering::Relaxed);
    }
}

impl SystemTime {
    /// The machine's clocks; `unset` tells of the wall clock.
    pub fn new(unset: Unset) -> Self {
        SystemTime { unset }
    }
}

impl TimeSource for SystemTime {
    fn instant(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn time(&self) -> Timestamp {
        Timestamp::now()
    }

    fn is_unset(&self) -> bool {
        self.unset.0.load(Ordering::Relaxed)
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
