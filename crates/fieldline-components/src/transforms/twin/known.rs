//! [`Known`]: what a `twin` knows of each field: its latest value, when that came, and how far it can be trusted. Pure.

use std::time::{Duration, Instant};

use fieldline_core::{FieldPath, Map, Value};

/// How far a value can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quality {
    /// It never came.
    Missing,
    /// It is the latest reading, and young enough.
    Good,
    /// The reading after it failed.
    Failed,
    /// It is too old.
    Stale,
}

impl Quality {
    fn word(self) -> &'static str {
        match self {
            Quality::Missing => "missing",
            Quality::Good => "good",
            Quality::Failed => "failed",
            Quality::Stale => "stale",
        }
    }
}

/// One field.
struct Kept {
    path: FieldPath,
    value: Value,
    /// When the value came.
    came: Option<Instant>,
    quality: Quality,
}

/// An event cannot be part of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TakeError {
    /// It has no fields.
    #[error("the event is no map of fields")]
    NotAMap,
    /// There is a bound.
    #[error("there are more than {0} fields")]
    TooManyFields(usize),
}

impl TakeError {
    /// A word for counting.
    pub(super) fn reason(self) -> &'static str {
        match self {
            TakeError::NotAMap => "not_a_map",
            TakeError::TooManyFields(_) => "too_many_fields",
        }
    }
}

/// The latest of every field.
pub(super) struct Known {
    kept: Vec<Kept>,
    /// Whether fields that are not kept yet are added.
    open: bool,
    max_age: Option<Duration>,
    most: usize,
}

impl Known {
    /// Keeps `fields`, or any up to `most`.
    pub(super) fn new(fields: Option<&[FieldPath]>, max_age: Option<Duration>, most: usize) -> Self {
        let kept = fields.unwrap_or_default().iter().cloned().map(Kept::missing).collect();
        Known { kept, open: fields.is_none(), max_age, most }
    }

    /// Takes the fields of an event that came at `now`. Whether a value or a quality is another one now.
    pub(super) fn take(&mut self, body: &Value, now: Instant) -> Result<bool, TakeError> {
        let map = body.as_map().ok_or(TakeError::NotAMap)?;
        if self.open {
            self.add_fields(map)?;
        }
        let has_failed = map.get("status").and_then(Value::as_text) == Some("fail");
        let mut changed = self.grow_stale(now);
        for kept in &mut self.kept {
            if let Some(value) = kept.path.get(body) {
                changed |= kept.update(value, has_failed, now);
            }
        }
        Ok(changed)
    }

    /// Marks what is too old at `now`; whether there was any.
    pub(super) fn grow_stale(&mut self, now: Instant) -> bool {
        let Some(max_age) = self.max_age else { return false };
        let mut changed = false;
        for kept in &mut self.kept {
            let is_old = kept.came.is_some_and(|came| now.saturating_duration_since(came) > max_age);
            changed |= is_old && kept.quality != Quality::Stale;
            if is_old {
                kept.quality = Quality::Stale;
            }
        }
        changed
    }

    /// The moment from which the next value is too old.
    pub(super) fn next_stale(&self) -> Option<Instant> {
        let max_age = self.max_age?;
        let fresh = self.kept.iter().filter(|kept| kept.quality != Quality::Stale);
        // A value is stale when it is older than `max_age`, which it is not yet at that very moment.
        fresh.filter_map(|kept| Some(kept.came? + max_age + Duration::from_nanos(1))).min()
    }

    /// From here on nothing grows stale any more.
    pub(super) fn forget_ages(&mut self) {
        self.max_age = None;
    }

    /// All fields at `now`: `{ value, age_s, quality }` each, the age in seconds and null for what never came.
    pub(super) fn record(&self, now: Instant) -> Value {
        let mut record = Value::Map(Map::default());
        for kept in &self.kept {
            let age = kept.came.map(|came| seconds(now.saturating_duration_since(came)));
            let told = Value::from([
                ("value", kept.value.clone()),
                ("age_s", age.into()),
                ("quality", kept.quality.word().into()),
            ]);
            kept.path.set(&mut record, told);
        }
        record
    }

    fn add_fields(&mut self, map: &Map) -> Result<(), TakeError> {
        let is_new = |name: &&str| !self.kept.iter().any(|kept| kept.path == FieldPath::root().key(name));
        let names = map.keys().map(|name| name.as_str()).filter(|name| *name != "status");
        let new: Vec<&str> = names.filter(is_new).collect();
        if self.kept.len() + new.len() > self.most {
            return Err(TakeError::TooManyFields(self.most));
        }
        self.kept.extend(new.into_iter().map(|name| Kept::missing(FieldPath::root().key(name))));
        Ok(())
    }
}

impl Kept {
    fn missing(path: FieldPath) -> Self {
        Kept { path, value: Value::Null, came: None, quality: Quality::Missing }
    }

    /// Takes a new value. A failed reading has none and leaves the last one.
    fn update(&mut self, value: &Value, has_failed: bool, now: Instant) -> bool {
        let quality = if has_failed && value.is_null() { Quality::Failed } else { Quality::Good };
        if quality == Quality::Failed {
            // What is stale or never came is no better for having failed too.
            let changed = self.quality == Quality::Good;
            if changed {
                self.quality = quality;
            }
            return changed;
        }
        let changed = self.quality != quality || !self.value.same(value);
        (self.quality, self.came) = (quality, Some(now));
        self.value = value.clone();
        changed
    }
}

/// In milliseconds, as seconds.
fn seconds(age: Duration) -> f64 {
    (age.as_secs_f64() * 1e3).round() / 1e3
}
