//! [`Timing`]: which time counts for a reading, and [`Timeline`], the one on which arrivals are placed.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};

use fieldline_core::{Event, EventError, Moment};
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use crate::lookup::Lookup;
use crate::time_field::TimeField;

/// Times further from 1970 than this (146 years) are refused, so that adding a span never overflows.
const FURTHEST: i64 = i64::MAX / 2;

/// A wall clock that differs by more than this from the timeline was set.
const STEP: u64 = 60_000_000_000;

/// Readings that are older than this when the program starts again say nothing about the next one: ten minutes.
pub(crate) const RECENT: Duration = Duration::from_secs(600);

/// Which time counts for a reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Timing {
    /// When it arrives at the node.
    #[default]
    Arrival,
    /// What the event says.
    Event(TimeField),
}

impl Timing {
    /// The time of an event that arrives at `now`, both in nanoseconds since 1970.
    pub(crate) fn of(&self, event: &Event, now: i64) -> Result<i64, EventError> {
        let Timing::Event(field) = self else { return Ok(now) };
        let time = field.of(event)?;
        i64::try_from(time.as_nanosecond())
            .ok()
            .filter(|nanos| nanos.abs() <= FURTHEST)
            .ok_or_else(|| field.error(format_args!("{time} is not between 1824 and 2116")))
    }
}

/// A time on the timeline as people read it.
pub(crate) fn timestamp(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A span in nanoseconds; at most 73 years.
pub(crate) fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX).min(FURTHEST / 2)
}

/// Whether so much time went by since `then`; never where there is no limit.
pub(crate) fn is_over(then: Option<Instant>, now: Instant, limit: Option<Duration>) -> bool {
    match (then, limit) {
        (Some(then), Some(limit)) => now.saturating_duration_since(then) >= limit,
        _ => false,
    }
}

/// Places arrivals by the monotonic clock, counted from the wall clock's time at the first of them. So spans
/// are right even where the wall clock is corrected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeline {
    anchor: Option<(Instant, i64)>,
}

impl Timeline {
    /// This moment, in nanoseconds since 1970.
    pub(crate) fn now(&mut self, moment: &Moment<'_>) -> i64 {
        let (instant, time) = *self.anchor.get_or_insert_with(|| (moment.instant, wall(moment)));
        time.saturating_add(nanos(moment.instant.saturating_duration_since(instant)))
    }

    /// When the monotonic clock will be at `time`.
    pub(crate) fn instant_of(&self, time: i64) -> Option<Instant> {
        let (instant, start) = self.anchor?;
        let nanos = u64::try_from(time.saturating_sub(start)).unwrap_or(0);
        instant.checked_add(Duration::from_nanos(nanos))
    }

    /// Whether the wall clock was set, by more than a minute, since the timeline began; it begins anew then.
    pub(crate) fn was_set(&mut self, moment: &Moment<'_>) -> bool {
        let set = self.anchor.is_some() && self.now(moment).abs_diff(wall(moment)) > STEP;
        if set {
            self.anchor = None;
        }
        set
    }
}

fn wall(moment: &Moment<'_>) -> i64 {
    let nanos = moment.time.as_nanosecond();
    i64::try_from(nanos).unwrap_or(0).clamp(-FURTHEST, FURTHEST)
}

impl<'de> Deserialize<'de> for Timing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

impl JsonSchema for Timing {
    fn schema_name() -> Cow<'static, str> {
        "Timing".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "string" }, generator.subschema_for::<TimeField>()],
            "description": "`arrival` is when the event reaches the node; `event` is `meta.time`, when the reading was \
                taken; anything else is the path of a field with a time in RFC 3339 or a number since 1970, or a map \
                that also says how the time is written."
        })
    }
}

/// Reads a word, a path, or a map.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Timing;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`arrival`, `event`, the path of a field, or `{ field: … }`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Timing, E> {
        match text {
            "arrival" => Ok(Timing::Arrival),
            "event" => Ok(Timing::Event(TimeField::at(Lookup::Meta("time".to_owned())))),
            path => Lookup::parse(path).map(|path| Timing::Event(TimeField::at(path))).map_err(E::custom),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Timing, A::Error> {
        TimeField::deserialize(MapAccessDeserializer::new(map)).map(Timing::Event)
    }
}
