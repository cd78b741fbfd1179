//! [`Pace`]: how long the transforms of a segment hold the thread that they share with others. Where that is too long, the
//! segment goes on on a thread of its own.

use std::time::Duration;

/// What a transform may hold a shared thread at a time. Everyone else waits for that.
const LONG: Duration = Duration::from_millis(5);

/// How much of longer holds is borne. A machine with much to do stretches single calls of everyone.
const BORNE: Duration = Duration::from_millis(20);

/// A call that is shorter may be given twice as many events the next time.
const SHORT: Duration = Duration::from_millis(1);

/// Adds up what is too long, and says how many events a call may be given.
#[derive(Debug)]
pub(crate) struct Pace {
    events: usize,
    too_long: Duration,
    has_own_thread: bool,
    slowest: Option<Slowest>,
}

/// The transform that held the thread longest, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slowest {
    /// Its place in the segment.
    pub(crate) position: usize,
    /// How long it held the thread at a time.
    pub(crate) held: Duration,
}

impl Pace {
    /// Of a segment that shares its thread; how long its transforms take is not known yet.
    pub(crate) fn shared() -> Self {
        Pace { events: 1, too_long: Duration::ZERO, has_own_thread: false, slowest: None }
    }

    /// Of a segment that has a thread of its own and may hold it.
    pub(crate) fn alone() -> Self {
        Pace { events: usize::MAX, has_own_thread: true, ..Pace::shared() }
    }

    /// How many events a transform may be given at a time.
    pub(crate) fn events(&self) -> usize {
        self.events
    }

    /// The transform at `position` held the thread so long.
    pub(crate) fn held(&mut self, position: usize, held: Duration) {
        if self.has_own_thread {
            return;
        }
        if held < SHORT {
            self.events = self.events.saturating_mul(2);
        } else if held > SHORT * 2 {
            self.events = (self.events / 2).max(1);
        }
        if held <= LONG {
            return;
        }
        self.too_long += held;
        if self.slowest.is_none_or(|slowest| slowest.held < held) {
            self.slowest = Some(Slowest { position, held });
        }
    }

    /// Why the segment must leave the shared thread, if it must.
    pub(crate) fn hog(&self) -> Option<Slowest> {
        self.slowest.filter(|_| self.too_long > BORNE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn one_very_long_hold_or_some_long_ones_are_too_much() {
        let mut pace = Pace::shared();
        pace.held(1, 250 * MS);
        assert_eq!(pace.hog(), Some(Slowest { position: 1, held: 250 * MS }));
        let mut pace = Pace::shared();
        (0..3).for_each(|_| pace.held(0, 6 * MS));
        assert_eq!(pace.hog(), None);
        pace.held(2, 7 * MS);
        assert_eq!(pace.hog(), Some(Slowest { position: 2, held: 7 * MS }));
    }

    #[test]
    fn a_call_is_given_more_events_as_long_as_they_take_little() {
        let mut pace = Pace::shared();
        assert_eq!(pace.events(), 1);
        (0..6).for_each(|_| pace.held(0, MS / 10));
        assert_eq!(pace.events(), 64);
        pace.held(0, 4 * MS);
        assert_eq!(pace.events(), 32);
    }

    #[test]
    fn short_holds_and_those_of_an_own_thread_do_not_count() {
        let mut pace = Pace::shared();
        (0..1000).for_each(|_| pace.held(0, 5 * MS));
        assert_eq!(pace.hog(), None);
        let mut pace = Pace::alone();
        pace.held(0, 250 * MS);
        assert_eq!(pace.hog(), None);
    }
}
