//! [`Rules`]: what a reading must satisfy, alone and beside those before it.

use fieldline_core::{Event, FieldPath, Value};
use fieldline_signal::Sample;

use crate::lookup::Lookup;
use crate::transforms::keyed::text_of;

/// What a reading must satisfy.
pub(super) struct Rules {
    pub(super) required: Vec<Lookup>,
    /// The least and the greatest number.
    pub(super) range: Vec<(FieldPath, (f64, f64))>,
    /// The greatest change per second.
    pub(super) rate: Vec<(FieldPath, f64)>,
    /// How long a value may stay the same, in nanoseconds.
    pub(super) stuck: Vec<(FieldPath, i64)>,
}

/// What is remembered of one key, in the order of the rules.
#[derive(Default)]
pub(super) struct Memory {
    /// The last valid number of each field with a rate.
    last: Vec<Option<Sample>>,
    /// The value of each field that can be stuck, and since when it has it.
    same: Vec<Option<(Value, i64)>>,
}

impl Rules {
    /// The first rule that the reading breaks, as a sentence that begins with the rule's name.
    pub(super) fn complaint(&self, event: &Event, nanos: i64, memory: &mut Memory) -> Option<String> {
        // Whether a sensor is stuck shows in invalid readings too, so these are always looked at.
        let stuck = self.stuck_field(event, nanos, memory);
        let complaint = self.missing(event).or_else(|| self.out_of_range(event)).or(stuck);
        complaint.or_else(|| self.too_fast(event, nanos, memory))
    }

    fn missing(&self, event: &Event) -> Option<String> {
        let is_there = |field: &&Lookup| field.get(event).is_some_and(|value| !value.is_null());
        let field = self.required.iter().find(|field| !is_there(field))?;
        Some(format!("required: `{field}` is missing"))
    }

    fn out_of_range(&self, event: &Event) -> Option<String> {
        self.range.iter().find_map(|(path, (min, max))| {
            let value = path.get(event.body()).filter(|value| !value.is_null())?;
            match value.as_f64() {
                None => Some(format!("range: `{path}` is no number")),
                Some(number) if number < *min => Some(format!("range: `{path}` is {number}, below {min}")),
                Some(number) if number > *max => Some(format!("range: `{path}` is {number}, above {max}")),
                Some(number) if number.is_nan() => Some(format!("range: `{path}` is no number")),
                Some(_) => None,
            }
        })
    }

    fn stuck_field(&self, event: &Event, nanos: i64, memory: &mut Memory) -> Option<String> {
        memory.same.resize(self.stuck.len(), None);
        let mut complaint = None;
        for ((path, limit), same) in self.stuck.iter().zip(&mut memory.same) {
            let Some(value) = path.get(event.body()).filter(|value| !value.is_null()) else { continue };
            let since = match same {
                Some((before, since)) if before.same(value) => *since,
                _ => nanos,
            };
            *same = Some((value.clone(), since));
            if nanos - since >= *limit {
                let seconds = (nanos - since) as f64 / 1e9;
                let text = text_of(value);
                complaint.get_or_insert_with(|| format!("stuck: `{path}` has been {text} for {seconds} s"));
            }
        }
        complaint
    }

    /// Remembers the numbers only if none of them changed too fast.
    fn too_fast(&self, event: &Event, nanos: i64, memory: &mut Memory) -> Option<String> {
        memory.last.resize(self.rate.len(), None);
        let sample = |path: &FieldPath| {
            let value = path.get(event.body()).and_then(Value::as_f64).filter(|number| number.is_finite());
            value.map(|value| Sample { nanos, value })
        };
        for ((path, limit), last) in self.rate.iter().zip(&memory.last) {
            let (Some(last), Some(sample)) = (last, sample(path)) else { continue };
            let (change, span) = ((sample.value - last.value).abs(), last.seconds_to(&sample));
            if span > 0.0 && change > limit * span {
                let rate = change / span;
                return Some(format!("rate: `{path}` changed by {rate} per second, above {limit}"));
            }
        }
        for ((path, _), last) in self.rate.iter().zip(&mut memory.last) {
            *last = sample(path).or(*last);
        }
        None
    }
}
