//! [`Joiner`]: the part of a `join` that runs.

use std::time::{Duration, Instant};

use fieldline_core::{Event, EventError, Map, Moment, Outputs, Receipt, Transform, Value};

use super::waiting::{Held, Parts, Waiting};
use super::{Mode, Side};
use crate::lookup::Lookup;
use crate::transforms::keyed::{Keyed, key_of};
use crate::transforms::timing::{Timeline, Timing};

/// What a joiner must know and does not change.
pub(super) struct Rules {
    pub(super) names: Vec<String>,
    pub(super) sides: Vec<Side>,
    pub(super) mode: Mode,
    /// How far apart partners may be, in nanoseconds.
    pub(super) within: i64,
    pub(super) wait: Duration,
    /// The most events that wait, of all keys together.
    pub(super) max_events: usize,
}

/// Keeps events by key and side until they have partners or waited long enough.
pub(super) struct Joiner {
    rules: Rules,
    timing: Timing,
    by: Option<Lookup>,
    waiting: Keyed<Waiting>,
    /// How many events wait.
    held: usize,
    timeline: Timeline,
    /// Not later than the first event stops waiting.
    wake: Option<Instant>,
}

impl Joiner {
    pub(super) fn new(rules: Rules, timing: Timing, by: Option<Lookup>, max_keys: usize) -> Self {
        let (waiting, timeline) = (Keyed::new(max_keys), Timeline::default());
        Joiner { rules, timing, by, waiting, held: 0, timeline, wake: None }
    }
}

impl Transform for Joiner {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let now = self.timeline.now(moment);
        let rules = &self.rules;
        let Some(side) = rules.sides.iter().position(|side| side.holds(&event)) else {
            return match rules.sides.iter().any(|side| side.input.is_some()) && event.edge().is_none() {
                true => out.fail(event, put_in_again()),
                false => out.discard(event, "no_side"),
            };
        };
        let nanos = match self.timing.of(&event, now) {
            Ok(nanos) => nanos,
            Err(error) => return out.fail(event, error),
        };
        let (waiting, evicted) = self.waiting.touch(&key_of(&event, self.by.as_ref()), moment.instant);
        if let Some(mut evicted) = evicted {
            self.held -= evicted.len();
            rules.end(&mut evicted, None, out);
        }
        if self.held >= rules.max_events {
            return out.fail(event, EventError::new("join_full", "the join holds its `max_events` events"));
        }
        let before = waiting.len();
        let due = moment.instant + rules.wait;
        waiting.insert(side, rules.sides.len(), Held { nanos, due, event });
        while let Some(parts) = waiting.take_first(rules.within) {
            rules.emit(parts, out);
        }
        self.held = self.held - before + waiting.len();
        self.wake = self.wake.into_iter().chain(waiting.due()).min();
    }

    fn deadline(&self) -> Option<Instant> {
        self.wake
    }

    fn on_deadline(&mut self, moment: &Moment<'_>, out: &mut Outputs) {
        let (rules, held) = (&self.rules, &mut self.held);
        let mut wake: Option<Instant> = None;
        self.waiting.for_each(|waiting| {
            let before = waiting.len();
            rules.end(waiting, Some(moment.instant), out);
            *held = *held - before + waiting.len();
            wake = wake.into_iter().chain(waiting.due()).min();
        });
        self.wake = wake;
    }

    fn finish(&mut self, _moment: &Moment<'_>, out: &mut Outputs) {
        while let Some(mut waiting) = self.waiting.take_first() {
            self.rules.end(&mut waiting, None, out);
        }
        (self.held, self.wake) = (0, None);
    }
}

/// A dead letter of a program that did not write down inputs, or of a node that had one only, does not know its own.
fn put_in_again() -> EventError {
    EventError::new("no_side", "it was put in again, and without an input nothing tells its side")
}

impl Rules {
    /// Ends the waiting of events that are due; of all if there is no `now`.
    fn end(&self, waiting: &mut Waiting, now: Option<Instant>, out: &mut Outputs) {
        while let Some(parts) = waiting.take_due(now) {
            self.emit(parts, out);
        }
    }

    /// Sends the parts as one event, or takes them out where the mode wants partners and there are none.
    fn emit(&self, parts: Parts, out: &mut Outputs) {
        let complete = parts.iter().all(Option::is_some);
        let passes = match self.mode {
            Mode::Inner => complete,
            Mode::Left => parts.first().is_some_and(Option::is_some),
            Mode::Outer => true,
        };
        if !passes {
            parts.into_iter().flatten().for_each(|event| out.discard(event, "unmatched"));
            return;
        }
        let mut meta = None;
        let mut receipt = Receipt::untracked();
        let mut body = Map::default();
        for (name, part) in self.names.iter().zip(parts) {
            let value = part.map_or(Value::Null, |event| {
                meta.get_or_insert_with(|| event.meta().clone());
                let value = event.body().clone();
                receipt.merge(out.absorb_for(event));
                value
            });
            body.insert(name.as_str().into(), value);
        }
        if let Some(meta) = meta {
            out.send(Event::new(Value::Map(body), meta, receipt));
        }
    }
}
