//! The merge of an update into a state.

use crate::json::{Json, Object};

/// Applies `patch`: an object merges into an object, null deletes, everything else replaces.
///
/// `{}` as a new value is stored, and an object emptied by nulls stays as `{}`. A new subtree of nothing but nulls
/// is not created: AWS does not say, Greengrass does so.
pub fn merge(state: &mut Object, patch: &Object) {
    for (key, change) in patch {
        if let (Some(Json::Object(existing)), Json::Object(change)) = (state.get_mut(key), change) {
            merge(existing, change);
            continue;
        }
        match without_nulls(change) {
            Some(value) => {
                state.insert(key.clone(), value);
            }
            None => {
                state.shift_remove(key);
            }
        }
    }
}

/// The value as it is stored where there was no object: without null members, and `None` if nothing else was there.
pub(crate) fn without_nulls(value: &Json) -> Option<Json> {
    let object = match value {
        Json::Null => return None,
        Json::Object(object) => object,
        _ => return Some(value.clone()),
    };
    let kept: Object =
        object.iter().filter_map(|(key, member)| Some((key.clone(), without_nulls(member)?))).collect();
    (object.is_empty() || !kept.is_empty()).then_some(Json::Object(kept))
}
