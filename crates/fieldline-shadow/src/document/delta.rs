//! Differences between two states: the delta a device is told, and the patch that turns one into the other.

use crate::json::{Json, Object};

/// What `desired` asks for that `reported` does not have: differing values whole, objects by their members, arrays
/// as one value. Members only in `reported` do not count.
pub fn delta(desired: &Object, reported: &Object) -> Object {
    let mut difference = Object::new();
    for (key, wanted) in desired {
        match (wanted, reported.get(key)) {
            (Json::Object(wanted), Some(Json::Object(actual))) => {
                let inner = delta(wanted, actual);
                if !inner.is_empty() {
                    difference.insert(key.clone(), Json::Object(inner));
                }
            }
            (wanted, Some(actual)) if wanted == actual => {}
            (wanted, _) => {
                difference.insert(key.clone(), wanted.clone());
            }
        }
    }
    difference
}

/// The smallest patch that [`merge`](super::merge())s `from` into `to`: like [`delta`], and null for what is gone.
pub fn patch_between(from: &Object, to: &Object) -> Object {
    let mut patch = Object::new();
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        patch.insert(key.clone(), Json::Null);
    }
    for (key, wanted) in to {
        match (from.get(key), wanted) {
            (Some(Json::Object(existing)), Json::Object(wanted)) => {
                let inner = patch_between(existing, wanted);
                if !inner.is_empty() {
                    patch.insert(key.clone(), Json::Object(inner));
                }
            }
            (Some(existing), wanted) if existing == wanted => {}
            (_, wanted) => {
                patch.insert(key.clone(), wanted.clone());
            }
        }
    }
    patch
}
