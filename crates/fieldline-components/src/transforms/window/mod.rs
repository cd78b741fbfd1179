//! The `window` transform: makes one result of many readings. Here is its config; [`windower`] is what runs,
//! [`lane`] what it keeps of one key, [`shape`] the arithmetic of windows and [`aggregation`] that of results.

mod windower;

mod lane;

mod shape;

mod aggregation;

use std::collections::BTreeMap;

use fieldline_core::memory::Memory;
use fieldline_core::{BuildCx, BuildError, Built, CheckCx, Config, Example, Facts, Files, Kind, Period};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use self::aggregation::Aggregation;
use self::shape::Shape;
use self::windower::{Rules, Windower};
use crate::fields::check_not_zero;
use crate::lookup::Lookup;
use crate::transforms::checks::{check_exactly_one, check_positive};
use crate::transforms::keyed::default_max_keys;
use crate::transforms::timing::{Timing, nanos};

/// The fields of a `window`: one of `last`, `tumbling`, `sliding` and `session`, and `aggregate`.
///
/// A result holds the aggregated fields and `window: { start, end, count }`; its metadata is that of the reading
/// that arrived last. A window without readings has no result.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowConfig {
    /// The window is the last so many readings.
    last: Option<usize>,
    /// With `last`: a result after so many new readings; 1 if not given.
    every: Option<usize>,
    /// The fewest readings for a result. If not given: as many as `last`, so that the first result comes when the
    /// window is full, and 1 for windows by time. A result that has fewer is counted as filtered, `too_few_readings`.
    min: Option<usize>,
    /// Windows of this length, one after the other. They begin at multiples of it, counted from 1970 in UTC.
    tumbling: Option<Period>,
    /// Windows of one length that overlap.
    sliding: Option<Sliding>,
    /// Windows that end when nothing comes for a while.
    session: Option<Session>,
    /// The fields of the result, as `name: function(field)`: `count`, `sum`, `min`, `max`, `range`, `mean`, `median`,
    /// `percentile(field, 95)`, `variance`, `stddev` (both of a sample, by n - 1; `variance_population` and
    /// `stddev_population` by n), `first`, `last`, `mode`, `list`, and over time: `rate` and `slope` (per second),
    /// `integral` (times seconds), `time_weighted_mean`, `duty` (share of time true). `count` alone counts readings.
    /// Null and missing values are passed over, except by `list`; the result of too few is null. All but `count`,
    /// `first`, `last`, `mode` and `list` want numbers, where true is 1 and false 0: a reading with a text such as
    /// `"21,5"` fails, `not_a_number`. A result beyond 1.8e308 fails, `too_large`.
    #[schemars(with = "BTreeMap<String, String>")]
    aggregate: IndexMap<String, String>,
    /// Windows of their own for each value found here, such as `meta.topic`. A field of the body is in the result too.
    by: Option<Lookup>,
    /// Which time counts. With `arrival` windows close by the clock, and a clock that is set ends them. With any other
    /// the readings themselves move time on, for each key apart.
    #[serde(default)]
    time: Timing,
    /// How long a window by event time stays open for stragglers. Later ones are at the output `late`;
    /// where nobody reads that, they count as dropped, `late`.
    lateness: Option<Period>,
    /// The most keys there are windows for. A new one ends those of the key that was silent for longest.
    #[serde(default = "default_max_keys")]
    max_keys: usize,
    /// Ends the windows of a key that is silent for so long; never if not given.
    idle: Option<Period>,
    /// The most readings kept, of all keys together. One that would be more goes to the dead letter.
    #[serde(default = "default_max_events")]
    max_events: usize,
    /// What becomes of a window that is still open when the program stops, when the node is changed, or when its key
    /// goes. A reload that leaves the node as it is carries its windows on in any case.
    #[serde(default)]
    partial: Partial,
    /// When a reading is settled towards its source.
    #[serde(default)]
    ack: Ack,
}

/// Windows that overlap.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sliding {
    /// How long a window is.
    length: Period,
    /// How far apart windows begin; at most `length`.
    every: Period,
}

/// Windows that end with silence.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Session {
    /// The silence that ends a session.
    gap: Period,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Partial {
    /// The changed node goes on with it, if it still has the same `by` and `time`, aggregates the same fields, and its
    /// windows are of the same kind; their length, the functions and the bounds may be others. Otherwise, and when
    /// the program stops, as `emit`.
    #[default]
    Carry,
    /// It is emitted, if it has `min` readings.
    Emit,
    /// Its readings are forgotten, and its result is counted as filtered, `partial_window`.
    Drop,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Ack {
    /// As soon as the window holds it. What the window holds is lost if the program crashes.
    #[default]
    Absorbed,
    /// When the first result with it has been delivered. The source must allow as many unsettled readings as all open
    /// windows hold, or it stands still.
    Emitted,
}

fn default_max_events() -> usize {
    100_000
}

impl Config for WindowConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "window";
    const SUMMARY: &'static str = "Makes one result of many readings, by count or by time.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "The mean of the last three readings, with each new one",
            config: "last: 3\naggregate: { cpu: mean(celsius) }",
            input: "{\"celsius\":40}\n{\"celsius\":50}\n{\"celsius\":60}\n{\"celsius\":70}",
            output: "3s {\"cpu\":50.0,\"window\":{\"start\":\"1970-01-01T00:00:00.000000Z\",\"end\":\"1970-01-01T00:00:02.000000Z\",\"count\":3}}\n4s {\"cpu\":60.0,\"window\":{\"start\":\"1970-01-01T00:00:01.000000Z\",\"end\":\"1970-01-01T00:00:03.000000Z\",\"count\":3}}",
        },
        Example {
            title: "A summary every two seconds, by the clock",
            config: "tumbling: 2s\naggregate: { low: min(t), high: max(t), readings: count }",
            input: "{\"t\":20}\n{\"t\":22}\n{\"t\":21}",
            output: "3s {\"low\":20,\"high\":22,\"readings\":2,\"window\":{\"start\":\"1970-01-01T00:00:00.000000Z\",\"end\":\"1970-01-01T00:00:02.000000Z\",\"count\":2}}\nend {\"low\":21,\"high\":21,\"readings\":1,\"window\":{\"start\":\"1970-01-01T00:00:02.000000Z\",\"end\":\"1970-01-01T00:00:04.000000Z\",\"count\":1}}",
        },
        Example {
            title: "By the time the readings were taken, for each machine apart; stragglers go to `late`",
            config: "tumbling: 10s\ntime: at\nlateness: 5s\nby: machine\naggregate: { power: time_weighted_mean(kw) }",
            input: "{\"machine\":\"a\",\"at\":0,\"kw\":1}\n{\"machine\":\"a\",\"at\":12,\"kw\":9}\n{\"machine\":\"a\",\"at\":8,\"kw\":3}\n{\"machine\":\"a\",\"at\":16,\"kw\":5}\n{\"machine\":\"a\",\"at\":9,\"kw\":4}",
            output: "4s main: {\"machine\":\"a\",\"power\":2.0,\"window\":{\"start\":\"1970-01-01T00:00:00.000000Z\",\"end\":\"1970-01-01T00:00:10.000000Z\",\"count\":2}}\n5s late: {\"machine\":\"a\",\"at\":9,\"kw\":4}\nend main: {\"machine\":\"a\",\"power\":7.0,\"window\":{\"start\":\"1970-01-01T00:00:10.000000Z\",\"end\":\"1970-01-01T00:00:20.000000Z\",\"count\":2}}",
        },
        Example {
            title: "Each cycle of a press, ended by a pause",
            config: "session: { gap: 500ms }\naggregate: { peak: max(force), share_down: duty(down) }",
            input: "{\"force\":10,\"down\":true}\n{\"force\":30,\"down\":false}",
            output: "1.5s {\"peak\":10,\"share_down\":1.0,\"window\":{\"start\":\"1970-01-01T00:00:00.000000Z\",\"end\":\"1970-01-01T00:00:00.000000Z\",\"count\":1}}\nend {\"peak\":30,\"share_down\":0.0,\"window\":{\"start\":\"1970-01-01T00:00:01.000000Z\",\"end\":\"1970-01-01T00:00:01.000000Z\",\"count\":1}}",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        self.check_shape(cx);
        self.check_bounds(cx);
        if self.aggregate.is_empty() {
            cx.error("missing-field", "aggregate", "there is nothing to aggregate")
                .help("write for example `aggregate: { mean_temperature: mean(temperature) }`");
        }
        for (name, text) in &self.aggregate {
            let field = format!("aggregate.{name}");
            if name == "window" {
                cx.error(
                    "conflicting-fields",
                    &field,
                    "`window` is where the result says which window it is of",
                )
                .help("choose another name");
            }
            if let Err(bad) = aggregation::parse(text) {
                cx.error("bad-aggregate", &field, bad.message).help(bad.help);
            }
        }
    }

    fn facts(&self) -> Facts {
        if !self.can_be_late() {
            return Facts::default();
        }
        Facts {
            outputs: vec!["main".to_owned(), "late".to_owned()],
            spare_outputs: vec!["late"],
            ..Facts::default()
        }
    }

    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        let key = || {
            let kind = std::mem::discriminant(&self.shape()?);
            let aggregation = Aggregation::new(&self.aggregate).ok()?;
            Some(format!("{kind:?} {:?} {:?} {:?}", self.by, self.time, aggregation.columns()))
        };
        let key = if self.partial == Partial::Carry { key() } else { None };
        let is_sent = self.partial != Partial::Drop;
        Some(Memory { is_sent, ..Memory::of("its open windows").with_key(key) })
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let shape = self.shape().ok_or_else(|| BuildError::new("a window needs `last` or a span of time"))?;
        let rules = Rules {
            shape,
            min: self.min.or(self.last).unwrap_or(1),
            timing: self.time.clone(),
            lateness: self.lateness.map_or(0, |lateness| nanos(lateness.0)),
            by: self.by.clone(),
            idle: self.idle.map(|idle| idle.0),
            max_events: self.max_events,
            partial: self.partial != Partial::Drop,
            ack_emitted: self.ack == Ack::Emitted,
            aggregation: Aggregation::new(&self.aggregate).map_err(|bad| BuildError::new(bad.message))?,
        };
        Ok(Built::Transform(Box::new(Windower::new(rules, self.max_keys))))
    }
}

impl WindowConfig {
    fn shape(&self) -> Option<Shape> {
        match self {
            WindowConfig { last: Some(last), .. } => {
                Some(Shape::Count { last: *last, every: self.every.unwrap_or(1) })
            }
            WindowConfig { tumbling: Some(length), .. } => {
                Some(Shape::Time { length: nanos(length.0), every: nanos(length.0) })
            }
            WindowConfig { sliding: Some(Sliding { length, every }), .. } => {
                Some(Shape::Time { length: nanos(length.0), every: nanos(every.0) })
            }
            WindowConfig { session: Some(Session { gap }), .. } => Some(Shape::Session { gap: nanos(gap.0) }),
            _ => None,
        }
    }

    fn can_be_late(&self) -> bool {
        self.last.is_none() && self.time != Timing::Arrival
    }

    fn check_shape(&self, cx: &mut CheckCx<'_>) {
        let shapes = [
            ("last", self.last.is_some()),
            ("tumbling", self.tumbling.is_some()),
            ("sliding", self.sliding.is_some()),
            ("session", self.session.is_some()),
        ];
        check_exactly_one(cx, &shapes, "tumbling: 1m");
        if self.every.is_some() && self.last.is_none() {
            cx.error("conflicting-fields", "every", "`every` counts readings and belongs to `last`")
                .help("for windows by time write `sliding: { length: 10m, every: 1m }`");
        }
        if self.lateness.is_some() && !self.can_be_late() {
            cx.error("conflicting-fields", "lateness", "only windows by event time know stragglers")
                .help("add `time: event` to a window by time, or leave `lateness` out");
        }
        let sliding = self.sliding.as_ref();
        let spans = [
            ("tumbling", self.tumbling),
            ("sliding.length", sliding.map(|sliding| sliding.length)),
            ("sliding.every", sliding.map(|sliding| sliding.every)),
            ("session.gap", self.session.as_ref().map(|session| session.gap)),
            ("idle", self.idle),
        ];
        for (field, span) in spans {
            span.into_iter().for_each(|span| check_not_zero(cx, field, span));
        }
        if sliding.is_some_and(|sliding| sliding.every > sliding.length) {
            cx.error("bad-number", "sliding.every", "readings between two windows would be in none")
                .help("make `every` at most as long as `length`");
        }
    }

    fn check_bounds(&self, cx: &mut CheckCx<'_>) {
        let counts = [
            ("last", self.last),
            ("every", self.every),
            ("min", self.min),
            ("max_keys", Some(self.max_keys)),
            ("max_events", Some(self.max_events)),
        ];
        for (field, count) in counts {
            count.into_iter().for_each(|count| check_positive(cx, field, count));
        }
        if let Some(last) = self.last {
            if last > self.max_events {
                cx.error("bad-number", "last", format!("a window of {last} exceeds `max_events`"))
                    .help(format!("write `max_events: {last}`, and more with `by`"));
            }
            if self.min.is_some_and(|min| min > last) {
                cx.error("bad-number", "min", format!("a window of {last} never has so many readings"))
                    .help("make `min` at most `last`");
            }
        }
    }
}
