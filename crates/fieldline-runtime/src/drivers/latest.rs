//! [`Latest`]: the latest values beside the events of a node (`with:`), and the events that wait for one. Pure: it is
//! told the time, and its driver does what it says.
//!
//! Waiting never holds up the queue: a value may come behind the events that wait for it, from the same source even, so
//! that back-pressure would be a deadlock. Instead an event that cannot wait any longer goes to the dead letter.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use fieldline_compiler::{Beside, Freshness, Missing};
use fieldline_core::{Event, EventError, Map, Value};
use jiff::Timestamp;

/// The most events that wait; one more, and the oldest goes to the dead letter.
pub(crate) const MOST_WAITING: usize = 1000;

/// The values beside the events of one node.
#[derive(Default)]
pub(crate) struct Latest {
    places: Vec<Place>,
    /// What transforms see: the values that are fresh enough for the event at hand.
    shown: Map,
    /// In the order in which they came.
    waiting: VecDeque<Waiting>,
    /// When the first of them has waited too long.
    due: Option<Instant>,
}

/// One value.
struct Place {
    beside: Beside,
    known: Option<Known>,
}

struct Known {
    time: Timestamp,
    value: Arc<Value>,
}

struct Waiting {
    arrived: Instant,
    event: Event,
}

/// What is to be done with the next event.
pub(crate) enum Step {
    /// It is processed; what lies beside it is shown.
    Apply(Event),
    /// It is taken out.
    Discard(Event, &'static str),
    /// It goes to the dead letter.
    Fail(Event, EventError),
}

impl Latest {
    /// The values that `with` asks for, none of them known.
    pub(crate) fn new(with: &[Beside]) -> Self {
        let place = |beside: &Beside| Place { beside: beside.clone(), known: None };
        Latest { places: with.iter().map(place).collect(), ..Latest::default() }
    }

    /// Goes on with the values that `before` knows of the same nodes under the same names, and with its events.
    pub(crate) fn take_over(&mut self, before: Latest) {
        for old in before.places {
            let is_same =
                |new: &&mut Place| new.beside.name == old.beside.name && new.beside.input == old.beside.input;
            if let Some(place) = self.places.iter_mut().find(is_same) {
                place.known = old.known;
                place.show(&mut self.shown, true);
            }
        }
        self.waiting = before.waiting;
    }

    /// The values for the event at hand, by name.
    pub(crate) fn shown(&self) -> &Map {
        &self.shown
    }

    /// Whether events have to go through [`Latest::admit`]: some value must be fresh, or must be there.
    pub(crate) fn has_rules(&self) -> bool {
        let has_rule = |place: &Place| place.beside.freshness != Freshness::default();
        !self.waiting.is_empty() || self.places.iter().any(has_rule)
    }

    /// The body of `event` is the latest value at `place` now.
    pub(crate) fn learn(&mut self, place: usize, event: &Event) {
        let place = &mut self.places[place];
        place.known = Some(Known { time: event.meta().time, value: event.shared_body() });
        self.shown.insert((&*place.beside.name).into(), event.body().clone());
    }

    /// Takes an event in, behind those that wait.
    pub(crate) fn admit(&mut self, event: Event, now: Instant) {
        self.waiting.push_back(Waiting { arrived: now, event });
    }

    /// What is to be done with the first event; `None` if there is none, or it has to wait.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Step> {
        self.due = None;
        let waiting = self.waiting.len();
        let first = self.waiting.front()?;
        let time = first.event.meta().time;
        let lacks = |place: &&Place| place.beside.freshness.missing != Missing::Null && !place.is_fresh(time);
        if let Some(place) = self.places.iter().find(lacks) {
            let reason = if place.known.is_none() { "no_value" } else { "stale_value" };
            let Missing::Wait(longest) = place.beside.freshness.missing else {
                return Some(Step::Discard(self.waiting.pop_front()?.event, reason));
            };
            let due = first.arrived + longest;
            if now < due && waiting <= MOST_WAITING {
                self.due = Some(due);
                return None;
            }
            let name = &place.beside.name;
            let error =
                EventError::new(reason, format!("no fresh value of `{name}` came while it could wait"));
            return Some(Step::Fail(self.waiting.pop_front()?.event, error));
        }
        for place in self.places.iter().filter(|place| place.beside.freshness.max_age.is_some()) {
            place.show(&mut self.shown, place.is_fresh(time));
        }
        Some(Step::Apply(self.waiting.pop_front()?.event))
    }

    /// When [`Latest::next`] has to be asked, if nothing comes before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// The events that wait, when nothing comes for them any more.
    pub(crate) fn give_up(self) -> impl Iterator<Item = (Event, EventError)> {
        let error = || EventError::new("no_value", "its node ended while it waited for a value of `with`");
        self.waiting.into_iter().map(move |waiting| (waiting.event, error()))
    }
}

impl Place {
    /// Whether the value is there, and not too old for an event of `time`.
    fn is_fresh(&self, time: Timestamp) -> bool {
        let Some(known) = &self.known else { return false };
        let until = self.beside.freshness.max_age.map(|age| known.time.checked_add(age));
        // A time beyond what can be written down is never reached.
        until.is_none_or(|until| until.is_err() || until.is_ok_and(|until| time <= until))
    }

    /// Puts the value among those that are shown, or takes it out.
    fn show(&self, shown: &mut Map, is_fresh: bool) {
        let name = &*self.beside.name;
        match &self.known {
            Some(known) if is_fresh && !shown.contains_key(name) => {
                shown.insert(name.into(), (*known.value).clone());
            }
            _ if !is_fresh => drop(shown.swap_remove(name)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fieldline_compiler::{Input, NodeId};
    use fieldline_core::{Meta, Receipt};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// One value, `cpu`, that may be 5 s old.
    fn latest(missing: Missing) -> Latest {
        let input = Input { from: NodeId::new("p", "cpu"), port: 0 };
        let freshness = Freshness { max_age: Some(5 * SECOND), missing };
        Latest::new(&[Beside { name: "cpu".into(), input, freshness }])
    }

    /// An event of this second.
    fn at(second: i64) -> Event {
        let time = Timestamp::from_second(second).expect("a time");
        Event::new(Value::Int(second), Meta::new(time, "air".into()), Receipt::untracked())
    }

    /// What happens to an event of `second`: its own, and the value beside it or the reason.
    fn step(latest: &mut Latest, now: Instant) -> Option<(i64, String)> {
        Some(match latest.next(now)? {
            Step::Apply(event) => {
                let shown = latest.shown().get("cpu").map_or("null".into(), |value| format!("{value:?}"));
                (event.body().as_i64()?, shown)
            }
            Step::Discard(event, reason) => (event.body().as_i64()?, reason.to_owned()),
            Step::Fail(event, error) => (event.body().as_i64()?, format!("failed: {}", error.reason)),
        })
    }

    /// Events of these seconds, and a value of second 10 behind the second of them.
    fn steps(missing: Missing, events: [i64; 4]) -> Vec<(i64, String)> {
        let (mut latest, now) = (latest(missing), tokio::time::Instant::now().into_std());
        let mut steps = Vec::new();
        for (place, second) in events.into_iter().enumerate() {
            latest.admit(at(second), now);
            if place == 2 {
                latest.learn(0, &at(10));
            }
            while let Some(step) = step(&mut latest, now) {
                steps.push(step);
            }
        }
        steps
    }

    fn said<const N: usize>(steps: [(i64, &str); N]) -> Vec<(i64, String)> {
        steps.map(|(second, what)| (second, what.to_owned())).to_vec()
    }

    #[test]
    fn a_value_that_is_too_old_for_an_event_is_not_there() {
        let expected = [(8, "null"), (9, "null"), (15, "Int(10)"), (16, "null")];
        assert_eq!(steps(Missing::Null, [8, 9, 15, 16]), said(expected));
    }

    #[test]
    fn a_value_that_is_newer_than_an_event_is_fresh() {
        assert_eq!(steps(Missing::Null, [8, 9, 3, 16])[2], (3, "Int(10)".to_owned()));
    }

    #[test]
    fn an_event_without_a_value_is_taken_out_with_the_reason() {
        let expected = [(8, "no_value"), (9, "no_value"), (15, "Int(10)"), (16, "stale_value")];
        assert_eq!(steps(Missing::Drop, [8, 9, 15, 16]), said(expected));
    }

    #[test]
    fn events_wait_for_the_value_in_their_order() {
        let expected = [(8, "Int(10)"), (9, "Int(10)"), (15, "Int(10)")];
        assert_eq!(steps(Missing::Wait(SECOND), [8, 9, 15, 16]), said(expected));
    }

    #[test]
    fn an_event_waits_for_so_long_and_then_fails() {
        let (mut latest, now) = (latest(Missing::Wait(SECOND)), tokio::time::Instant::now().into_std());
        latest.admit(at(1), now);
        latest.admit(at(2), now + SECOND / 2);
        assert_eq!(step(&mut latest, now + SECOND / 2), None);
        assert_eq!(latest.deadline(), Some(now + SECOND));
        assert_eq!(step(&mut latest, now + SECOND), Some((1, "failed: no_value".to_owned())));
        assert_eq!(step(&mut latest, now + SECOND), None);
        assert_eq!(latest.deadline(), Some(now + SECOND + SECOND / 2));
    }

    #[test]
    fn the_oldest_of_too_many_events_that_wait_fails() {
        let (mut latest, now) = (latest(Missing::Wait(SECOND)), tokio::time::Instant::now().into_std());
        for second in 1..=MOST_WAITING as i64 {
            latest.admit(at(second), now);
            assert_eq!(step(&mut latest, now), None);
        }
        latest.admit(at(0), now);
        assert_eq!(step(&mut latest, now), Some((1, "failed: no_value".to_owned())));
        assert_eq!(step(&mut latest, now), None);
    }
}
