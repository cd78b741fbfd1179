//! Between [`Value`] and the interpreter's own values. Null is `()`, bytes are a blob, text is a
//! string; a single character comes back as text. What JSON cannot say comes back as an error that
//! names the field.

use bytes::Bytes;
use compact_str::{CompactString, ToCompactString};
use fieldline_core::{Map, Value};
use rhai::Dynamic;

use crate::order::Order;

/// Marks a map as the one that came in: a map that the script put in its place has not got it. A tag has 16 bits where
/// addresses have 32.
const CAME_IN: i8 = 1;

/// Lists and maps inside each other that are converted; deeper ones end in an error.
const MAX_DEPTH: usize = 128;

/// A value that cannot leave the script.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unsendable {
    /// Where it is, innermost name first.
    reversed_path: Vec<CompactString>,
    /// What is wrong with it, as in `is …`.
    pub(crate) what: String,
}

impl Unsendable {
    /// The path of the value under `root`, such as `this.list[2].name`.
    pub(crate) fn path(&self, root: &str) -> String {
        let mut path = root.to_owned();
        for name in self.reversed_path.iter().rev() {
            if !name.starts_with('[') {
                path.push('.');
            }
            path.push_str(name);
        }
        path
    }

    fn inside(mut self, name: CompactString) -> Self {
        self.reversed_path.push(name);
        self
    }
}

/// The interpreter's form of `value`.
pub(crate) fn to_script(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(truth) => Dynamic::from_bool(*truth),
        Value::Int(number) => Dynamic::from_int(*number),
        Value::Float(number) => Dynamic::from_float(*number),
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(bytes) => Dynamic::from_blob(bytes.to_vec()),
        Value::List(list) => Dynamic::from_array(list.iter().map(to_script).collect()),
        Value::Map(map) => map_to_script(map),
    }
}

/// The interpreter's form of `map`.
pub(crate) fn map_to_script(map: &Map) -> Dynamic {
    let members = map.iter().map(|(name, value)| (name.as_str().into(), to_script(value)));
    let mut value = Dynamic::from_map(members.collect());
    value.set_tag(CAME_IN.into());
    value
}

fn came_in(value: &Dynamic) -> bool {
    i64::from(value.tag()) == i64::from(CAME_IN)
}

/// Makes `target`, which holds the body of an earlier event, hold `value`. Events of one source have the same
/// members, so that most of the map can stay.
pub(crate) fn refresh(target: &mut Dynamic, value: &Value) {
    let reusable = came_in(target) && !target.is_shared() && !target.is_read_only();
    if let Value::Map(map) = value
        && reusable
        && let Ok(mut members) = target.as_map_mut()
    {
        for (name, value) in map {
            match members.get_mut(name.as_str()) {
                Some(member) => refresh(member, value),
                None => {
                    members.insert(name.as_str().into(), to_script(value));
                }
            }
        }
        if members.len() > map.len() {
            members.retain(|name, _| map.contains_key(name.as_str()));
        }
        return;
    }
    let same_text = match (value, target.as_immutable_string_ref()) {
        (Value::Text(text), Ok(held)) => text.as_str() == held.as_str(),
        _ => false,
    };
    if !same_text || target.is_read_only() || target.is_shared() {
        *target = to_script(value);
    }
}

/// What `value` is outside; `before` is what came in at the same place, for the order of the members.
pub(crate) fn from_script(
    value: &Dynamic,
    before: Option<&Value>,
    order: &Order,
) -> Result<Value, Unsendable> {
    convert(value, before, order, MAX_DEPTH)
}

fn convert(
    value: &Dynamic,
    before: Option<&Value>,
    order: &Order,
    depth: usize,
) -> Result<Value, Unsendable> {
    if let Ok(number) = value.as_float() {
        if number.is_finite() {
            return Ok(Value::Float(number));
        }
        let what = if number.is_nan() { "not a number (0/0, say)" } else { "infinite" };
        return Err(refuse(what));
    }
    if let Ok(number) = value.as_int() {
        return Ok(Value::Int(number));
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(Value::Text(text.as_str().into()));
    }
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(truth) = value.as_bool() {
        return Ok(Value::Bool(truth));
    }
    let depth = depth.checked_sub(1).ok_or_else(|| refuse("nested too deeply"))?;
    if let Ok(map) = value.as_map_ref() {
        let before = before.and_then(Value::as_map);
        return members(&map, before, came_in(value), order, depth).map(Value::Map);
    }
    if let Ok(list) = value.as_array_ref() {
        let before = before.and_then(Value::as_list);
        let elements = list.iter().enumerate().map(|(index, element)| {
            let before = before.and_then(|list| list.get(index));
            convert(element, before, order, depth)
                .map_err(|error| error.inside(CompactString::from(format!("[{index}]"))))
        });
        return elements.collect::<Result<_, _>>().map(Value::List);
    }
    if let Ok(blob) = value.as_blob_ref() {
        return Ok(Value::Bytes(Bytes::copy_from_slice(&blob)));
    }
    if let Ok(character) = value.as_char() {
        return Ok(Value::Text(character.to_compact_string()));
    }
    Err(refuse(if value.is_fnptr() { "a function" } else { "of a kind that no event can hold" }))
}

fn members(
    map: &rhai::Map,
    before: Option<&Map>,
    came_in: bool,
    order: &Order,
    depth: usize,
) -> Result<Map, Unsendable> {
    let mut result = Map::with_capacity_and_hasher(map.len(), Default::default());
    let mut add = |name: &str, value: &Dynamic| {
        let name = CompactString::from(name);
        let before = before.and_then(|before| before.get(&name));
        let value = convert(value, before, order, depth).map_err(|error| error.inside(name.clone()))?;
        result.insert(name, value);
        Ok(())
    };
    let kept = before.filter(|_| came_in);
    let mut found = 0;
    for name in kept.iter().flat_map(|kept| kept.keys()) {
        if let Some(value) = map.get(name.as_str()) {
            add(name, value)?;
            found += 1;
        }
    }
    if found < map.len() {
        for (name, value) in order.sorted(map, kept, before) {
            add(name, value)?;
        }
    }
    Ok(result)
}

fn refuse(what: &str) -> Unsendable {
    Unsendable { reversed_path: Vec::new(), what: what.to_owned() }
}
