//! Metadata: the tree of a state with a timestamp in place of each scalar.
//!
//! It is a type of its own, apart from the state, because a user may well name a member `timestamp`.

use indexmap::IndexMap;

use crate::json::{Json, Object};

/// When each leaf of a value was last written, in epoch seconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stamps {
    /// A scalar, or a null in a request.
    At(u64),
    /// An array: one entry per element.
    Array(Vec<Stamps>),
    /// An object: one entry per member.
    Object(IndexMap<String, Stamps>),
}

impl Stamps {
    /// The stamps of a value written at `now`.
    pub(super) fn of(value: &Json, now: u64) -> Self {
        match value {
            Json::Array(items) => Stamps::Array(items.iter().map(|item| Stamps::of(item, now)).collect()),
            Json::Object(object) => Stamps::Object(
                object.iter().map(|(key, member)| (key.clone(), Stamps::of(member, now))).collect(),
            ),
            _ => Stamps::At(now),
        }
    }

    /// Reads the stamps of `value` from metadata; where the shapes disagree, the stamp is 0.
    pub(super) fn from_json(metadata: Option<&Json>, value: &Json) -> Self {
        match value {
            Json::Array(items) => Stamps::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| Stamps::from_json(element(metadata, index), item))
                    .collect(),
            ),
            Json::Object(object) => Stamps::Object(
                object
                    .iter()
                    .map(|(key, member)| {
                        (key.clone(), Stamps::from_json(metadata.and_then(|tree| tree.get(key)), member))
                    })
                    .collect(),
            ),
            _ => Stamps::At(
                metadata.and_then(|leaf| leaf.get("timestamp")).and_then(Json::as_u64).unwrap_or(0),
            ),
        }
    }

    /// The metadata as it stands in an answer: `{"timestamp":…}` for each leaf.
    pub(super) fn to_json(&self) -> Json {
        match self {
            Stamps::At(seconds) => timestamp(*seconds),
            Stamps::Array(items) => Json::Array(items.iter().map(Stamps::to_json).collect()),
            Stamps::Object(members) => Json::Object(to_object(members)),
        }
    }
}

pub(super) fn timestamp(seconds: u64) -> Json {
    Json::Object(Object::from_iter([("timestamp".to_owned(), seconds.into())]))
}

pub(super) fn to_object(members: &IndexMap<String, Stamps>) -> Object {
    members.iter().map(|(key, stamps)| (key.clone(), stamps.to_json())).collect()
}

/// The metadata of those members that are in `shape`, which is a part of the stamped state.
pub(super) fn cut(members: &IndexMap<String, Stamps>, shape: &Object) -> Object {
    let mut part = Object::new();
    for (key, value) in shape {
        let metadata = match (members.get(key), value) {
            (Some(Stamps::Object(inner)), Json::Object(shape)) => Json::Object(cut(inner, shape)),
            (Some(stamps), _) => stamps.to_json(),
            (None, _) => continue,
        };
        part.insert(key.clone(), metadata);
    }
    part
}

fn element(metadata: Option<&Json>, index: usize) -> Option<&Json> {
    match metadata {
        Some(Json::Array(items)) => items.get(index),
        _ => None,
    }
}
