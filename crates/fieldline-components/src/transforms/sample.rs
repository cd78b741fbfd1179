//! The `sample` transform: lets a part of the events pass, chosen by number, by time or by chance.

use std::time::{Duration, Instant};

use fieldline_core::memory::Memory;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, Example, Files, Kind, Moment, Outputs, Period,
    Transform,
};
use fieldline_signal::reservoir::Reservoir;
use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::{check_exactly_one, check_positive};
use super::keyed::{Keyed, default_max_keys, key_of};
use crate::fields::check_not_zero;
use crate::lookup::Lookup;

/// The reason events are counted under.
const REASON: &str = "sampled";

/// The fields of a `sample`: one of `one_of`, `every` and `reservoir`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SampleConfig {
    /// The first of so many events passes, then the first of the next so many.
    one_of: Option<usize>,
    /// The first event passes, then the first after each beat of this length.
    every: Option<Period>,
    /// A fair choice of the events in a span of time passes when it ends.
    reservoir: Option<ReservoirConfig>,
    /// Chooses for each value found here apart, such as `meta.topic`.
    by: Option<Lookup>,
    /// The most keys that are chosen from. A new one takes the place of the key that was silent for longest.
    #[serde(default = "default_max_keys")]
    max_keys: usize,
}

/// A fair choice from a span of time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReservoirConfig {
    /// How many events pass, at most; they are held until the span ends.
    size: usize,
    /// The span of time; it begins with an event.
    every: Period,
    /// Where the dice begin: the same seed and the same events give the same choice.
    #[serde(default)]
    seed: u64,
}

impl Config for SampleConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "sample";
    const SUMMARY: &'static str = "Lets a part of the events pass, by number, by time or by chance.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "One of three",
            config: "one_of: 3",
            input: "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}",
            output: "1s {\"n\":1}\n4s {\"n\":4}",
        },
        Example {
            title: "One every two seconds",
            config: "every: 2s",
            input: "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}",
            output: "1s {\"n\":1}\n3s {\"n\":3}",
        },
        Example {
            title: "At most two of those that come in three seconds",
            config: "reservoir: { size: 2, every: 3s }",
            input: "{\"n\":1}\n{\"n\":2}",
            output: "end {\"n\":1}\nend {\"n\":2}",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        let ways = [
            ("one_of", self.one_of.is_some()),
            ("every", self.every.is_some()),
            ("reservoir", self.reservoir.is_some()),
        ];
        check_exactly_one(cx, &ways, "one_of: 10");
        self.one_of.into_iter().for_each(|one_of| check_positive(cx, "one_of", one_of));
        self.every.into_iter().for_each(|every| check_not_zero(cx, "every", every));
        if let Some(reservoir) = &self.reservoir {
            check_positive(cx, "reservoir.size", reservoir.size);
            check_not_zero(cx, "reservoir.every", reservoir.every);
        }
        check_positive(cx, "max_keys", self.max_keys);
    }

    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        Some(Memory::of("its place in the row of events"))
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let by = self.by.clone();
        Ok(Built::Transform(match (self.one_of, self.every, &self.reservoir) {
            (Some(one_of), ..) => Box::new(ByNumber { one_of, by, seen: Keyed::new(self.max_keys) }),
            (_, Some(every), _) => Box::new(ByTime { every: every.0, by, next: Keyed::new(self.max_keys) }),
            (_, _, Some(config)) => Box::new(ByChance {
                size: config.size,
                every: config.every.0,
                seed: config.seed,
                by,
                spans: Keyed::new(self.max_keys),
                wake: None,
            }),
            _ => return Err(BuildError::new("a sample needs `one_of`, `every` or `reservoir`")),
        }))
    }
}

struct ByNumber {
    one_of: usize,
    by: Option<Lookup>,
    seen: Keyed<usize>,
}

impl Transform for ByNumber {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let (seen, _) = self.seen.touch(&key_of(&event, self.by.as_ref()), moment.instant);
        let chosen = *seen == 0;
        *seen = (*seen + 1) % self.one_of;
        if chosen { out.send(event) } else { out.discard(event, REASON) }
    }
}

struct ByTime {
    every: Duration,
    by: Option<Lookup>,
    /// The next beat.
    next: Keyed<Option<Instant>>,
}

impl Transform for ByTime {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let (next, _) = self.next.touch(&key_of(&event, self.by.as_ref()), moment.instant);
        let beat = next.unwrap_or(moment.instant);
        if moment.instant < beat {
            return out.discard(event, REASON);
        }
        // The beat goes on as it began, however late this event was.
        let late = moment.instant.saturating_duration_since(beat).as_nanos() % self.every.as_nanos().max(1);
        *next = Some(moment.instant + self.every - Duration::from_nanos(u64::try_from(late).unwrap_or(0)));
        out.send(event);
    }
}

struct ByChance {
    size: usize,
    every: Duration,
    seed: u64,
    by: Option<Lookup>,
    spans: Keyed<Span>,
    /// Not later than the first span ends.
    wake: Option<Instant>,
}

/// The events chosen so far, with their places in the order of arrival.
#[derive(Default)]
struct Span {
    reservoir: Option<Reservoir>,
    chosen: Vec<(u64, Event)>,
    arrived: u64,
    end: Option<Instant>,
}

impl Transform for ByChance {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let (span, evicted) = self.spans.touch(&key_of(&event, self.by.as_ref()), moment.instant);
        if let Some(mut evicted) = evicted {
            evicted.close(out);
        }
        if span.end.is_some_and(|end| end <= moment.instant) {
            span.close(out);
        }
        let end = *span.end.get_or_insert(moment.instant + self.every);
        span.arrived += 1;
        let reservoir = span.reservoir.get_or_insert_with(|| Reservoir::new(self.size as u64, self.seed));
        match reservoir.next_slot() {
            None => out.discard(event, REASON),
            Some(slot) if slot < span.chosen.len() => {
                let (_, before) = std::mem::replace(&mut span.chosen[slot], (span.arrived, event));
                out.discard(before, REASON);
            }
            Some(_) => span.chosen.push((span.arrived, event)),
        }
        self.wake = Some(self.wake.map_or(end, |wake| wake.min(end)));
    }

    fn deadline(&self) -> Option<Instant> {
        self.wake
    }

    fn on_deadline(&mut self, moment: &Moment<'_>, out: &mut Outputs) {
        let mut wake: Option<Instant> = None;
        self.spans.for_each(|span| {
            if span.end.is_some_and(|end| end <= moment.instant) {
                span.close(out);
            }
            wake = wake.into_iter().chain(span.end).min();
        });
        self.wake = wake;
    }

    fn finish(&mut self, _moment: &Moment<'_>, out: &mut Outputs) {
        self.spans.for_each(|span| span.close(out));
        self.wake = None;
    }
}

impl Span {
    /// Lets the chosen events pass as they came; the next span begins with the next event.
    fn close(&mut self, out: &mut Outputs) {
        self.chosen.sort_by_key(|(place, _)| *place);
        self.chosen.drain(..).for_each(|(_, event)| out.send(event));
        self.end = None;
        if let Some(reservoir) = &mut self.reservoir {
            reservoir.restart();
        }
    }
}
