//! [`Meter`]: what one run has used, in steps and in time. The interpreter tells it every step, also those of functions that
//! are called for each value of a list. The clock is asked rarely, but more often the more data there is: one step can take
//! as long as the data is large.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::Limits;
use fieldline_core::Clock;

/// Steps between two looks at the clock, where there is little data.
const LOOK_EVERY: u64 = 256;

/// Values that one step may work on before the clock is asked more often.
const VALUES_PER_STEP: usize = 64;

/// Why a run is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exhausted {
    /// It took more steps than it may.
    Steps,
    /// It took more time than it may.
    Time,
}

/// Counts the steps of a run and looks at the clock.
pub(crate) struct Meter {
    steps: u64,
    time: Option<(Clock, Duration)>,
    used: AtomicU64,
    /// The step at which to look at the limits.
    next_look: AtomicU64,
    /// Steps from one look to the next.
    look_every: AtomicU64,
    /// The first look at the clock, from which the time counts. Most runs end before it.
    first_look: Mutex<Option<Instant>>,
}

impl Meter {
    pub(crate) fn new(limits: &Limits, clock: Option<Clock>) -> Self {
        let meter = Meter {
            steps: limits.operations.max(1),
            time: clock.zip(limits.time),
            used: AtomicU64::new(0),
            next_look: AtomicU64::new(0),
            look_every: AtomicU64::new(LOOK_EVERY),
            first_look: Mutex::new(None),
        };
        meter.reset();
        meter
    }

    /// A run begins.
    pub(crate) fn reset(&self) {
        self.used.store(0, Ordering::Relaxed);
        self.look_every.store(LOOK_EVERY, Ordering::Relaxed);
        self.next_look.store(LOOK_EVERY.min(self.steps + 1), Ordering::Relaxed);
        *self.first_look.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The run takes a step. Once a limit is passed, every further step is told so.
    pub(crate) fn step(&self) -> Result<(), Exhausted> {
        let used = self.used.load(Ordering::Relaxed) + 1;
        self.used.store(used, Ordering::Relaxed);
        if used < self.next_look.load(Ordering::Relaxed) { Ok(()) } else { self.look(used) }
    }

    /// The variables hold `size` values: a single step may work on all of them.
    pub(crate) fn holds(&self, size: usize) {
        let every = (LOOK_EVERY / (1 + (size / VALUES_PER_STEP) as u64)).max(1);
        if every < self.look_every.load(Ordering::Relaxed) {
            self.look_every.store(every, Ordering::Relaxed);
            let soon = self.used.load(Ordering::Relaxed) + every;
            self.next_look.fetch_min(soon, Ordering::Relaxed);
        }
    }

    fn look(&self, used: u64) -> Result<(), Exhausted> {
        if used > self.steps {
            return Err(Exhausted::Steps);
        }
        if let Some((clock, limit)) = &self.time {
            let now = clock.instant();
            let first_look =
                *self.first_look.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now);
            if now.saturating_duration_since(first_look) > *limit {
                return Err(Exhausted::Time);
            }
        }
        let next = used + self.look_every.load(Ordering::Relaxed);
        self.next_look.store(next.min(self.steps + 1), Ordering::Relaxed);
        Ok(())
    }
}

impl Exhausted {
    /// What the interpreter ends the run with.
    pub(crate) fn token(self) -> &'static str {
        match self {
            Exhausted::Steps => "too many steps",
            Exhausted::Time => "out of time",
        }
    }

    /// What a run was ended for that ended with `token`.
    pub(crate) fn of(token: &str) -> Option<Self> {
        [Exhausted::Steps, Exhausted::Time].into_iter().find(|exhausted| exhausted.token() == token)
    }
}
