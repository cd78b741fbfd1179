//! Straight lines over gaps: holds events without a value back until the next number is known.

use std::time::{Duration, Instant};

use fieldline_core::{Event, Moment, Outputs, Transform, Value};
use fieldline_signal::Sample;

use super::Target;
use crate::lookup::Lookup;
use crate::transforms::keyed::{Keyed, key_of};
use crate::transforms::timing::{Timeline, Timing};

/// Draws a line from the last number to the next.
pub(super) struct Linear {
    target: Target,
    timing: Timing,
    max_gap: Option<Duration>,
    max_events: usize,
    by: Option<Lookup>,
    gaps: Keyed<Gap>,
    timeline: Timeline,
    /// Not later than the first gap is given up.
    wake: Option<Instant>,
}

/// The last number, and the events that wait for the next.
#[derive(Default)]
struct Gap {
    last: Option<Sample>,
    waiting: Vec<(i64, Event)>,
    due: Option<Instant>,
}

impl Linear {
    pub(super) fn new(
        target: Target,
        timing: Timing,
        max_gap: Option<Duration>,
        max_events: usize,
        by: Option<Lookup>,
        max_keys: usize,
    ) -> Self {
        let (gaps, timeline) = (Keyed::new(max_keys), Timeline::default());
        Linear { target, timing, max_gap, max_events, by, gaps, timeline, wake: None }
    }
}

impl Transform for Linear {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let now = self.timeline.now(moment);
        let nanos = match self.timing.of(&event, now) {
            Ok(nanos) => nanos,
            Err(error) => return out.fail(event, error),
        };
        let (gap, evicted) = self.gaps.touch(&key_of(&event, self.by.as_ref()), moment.instant);
        if let Some(mut evicted) = evicted {
            evicted.give_up(&self.target, out);
        }
        let Some(value) = self.target.value(&event) else {
            if gap.last.is_none() || gap.waiting.len() >= self.max_events {
                gap.give_up(&self.target, out);
                return self.target.send_missing(event, out);
            }
            if gap.waiting.is_empty() {
                gap.due = self.max_gap.map(|max_gap| moment.instant + max_gap);
            }
            gap.waiting.push((nanos, event));
            self.wake = self.wake.into_iter().chain(gap.due).min();
            return;
        };
        match value.as_f64().filter(|number| number.is_finite()) {
            Some(value) => gap.close(Sample { nanos, value }, &self.target, out),
            None => gap.give_up(&self.target, out),
        }
        self.target.send(event, None, "good", out);
    }

    fn deadline(&self) -> Option<Instant> {
        self.wake
    }

    fn on_deadline(&mut self, moment: &Moment<'_>, out: &mut Outputs) {
        let mut wake: Option<Instant> = None;
        self.gaps.for_each(|gap| {
            if gap.due.is_some_and(|due| due <= moment.instant) {
                gap.give_up(&self.target, out);
            }
            wake = wake.into_iter().chain(gap.due).min();
        });
        self.wake = wake;
    }

    fn finish(&mut self, _moment: &Moment<'_>, out: &mut Outputs) {
        self.gaps.for_each(|gap| gap.give_up(&self.target, out));
        self.wake = None;
    }
}

impl Gap {
    /// Draws the line to `next`. A reading whose time is not between both ends gets the nearer end.
    fn close(&mut self, next: Sample, target: &Target, out: &mut Outputs) {
        let last = self.last.replace(next).unwrap_or(next);
        let span = last.seconds_to(&next);
        for (nanos, event) in self.waiting.drain(..) {
            let passed = last.seconds_to(&Sample { nanos, value: 0.0 });
            let share = if span > 0.0 { (passed / span).clamp(0.0, 1.0) } else { 0.0 };
            let value = last.value + share * (next.value - last.value);
            target.send(event, Some(Value::Float(value)), "interpolated", out);
        }
        self.due = None;
    }

    /// The next number takes too long: what waits passes without one, and a new line begins with it.
    fn give_up(&mut self, target: &Target, out: &mut Outputs) {
        self.waiting.drain(..).for_each(|(_, event)| target.send_missing(event, out));
        (self.last, self.due) = (None, None);
    }
}
