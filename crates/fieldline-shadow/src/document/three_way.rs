//! The three-way merge of a section that two sides have changed apart from each other, such as a device that was offline
//! and its shadow in the cloud.

use crate::json::{Json, Object};

/// Whose value stands where both sides have changed one and the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The device's: for `reported`.
    Local,
    /// The cloud's: for `desired`.
    Cloud,
}

/// What both sides should have, where `base` is what both had last: of each member the value of the side that has
/// changed it, and the `owner`'s where both have. Objects are merged member by member, arrays are single values.
///
/// What Greengrass does not do is done here: without a base (it is empty then) nothing that one side alone has is lost,
/// and `{}` is a value and not the absence of one. [`patch_between`](super::patch_between) a side and the result is
/// what that side has to be told, with null for what is gone.
pub fn three_way_merge(base: &Object, local: &Object, cloud: &Object, owner: Owner) -> Object {
    let mut merged = Object::new();
    let only_in_cloud = cloud.keys().filter(|key| !local.contains_key(*key));
    for key in local.keys().chain(only_in_cloud) {
        if let Some(value) = merge_value(base.get(key), local.get(key), cloud.get(key), owner) {
            merged.insert(key.clone(), value);
        }
    }
    merged
}

fn merge_value(
    base: Option<&Json>,
    local: Option<&Json>,
    cloud: Option<&Json>,
    owner: Owner,
) -> Option<Json> {
    if let (Some(Json::Object(local)), Some(Json::Object(cloud))) = (local, cloud) {
        let nothing = Object::new();
        let base = base.and_then(Json::as_object).unwrap_or(&nothing);
        return Some(Json::Object(three_way_merge(base, local, cloud, owner)));
    }
    let kept = match owner {
        Owner::Local if local == base => cloud,
        Owner::Local => local,
        Owner::Cloud if cloud == base => local,
        Owner::Cloud => cloud,
    };
    kept.cloned()
}
