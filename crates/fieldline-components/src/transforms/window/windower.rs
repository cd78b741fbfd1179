//! [`Windower`]: the part of a `window` that runs.

use std::time::{Duration, Instant};

use fieldline_core::{
    BuildError, Event, EventError, Map, Moment, Outputs, Port, Receipt, Transform, Value, downcast,
};

use super::aggregation::Aggregation;
use super::lane::{Lane, Pane, Row};
use super::shape::Shape;
use crate::lookup::Lookup;
use crate::transforms::keyed::{Keyed, key_of};
use crate::transforms::timing::{Timeline, Timing, timestamp};

/// The output for readings whose windows have all closed.
const LATE: Port = 1;

/// What a windower must know and does not change.
pub(super) struct Rules {
    pub(super) shape: Shape,
    /// The fewest readings for a result.
    pub(super) min: usize,
    pub(super) timing: Timing,
    /// How far the watermark stays behind the latest reading, in nanoseconds.
    pub(super) lateness: i64,
    pub(super) by: Option<Lookup>,
    pub(super) idle: Option<Duration>,
    /// The most readings kept, of all keys together.
    pub(super) max_events: usize,
    /// Whether windows that are open at the end are emitted, rather than withheld.
    pub(super) partial: bool,
    /// Whether readings are settled only with the result.
    pub(super) ack_emitted: bool,
    pub(super) aggregation: Aggregation,
}

/// Keeps readings by key and emits a result for each window that closes.
pub(super) struct Windower {
    rules: Rules,
    lanes: Keyed<Lane>,
    /// How many readings are kept.
    held: usize,
    timeline: Timeline,
    /// Not later than the next window closes or the next key is idle.
    wake: Option<Instant>,
}

impl Windower {
    pub(super) fn new(rules: Rules, max_keys: usize) -> Self {
        Windower { rules, lanes: Keyed::new(max_keys), held: 0, timeline: Timeline::default(), wake: None }
    }

    /// Ends the windows of a key that is forgotten.
    fn finish_lane(&mut self, lane: Lane, out: &mut Outputs) {
        self.held -= lane.len();
        let rules = &self.rules;
        lane.finish(&rules.shape, &mut |pane| rules.end(pane, out));
    }

    fn finish_all(&mut self, out: &mut Outputs) {
        while let Some(lane) = self.lanes.take_first() {
            self.finish_lane(lane, out);
        }
        self.wake = None;
    }

    /// Windows do not go on over a jump of the wall clock.
    fn follow_clock(&mut self, moment: &Moment<'_>, out: &mut Outputs) -> i64 {
        if self.rules.timing == Timing::Arrival && self.timeline.was_set(moment) {
            self.finish_all(out);
        }
        self.timeline.now(moment)
    }

    fn wake_by(&mut self, instant: Option<Instant>) {
        self.wake = self.wake.into_iter().chain(instant).min();
    }

    /// When a window that ends at `end` closes by itself: only where time goes on without readings.
    fn closing(&self, end: Option<i64>) -> Option<Instant> {
        let arrival = self.rules.timing == Timing::Arrival;
        end.filter(|_| arrival).and_then(|end| self.timeline.instant_of(end))
    }
}

impl Transform for Windower {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let now = self.follow_clock(moment, out);
        let nanos = match self.rules.timing.of(&event, now) {
            Ok(nanos) => nanos,
            Err(error) => return out.fail(event, error),
        };
        let key = key_of(&event, self.rules.by.as_ref());
        if self.lanes.peek(&key).is_some_and(|lane| lane.is_late(&self.rules.shape, nanos)) {
            return out.send_to_or_drop(LATE, event, "late");
        }
        let (lane, evicted) = self.lanes.touch(&key, moment.instant);
        let before = lane.len();
        let rules = &self.rules;
        if rules.timing == Timing::Arrival {
            lane.close_until(&rules.shape, now, &mut |pane| rules.emit(pane, out));
        }
        if let Some(evicted) = evicted {
            self.held -= evicted.len();
            evicted.finish(&rules.shape, &mut |pane| rules.end(pane, out));
        }
        self.held = self.held - before + lane.len();
        let makes_room = matches!(rules.shape, Shape::Count { last, .. } if lane.len() >= last);
        if self.held >= rules.max_events && !makes_room {
            return out
                .fail(event, EventError::new("window_full", "the window holds its `max_events` readings"));
        }
        let before = lane.len();
        rules.take(lane, event, nanos, out);
        self.held = self.held - before + lane.len();
        let end = lane.next_end(&rules.shape);
        let closing = self.closing(end);
        self.wake_by(closing);
        self.wake_by(self.rules.idle.map(|idle| moment.instant + idle));
    }

    fn deadline(&self) -> Option<Instant> {
        self.wake
    }

    fn on_deadline(&mut self, moment: &Moment<'_>, out: &mut Outputs) {
        let now = self.follow_clock(moment, out);
        if let Some(idle) = self.rules.idle {
            while let Some(lane) = self.lanes.take_idle(moment.instant, idle) {
                self.finish_lane(lane, out);
            }
        }
        let (rules, held) = (&self.rules, &mut self.held);
        let mut next_end: Option<i64> = None;
        self.lanes.for_each(|lane| {
            let before = lane.len();
            if rules.timing == Timing::Arrival {
                lane.close_until(&rules.shape, now, &mut |pane| rules.emit(pane, out));
            }
            *held = *held - before + lane.len();
            next_end = next_end.into_iter().chain(lane.next_end(&rules.shape)).min();
        });
        self.wake = self.closing(next_end);
        let idle = self.rules.idle.and_then(|idle| Some(self.lanes.first_touched()? + idle));
        self.wake_by(idle);
    }

    fn finish(&mut self, _moment: &Moment<'_>, out: &mut Outputs) {
        self.finish_all(out);
    }

    fn take_over(
        &mut self,
        before: Box<dyn Transform>,
        moment: &Moment<'_>,
        out: &mut Outputs,
    ) -> Result<(), BuildError> {
        let before = downcast::<Windower>(before)?;
        (self.held, self.timeline) = (before.held, before.timeline);
        for lane in self.lanes.take_over(before.lanes) {
            self.finish_lane(lane, out);
        }
        self.lanes.for_each(|lane| lane.follow(&self.rules.shape));
        self.wake = Some(moment.instant);
        Ok(())
    }
}

impl Rules {
    /// Puts a reading into its lane and closes what it completes.
    fn take(&self, lane: &mut Lane, event: Event, nanos: i64, out: &mut Outputs) {
        let columns = self.aggregation.columns().iter();
        let values = columns.map(|column| column.get(&event).map_or(Value::Null, |value| value.into_owned()));
        let values: Box<[Value]> = values.collect();
        if let Err(error) = self.aggregation.check(&values) {
            return out.fail(event, error);
        }
        let key = self.by.as_ref().and_then(|by| by.get(&event)).map(|key| key.into_owned());
        let meta = event.meta().clone();
        let receipt = if self.ack_emitted {
            out.absorb_for(event)
        } else {
            out.absorb(event);
            Receipt::untracked()
        };
        lane.insert(&self.shape, Row { nanos, values, receipt }, key, meta);
        let mut emit = |pane: Pane<'_>| self.emit(pane, out);
        match (&self.shape, &self.timing) {
            (Shape::Count { last, every }, _) => lane.close_by_count(*last, *every, self.min, &mut emit),
            (_, Timing::Arrival) => {}
            (shape, Timing::Event(_)) => lane.close_until(shape, nanos - self.lateness, &mut emit),
        }
    }

    /// What becomes of a window that is open when its key goes.
    fn end(&self, pane: Pane<'_>, out: &mut Outputs) {
        if self.partial {
            self.emit(pane, out);
        } else {
            withhold(&pane, "partial_window", out);
        }
    }

    /// Sends the result of a window that has enough readings. It answers for those that no earlier result
    /// answers for.
    fn emit(&self, pane: Pane<'_>, out: &mut Outputs) {
        if pane.rows.len() < self.min {
            return withhold(&pane, "too_few_readings", out);
        }
        let mut receipt = Receipt::untracked();
        for row in pane.rows.iter_mut() {
            receipt.merge(std::mem::take(&mut row.receipt));
        }
        let mut body = Value::Map(Map::default());
        if let (Some(Lookup::Body(path)), Some(key)) = (&self.by, pane.key) {
            path.set(&mut body, key.clone());
        }
        let window = Value::from([
            ("start", fieldline_core::rfc3339(timestamp(pane.start)).into()),
            ("end", fieldline_core::rfc3339(timestamp(pane.end)).into()),
            ("count", Value::Int(pane.rows.len() as i64)),
        ]);
        let (fields, error) = self.aggregation.result(pane.rows);
        if let Some(map) = body.as_map_mut() {
            map.extend(fields);
            map.insert("window".into(), window);
        }
        let event = Event::new(body, pane.meta.clone(), receipt);
        match error {
            Some(error) => out.fail(event, error),
            None => out.send(event),
        }
    }
}

/// Counts a result that is not sent; its readings are settled when they are forgotten.
fn withhold(pane: &Pane<'_>, reason: &'static str, out: &mut Outputs) {
    out.discard(Event::new(Value::Null, pane.meta.clone(), Receipt::untracked()), reason);
}
