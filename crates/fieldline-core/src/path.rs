//! [`FieldPath`]: the address of a field inside a value, written `a.b[0]`.

use std::fmt;

use compact_str::CompactString;

use crate::value::{Map, Value};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The member of a map.
    Key(CompactString),
    /// The element of a list, counted from 0.
    Index(usize),
}

/// A path such as `state.reported.values[0]`; empty for the value itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<Step>);

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no field path: {reason}")]
pub struct PathError {
    text: String,
    reason: &'static str,
}

impl FieldPath {
    /// The empty path, which names the value itself.
    pub fn root() -> Self {
        FieldPath::default()
    }

    /// Reads `a.b[0]`; names may hold anything but `.`, `[` and `]`.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let error = |reason| PathError { text: text.to_owned(), reason };
        let mut steps = Vec::new();
        if text.is_empty() {
            return Err(error("it is empty"));
        }
        for part in text.split('.') {
            let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
            if name.is_empty() || name.contains(']') {
                return Err(error("a name is missing between the dots"));
            }
            steps.push(Step::Key(name.into()));
            while !rest.is_empty() {
                let end = rest.find(']').ok_or_else(|| error("a `[` is not closed"))?;
                let index = rest[..end].strip_prefix('[').and_then(|digits| digits.parse().ok());
                steps.push(Step::Index(index.ok_or_else(|| error("between `[` and `]` stands no number"))?));
                rest = &rest[end + 1..];
            }
        }
        Ok(FieldPath(steps))
    }

    /// The steps from the outside in.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// This path and one key more.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.into()));
        FieldPath(steps)
    }

    /// This path and one index more.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        FieldPath(steps)
    }

    /// This path and some steps more.
    #[must_use]
    pub fn join(&self, steps: &[Step]) -> Self {
        FieldPath(self.0.iter().chain(steps).cloned().collect())
    }

    /// The value at this path, if there is one.
    pub fn get<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |value, step| match (step, value) {
            (Step::Key(key), Value::Map(map)) => map.get(key),
            (Step::Index(index), Value::List(list)) => list.get(*index),
            _ => None,
        })
    }

    /// Puts `new` at this path, making the maps on the way. `false`, and nothing changed, where a step
    /// meets a value of another kind or an index past the end of its list.
    pub fn set(&self, value: &mut Value, new: Value) -> bool {
        set(value, &self.0, new)
    }

    /// Takes the value at this path out, if there is one. The order of the other members stays.
    pub fn remove(&self, value: &mut Value) -> Option<Value> {
        let (last, parents) = self.0.split_last()?;
        let mut parent = value;
        for step in parents {
            parent = match (step, parent) {
                (Step::Key(key), Value::Map(map)) => map.get_mut(key)?,
                (Step::Index(index), Value::List(list)) => list.get_mut(*index)?,
                _ => return None,
            };
        }
        match (last, parent) {
            (Step::Key(key), Value::Map(map)) => map.shift_remove(key),
            (Step::Index(index), Value::List(list)) => (*index < list.len()).then(|| list.remove(*index)),
            _ => None,
        }
    }
}

fn set(value: &mut Value, steps: &[Step], new: Value) -> bool {
    let Some((first, rest)) = steps.split_first() else {
        *value = new;
        return true;
    };
    match (first, value) {
        (Step::Key(key), Value::Map(map)) => match map.get_mut(key) {
            Some(child) => set(child, rest, new),
            None if rest.is_empty() => {
                map.insert(key.clone(), new);
                true
            }
            None => {
                let mut child = Value::Map(Map::default());
                let done = set(&mut child, rest, new);
                if done {
                    map.insert(key.clone(), child);
                }
                done
            }
        },
        (Step::Index(index), Value::List(list)) => {
            list.get_mut(*index).is_some_and(|child| set(child, rest, new))
        }
        _ => false,
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if position == 0 => write!(formatter, "{key}")?,
                Step::Key(key) => write!(formatter, ".{key}")?,
                Step::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl std::str::FromStr for FieldPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        FieldPath::parse(text)
    }
}

impl<'de> serde::Deserialize<'de> for FieldPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        FieldPath::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for FieldPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FieldPath".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "The address of a field, such as `temperature` or `state.values[0]`."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FieldPath {
        FieldPath::parse(text).expect("a good path")
    }

    #[test]
    fn a_path_prints_as_it_was_written() {
        for text in ["a", "a.b", "a[0][12].b", "with space.x"] {
            assert_eq!(path(text).to_string(), text);
        }
    }

    #[test]
    fn a_bad_path_says_why() {
        for text in ["", ".", "a.", "a[", "a[x]", "a[1", "a[1]b", "[0]"] {
            assert!(FieldPath::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn set_makes_the_maps_on_the_way_and_get_finds_them() {
        let mut value = Value::Map(Map::default());
        assert!(path("a.b.c").set(&mut value, 1.5.into()));
        assert_eq!(path("a.b.c").get(&value), Some(&Value::Float(1.5)));
        assert!(!path("a.b.c.d").set(&mut value, 2.0.into()));
        assert_eq!(path("a.b").remove(&mut value).map(|removed| removed.kind()), Some("map"));
        assert_eq!(path("a.b").get(&value), None);
    }
}
