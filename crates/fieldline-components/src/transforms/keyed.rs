//! [`Keyed`]: what a transform remembers for each key, with a bound on how many keys there may be.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldline_core::memory::LARGEST;
use fieldline_core::{BuildError, Event, Map, Value, amount, json};

use crate::lookup::Lookup;

/// How many keys are remembered where the config says nothing.
pub(crate) fn default_max_keys() -> usize {
    1000
}

/// The text that stands for the value `by` finds in the event. Events without that value belong together, and
/// all do where there is no `by`.
pub(crate) fn key_of(event: &Event, by: Option<&Lookup>) -> Arc<str> {
    match by.and_then(|by| by.get(event)) {
        Some(value) => text_of(&value).into(),
        None => "".into(),
    }
}

/// A text that is different for different values, and the same for those that are the same: `1` and `1.0` in any depth,
/// and members in any order. A text is never the same as a number.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Float(number) if is_whole(*number) => (*number as i64).to_string(),
        Value::List(list) => format!("[{}]", list.iter().map(text_of).collect::<Vec<_>>().join(",")),
        Value::Map(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            let members = members.into_iter().map(|(name, value)| format!("{name:?}:{}", text_of(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        value => {
            let text = json::encode(value).ok().and_then(|json| String::from_utf8(json).ok());
            text.unwrap_or_else(|| format!("{value:?}"))
        }
    }
}

/// Whether the number is also an integer.
fn is_whole(number: f64) -> bool {
    number.trunc() == number && number.abs() < i64::MAX as f64
}

/// States by key. The key that was silent for the longest time makes room for a new one.
pub(crate) struct Keyed<T> {
    states: HashMap<Arc<str>, Held<T>>,
    /// The keys by when they were last touched.
    order: BTreeMap<u64, Arc<str>>,
    turn: u64,
    most: usize,
}

struct Held<T> {
    state: T,
    turn: u64,
    touched: Instant,
}

impl<T: Default> Keyed<T> {
    /// Remembers at most `most` keys, at least one.
    pub(crate) fn new(most: usize) -> Self {
        Keyed { states: HashMap::new(), order: BTreeMap::new(), turn: 0, most: most.max(1) }
    }

    /// The state of a key, made where there is none, and touched at `now`. With it comes the state that had to make
    /// room.
    pub(crate) fn touch(&mut self, key: &Arc<str>, now: Instant) -> (&mut T, Option<T>) {
        let full = self.states.len() >= self.most && !self.states.contains_key(key);
        let evicted = if full { self.take_first() } else { None };
        self.turn += 1;
        let fresh = || Held { state: T::default(), turn: self.turn, touched: now };
        let held = self.states.entry(key.clone()).or_insert_with(fresh);
        self.order.remove(&held.turn);
        self.order.insert(self.turn, key.clone());
        (held.turn, held.touched) = (self.turn, now);
        (&mut held.state, evicted)
    }

    /// The state of a key, if there is one; not touched by this.
    pub(crate) fn peek(&mut self, key: &str) -> Option<&mut T> {
        self.states.get_mut(key).map(|held| &mut held.state)
    }

    /// Forgets a key that was not touched for `idle` and gives its state; call it until there is none.
    pub(crate) fn take_idle(&mut self, now: Instant, idle: Duration) -> Option<T> {
        let silent = now.saturating_duration_since(self.first_touched()?);
        if silent >= idle { self.take_first() } else { None }
    }

    /// Forgets the key that was silent for the longest time and gives its state.
    pub(crate) fn take_first(&mut self) -> Option<T> {
        let (_, key) = self.order.pop_first()?;
        self.states.remove(&key).map(|held| held.state)
    }

    /// When the key was touched that has been silent for the longest time.
    pub(crate) fn first_touched(&self) -> Option<Instant> {
        let (_, key) = self.order.first_key_value()?;
        self.states.get(key).map(|held| held.touched)
    }

    /// Takes in all that `before` remembers; gives back what there is no room for.
    pub(crate) fn take_over(&mut self, before: Keyed<T>) -> Vec<T> {
        *self = Keyed { most: self.most, ..before };
        let surplus = self.states.len().saturating_sub(self.most);
        std::iter::from_fn(|| self.take_first()).take(surplus).collect()
    }

    /// What `tell` says of the state of each key, for [`Keyed::recall`]; `None` where there is nothing to say.
    ///
    /// # Errors
    /// If that is more than a transform may remember.
    pub(crate) fn remember(&self, tell: impl Fn(&T) -> Option<Value>) -> Result<Option<Value>, BuildError> {
        let mut told = Map::default();
        let mut weight = 0;
        for key in self.order.values() {
            let Some(state) = self.states.get(key).and_then(|held| tell(&held.state)) else { continue };
            weight += key.len() + state.weight();
            if weight > LARGEST {
                let keys = amount(self.states.len(), "key", "keys");
                return Err(BuildError::new(format!("what it knows of its {keys} is over {LARGEST} bytes")));
            }
            told.insert(key.as_ref().into(), state);
        }
        Ok((!told.is_empty()).then_some(Value::Map(told)))
    }

    /// Puts in what was remembered, as if it had been touched at `now`; `read` makes a state of what was told of it.
    ///
    /// # Errors
    /// If it was not told by [`Keyed::remember`]; nothing has changed then.
    pub(crate) fn recall(
        &mut self,
        remembered: &Value,
        now: Instant,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<(), BuildError> {
        let read = |told: &Map| -> Option<Vec<(Arc<str>, T)>> {
            told.iter().map(|(key, state)| Some((Arc::from(key.as_str()), read(state)?))).collect()
        };
        let states = remembered.as_map().and_then(read);
        for (key, state) in states.ok_or_else(|| BuildError::new("it has another shape"))? {
            *self.touch(&key, now).0 = state;
        }
        Ok(())
    }

    /// Calls `act` with every state, those silent for the longest time first.
    pub(crate) fn for_each(&mut self, mut act: impl FnMut(&mut T)) {
        for key in self.order.values() {
            if let Some(held) = self.states.get_mut(key) {
                act(&mut held.state);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "any moment will do to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn values_that_are_the_same_are_one_key() {
        let (one, text) = (Value::Int(1), Value::from("1"));
        let zero = Value::Float(-0.0);
        let pair = |a: Value, b: Value| Value::from([("a", a), ("b", b)]);
        let turned = Value::from([("b", Value::Int(2)), ("a", 1.0.into())]);
        let same = [
            (one.clone(), Value::Float(1.0)),
            (Value::Int(0), zero),
            (Value::List(vec![one.clone()]), Value::List(vec![1.0.into()])),
            (pair(one.clone(), 2.0.into()), turned),
        ];
        for (left, right) in same {
            assert!(left.same(&right));
            assert_eq!(text_of(&left), text_of(&right));
        }
        let different =
            [one, text, 1.5.into(), true.into(), Value::Null, "null".into(), 1e300.into(), "".into()];
        let texts: std::collections::HashSet<_> = different.iter().map(text_of).collect();
        assert_eq!(texts.len(), different.len());
    }

    #[test]
    fn the_key_that_was_silent_for_longest_makes_room() {
        let (start, [a, b, c]) = (start(), ["a", "b", "c"].map(Arc::from));
        let mut keyed = Keyed::<u32>::new(2);
        *keyed.touch(&a, start).0 = 1;
        *keyed.touch(&b, start).0 = 2;
        keyed.touch(&a, start);
        assert_eq!(keyed.touch(&c, start), (&mut 0, Some(2)));
        assert_eq!(keyed.peek("a"), Some(&mut 1));
        assert_eq!(keyed.peek("b"), None);
    }

    #[test]
    fn a_key_is_idle_after_its_last_touch() {
        let (start, second) = (start(), Duration::from_secs(1));
        let mut keyed = Keyed::<u32>::new(9);
        keyed.touch(&"a".into(), start);
        keyed.touch(&"b".into(), start + second);
        assert_eq!(keyed.take_idle(start + 2 * second, 2 * second), Some(0));
        assert_eq!(keyed.take_idle(start + 2 * second, 2 * second), None);
        assert_eq!(keyed.first_touched(), Some(start + second));
    }
}
