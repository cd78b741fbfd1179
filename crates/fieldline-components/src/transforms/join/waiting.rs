//! [`Waiting`]: the events of one key that wait for their partners.

use std::collections::VecDeque;
use std::time::Instant;

use fieldline_core::Event;

/// An event that waits.
pub(super) struct Held {
    /// Its time, in nanoseconds since 1970.
    pub(super) nanos: i64,
    /// When it stops waiting.
    pub(super) due: Instant,
    pub(super) event: Event,
}

/// What a step makes of waiting events: one for each side, none for those that are missing.
pub(super) type Parts = Vec<Option<Event>>;

/// The events of one key, for each side in the order of time.
#[derive(Default)]
pub(super) struct Waiting {
    sides: Vec<VecDeque<Held>>,
}

impl Waiting {
    /// How many events wait.
    pub(super) fn len(&self) -> usize {
        self.sides.iter().map(VecDeque::len).sum()
    }

    /// Lets an event of `side`, one of `count`, wait.
    pub(super) fn insert(&mut self, side: usize, count: usize, held: Held) {
        self.sides.resize_with(count, VecDeque::new);
        let queue = &mut self.sides[side];
        let place = queue.partition_point(|other| other.nanos <= held.nanos);
        queue.insert(place, held);
    }

    /// The first event of each side, if they are less than `within` apart; else the earliest of them alone, which
    /// comes before every event that could still be its partner. None while a side is missing.
    pub(super) fn take_first(&mut self, within: i64) -> Option<Parts> {
        let times = self.sides.iter().map(|side| side.front().map(|held| held.nanos));
        let times: Vec<i64> = times.collect::<Option<_>>()?;
        let (earliest, latest) = (times.iter().min()?, times.iter().max()?);
        if latest - earliest < within {
            return Some(self.sides.iter_mut().map(|side| side.pop_front().map(|held| held.event)).collect());
        }
        let side = times.iter().position(|time| time == earliest)?;
        let held = self.sides[side].pop_front()?;
        Some(self.alone(side, held))
    }

    /// An event that has waited long enough at `now`; any event if there is no `now`.
    pub(super) fn take_due(&mut self, now: Option<Instant>) -> Option<Parts> {
        let is_due = |held: &Held| now.is_none_or(|now| held.due <= now);
        let found = self.sides.iter().enumerate().find_map(|(side, queue)| {
            let place = queue.iter().position(is_due)?;
            Some((side, place))
        });
        let (side, place) = found?;
        let held = self.sides[side].remove(place)?;
        Some(self.alone(side, held))
    }

    /// When the first event stops waiting.
    pub(super) fn due(&self) -> Option<Instant> {
        self.sides.iter().flatten().map(|held| held.due).min()
    }

    fn alone(&self, side: usize, held: Held) -> Parts {
        let mut parts: Parts = (0..self.sides.len()).map(|_| None).collect();
        parts[side] = Some(held.event);
        parts
    }
}
