//! The `debounce` transform: waits until events come to rest and lets the last one pass.

use std::time::{Duration, Instant};

use fieldline_core::memory::Memory;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, Example, Files, Kind, Moment, Outputs, Period,
    Transform,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::check_positive;
use super::keyed::{Keyed, default_max_keys, key_of};
use crate::fields::check_not_zero;
use crate::lookup::Lookup;

/// The fields of a `debounce`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DebounceConfig {
    /// An event passes when nothing came for so long; those before it are taken out.
    quiet: Period,
    /// An event passes at the latest so long after the first one that was held back; if not given, only silence ends
    /// the waiting.
    max_wait: Option<Period>,
    /// Waits for each value found here apart, such as `meta.topic`.
    by: Option<Lookup>,
    /// The most keys events are held for. A new one lets the event pass of the key that was silent for longest.
    #[serde(default = "default_max_keys")]
    max_keys: usize,
}

impl Config for DebounceConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "debounce";
    const SUMMARY: &'static str = "Lets the last of several events pass once nothing has come for a while.";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A door that settles, and is told after three seconds anyway",
        config: "quiet: 1500ms\nmax_wait: 3s",
        input: "{\"open\":true}\n{\"open\":false}\n{\"open\":true}\n{\"open\":false}\n{\"open\":true}",
        output: "4s {\"open\":true}\nend {\"open\":true}",
    }];

    fn check(&self, cx: &mut CheckCx<'_>) {
        check_not_zero(cx, "quiet", self.quiet);
        check_positive(cx, "max_keys", self.max_keys);
        if self.max_wait.is_some_and(|max_wait| max_wait < self.quiet) {
            cx.error("bad-number", "max_wait", "`max_wait` is shorter than `quiet`, which then never counts")
                .help("make `max_wait` several times as long as `quiet`");
        }
    }

    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        Some(Memory { is_sent: true, ..Memory::of("what waits") })
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Transform(Box::new(Debounce {
            quiet: self.quiet.0,
            max_wait: self.max_wait.map(|max_wait| max_wait.0),
            by: self.by.clone(),
            waiting: Keyed::new(self.max_keys),
            wake: None,
        })))
    }
}

struct Debounce {
    quiet: Duration,
    max_wait: Option<Duration>,
    by: Option<Lookup>,
    waiting: Keyed<Option<Waiting>>,
    /// Not later than the first event that is due.
    wake: Option<Instant>,
}

/// The latest event of a key.
struct Waiting {
    event: Event,
    /// When the first event came that was held back.
    since: Instant,
    due: Instant,
}

impl Transform for Debounce {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let now = moment.instant;
        let (waiting, evicted) = self.waiting.touch(&key_of(&event, self.by.as_ref()), now);
        if let Some(evicted) = evicted.flatten() {
            out.send(evicted.event);
        }
        let since = waiting.as_ref().map_or(now, |waiting| waiting.since);
        let quiet = now + self.quiet;
        let due = self.max_wait.map_or(quiet, |max_wait| quiet.min(since + max_wait));
        if let Some(before) = waiting.replace(Waiting { event, since, due }) {
            out.discard(before.event, "superseded");
        }
        self.wake = Some(self.wake.map_or(due, |wake| wake.min(due)));
    }

    fn deadline(&self) -> Option<Instant> {
        self.wake
    }

    fn on_deadline(&mut self, moment: &Moment<'_>, out: &mut Outputs) {
        let mut wake: Option<Instant> = None;
        self.waiting.for_each(|waiting| {
            if let Some(done) = waiting.take_if(|waiting| waiting.due <= moment.instant) {
                out.send(done.event);
            }
            wake = wake.into_iter().chain(waiting.as_ref().map(|waiting| waiting.due)).min();
        });
        self.wake = wake;
    }

    fn finish(&mut self, _moment: &Moment<'_>, out: &mut Outputs) {
        while let Some(waiting) = self.waiting.take_first() {
            if let Some(waiting) = waiting {
                out.send(waiting.event);
            }
        }
        self.wake = None;
    }
}
