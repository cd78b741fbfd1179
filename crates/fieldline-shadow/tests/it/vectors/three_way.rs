//! Vectors of the three-way merge. They expect what both sides are told: the result, with null for what is gone.

use fieldline_shadow::document::{Owner, patch_between, three_way_merge};
use fieldline_shadow::json::Json;

use super::Vector;
use super::expectations::{at, equal};

/// The mismatches; none if the vector passes.
pub(super) fn run(vector: &Vector) -> Vec<String> {
    let before = vector.member("before").expect("three sections");
    let section = |name| before.get(name).and_then(Json::as_object).cloned().unwrap_or_default();
    let (base, local, cloud) = (section("base"), section("local"), section("cloud"));
    let owner = vector.member("request").and_then(|request| request.get("owner")).and_then(Json::as_str);
    let owner = match owner {
        Some("LOCAL") => Owner::Local,
        Some("CLOUD") => Owner::Cloud,
        other => panic!("{other:?} is no owner"),
    };
    let merged = three_way_merge(&base, &local, &cloud, owner);
    let mut told = merged.clone();
    for side in [&local, &cloud] {
        told.extend(patch_between(side, &merged).into_iter().filter(|(_, value)| *value == Json::Null));
    }
    let told = if told.is_empty() { Json::Null } else { Json::from(told) };
    let expected = vector.member("expect_accepted").and_then(|expected| at(expected, "merged"));
    let mut mismatches = Vec::new();
    equal("merged", expected.expect("a result"), Some(&told), &mut mismatches);
    mismatches
}
