//! Between [`Value`] and the interpreter's own values. Null is `()`, bytes are a blob, text is a
//! string; a single character comes back as text. Both ways change what is there where they can: the events of one
//! source have the same members, and a script changes few of them.

use bytes::Bytes;
use compact_str::{CompactString, ToCompactString};
use fieldline_core::{Map, Value};
use rhai::Dynamic;

use crate::order::Order;

/// Marks a map as the one that came in: a map that the script put in its place has not got it. A tag has 16 bits where
/// addresses have 32.
const CAME_IN: i8 = 1;

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

/// Makes `target`, which holds the body of an earlier event, hold `value`.
pub(crate) fn refresh(target: &mut Dynamic, value: &Value) {
    let is_reusable = !target.is_shared() && !target.is_read_only();
    match value {
        Value::Map(map) if is_reusable && came_in(target) => refresh_members(target, map),
        Value::Text(text) if is_reusable && holds(target, text) => {}
        value => *target = to_script(value),
    }
}

fn refresh_members(target: &mut Dynamic, map: &Map) {
    let Ok(mut members) = target.as_map_mut() else { return };
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
}

/// What `value`, which an event can hold (see `sendable.rs`), is outside; `before` is what came in at the same place,
/// for the order of the members.
pub(crate) fn from_script(value: &Dynamic, before: Option<&Value>, order: &Order) -> Value {
    if value.is_float() {
        value.as_float().map_or(Value::Null, Value::Float)
    } else if value.is_int() {
        value.as_int().map_or(Value::Null, Value::Int)
    } else if let Ok(text) = value.as_immutable_string_ref() {
        Value::Text(text.as_str().into())
    } else if let Ok(truth) = value.as_bool() {
        Value::Bool(truth)
    } else if let Ok(map) = value.as_map_ref() {
        let before = before.and_then(Value::as_map);
        Value::Map(members(&map, before, came_in(value), order))
    } else if let Ok(list) = value.as_array_ref() {
        let before = before.and_then(Value::as_list).unwrap_or_default();
        let elements = list.iter().enumerate();
        Value::List(elements.map(|(at, element)| from_script(element, before.get(at), order)).collect())
    } else if let Ok(blob) = value.as_blob_ref() {
        Value::Bytes(Bytes::copy_from_slice(&blob))
    } else if let Ok(character) = value.as_char() {
        Value::Text(character.to_compact_string())
    } else {
        Value::Null
    }
}

fn members(map: &rhai::Map, before: Option<&Map>, came_in: bool, order: &Order) -> Map {
    let kept = before.filter(|_| came_in);
    let mut result = Map::with_capacity_and_hasher(map.len(), Default::default());
    for (name, before) in kept.into_iter().flatten() {
        if let Some(value) = map.get(name.as_str()) {
            result.insert(name.clone(), from_script(value, Some(before), order));
        }
    }
    for (name, value) in order.sorted(map, kept, before) {
        let before = before.and_then(|before| before.get(name.as_str()));
        result.insert(CompactString::from(name.as_str()), from_script(value, before, order));
    }
    result
}

/// Makes `target`, which came in where `value` is now, what [`from_script`] says.
pub(crate) fn put_back(value: &Dynamic, target: &mut Value, order: &Order) {
    match target {
        Value::Map(members) if came_in(value) && value.is_map() => {
            put_members_back(value, members, order);
        }
        Value::Text(text) if holds(value, text) => {}
        target => *target = from_script(value, Some(target), order),
    }
}

fn put_members_back(value: &Dynamic, members: &mut Map, order: &Order) {
    let Ok(map) = value.as_map_ref() else { return };
    members.retain(|name, member| {
        let value = map.get(name.as_str());
        value.inspect(|value| put_back(value, member, order)).is_some()
    });
    if members.len() < map.len() {
        for (name, value) in order.sorted(&map, Some(members), None) {
            members.insert(CompactString::from(name.as_str()), from_script(value, None, order));
        }
    }
}

/// Whether `value` is this text.
fn holds(value: &Dynamic, text: &str) -> bool {
    value.is_string() && value.as_immutable_string_ref().is_ok_and(|held| held.as_str() == text)
}
