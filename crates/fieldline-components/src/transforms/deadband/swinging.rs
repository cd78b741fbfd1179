//! The swinging door over events: holds the latest event of each key until it is known whether it is a corner.

use std::time::{Duration, Instant};

use fieldline_core::{Event, FieldPath, Moment, Outputs, Transform};
use fieldline_signal::Sample;
use fieldline_signal::swinging_door::SwingingDoor;

use super::REASON;
use crate::lookup::Lookup;
use crate::transforms::keyed::{Keyed, key_of};
use crate::transforms::numbers::number_at;
use crate::transforms::timing::{Timeline, Timing, is_over};

/// Passes the corners of a line of straight pieces.
pub(super) struct Swinging {
    field: FieldPath,
    error: f64,
    heartbeat: Option<Duration>,
    timing: Timing,
    by: Option<Lookup>,
    doors: Keyed<Door>,
    timeline: Timeline,
    /// Not later than the first heartbeat that is due.
    wake: Option<Instant>,
}

#[derive(Default)]
struct Door {
    /// None before the first number, and after what is none.
    door: Option<SwingingDoor>,
    held: Option<(Event, Sample)>,
    passed: Option<Instant>,
}

impl Swinging {
    pub(super) fn new(
        field: FieldPath,
        error: f64,
        heartbeat: Option<Duration>,
        timing: Timing,
        by: Option<Lookup>,
        max_keys: usize,
    ) -> Self {
        let doors = Keyed::new(max_keys);
        Swinging { field, error, heartbeat, timing, by, doors, timeline: Timeline::default(), wake: None }
    }
}

impl Transform for Swinging {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let now = self.timeline.now(moment);
        let nanos = match self.timing.of(&event, now) {
            Ok(nanos) => nanos,
            Err(error) => return out.fail(event, error),
        };
        let (door, evicted) = self.doors.touch(&key_of(&event, self.by.as_ref()), moment.instant);
        if let Some((event, _)) = evicted.and_then(|door| door.held) {
            out.send(event);
        }
        match number_at(&event, &self.field) {
            Some(value) => door.take(event, Sample { nanos, value }, self.error, moment.instant, out),
            None => {
                door.send_held(self.error, moment.instant, out);
                *door = Door { passed: Some(moment.instant), ..Door::default() };
                out.send(event);
            }
        }
        let due = door.due(self.heartbeat);
        self.wake = self.wake.into_iter().chain(due).min();
    }

    fn deadline(&self) -> Option<Instant> {
        self.wake
    }

    fn on_deadline(&mut self, moment: &Moment<'_>, out: &mut Outputs) {
        let (error, heartbeat) = (self.error, self.heartbeat);
        let mut wake: Option<Instant> = None;
        self.doors.for_each(|door| {
            if is_over(door.passed, moment.instant, heartbeat) {
                door.send_held(error, moment.instant, out);
            }
            wake = wake.into_iter().chain(door.due(heartbeat)).min();
        });
        self.wake = wake;
    }

    fn finish(&mut self, moment: &Moment<'_>, out: &mut Outputs) {
        let error = self.error;
        self.doors.for_each(|door| door.send_held(error, moment.instant, out));
        self.wake = None;
    }
}

impl Door {
    fn take(&mut self, event: Event, sample: Sample, error: f64, now: Instant, out: &mut Outputs) {
        let Some(door) = &mut self.door else {
            self.door = Some(SwingingDoor::new(error, sample));
            self.passed = Some(now);
            return out.send(event);
        };
        if !door.accepts(sample) {
            self.send_held(error, now, out);
            if let Some(door) = &mut self.door {
                // The first sample behind a corner is always accepted.
                door.accepts(sample);
            }
        }
        if let Some((passed_over, _)) = self.held.replace((event, sample)) {
            out.discard(passed_over, REASON);
        }
    }

    /// The held event is a corner: it passes, and the next line begins there.
    fn send_held(&mut self, error: f64, now: Instant, out: &mut Outputs) {
        if let Some((event, corner)) = self.held.take() {
            self.door = Some(SwingingDoor::new(error, corner));
            self.passed = Some(now);
            out.send(event);
        }
    }

    fn due(&self, heartbeat: Option<Duration>) -> Option<Instant> {
        self.held.as_ref()?;
        Some(self.passed? + heartbeat?)
    }
}
