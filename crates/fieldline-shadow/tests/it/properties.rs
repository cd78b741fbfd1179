//! What must hold for any documents, operations and bytes.

use fieldline_shadow::document::{Owner, delta, merge, patch_between, three_way_merge};
use fieldline_shadow::json::{self, Json, Object};
use fieldline_shadow::limits::Limits;
use fieldline_shadow::service::{MemoryStore, Service};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value, json};

use crate::model::Model;
use crate::support::{PREFIX, service};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![any::<bool>().prop_map(Value::from), (0..3).prop_map(Value::from), Just(json!("x"))]
}

/// A value of few keys and few values, so that documents meet.
fn value(with_nulls: bool) -> impl Strategy<Value = Value> {
    let null = if with_nulls { Just(Value::Null).boxed() } else { scalar().boxed() };
    let array = vec(prop_oneof![scalar(), btree_map("[ab]", scalar(), 0..2).prop_map(map)], 0..3);
    let leaf = prop_oneof![3 => scalar(), 1 => null, 1 => array.prop_map(Value::from)];
    leaf.prop_recursive(3, 12, 3, |inner| btree_map("[abc]", inner, 0..4).prop_map(map))
}

fn map(members: std::collections::BTreeMap<String, Value>) -> Value {
    members.into_iter().collect()
}

fn section(with_nulls: bool) -> impl Strategy<Value = Value> {
    btree_map("[abc]", value(with_nulls), 0..4).prop_map(map)
}

/// An object in which a key says whether its value is an object, so that merging never changes a kind.
fn typed() -> impl Strategy<Value = Object> {
    let leaf = btree_map("l[01]", scalar(), 0..3).prop_map(map);
    let object = leaf.prop_recursive(3, 12, 3, |inner| {
        (btree_map("o[01]", inner, 0..3), btree_map("l[01]", scalar(), 0..3))
            .prop_map(|(objects, leaves)| objects.into_iter().chain(leaves).collect())
    });
    object.prop_map(|value| to_object(&value))
}

fn to_object(value: &Value) -> Object {
    Json::from(value.clone()).as_object().expect("an object").clone()
}

fn merged(base: &Object, patch: &Object) -> Object {
    let mut result = base.clone();
    merge(&mut result, patch);
    result
}

fn is_part_of(desired: &Object, reported: &Object) -> bool {
    desired.iter().all(|(key, wanted)| match (wanted, reported.get(key)) {
        (Json::Object(wanted), Some(Json::Object(actual))) => is_part_of(wanted, actual),
        (wanted, actual) => Some(wanted) == actual,
    })
}

#[derive(Debug, Clone)]
enum Step {
    Update(Value, Option<u64>),
    Delete,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let change = prop_oneof![1 => Just(Value::Null), 8 => section(true)];
    let state = prop_oneof![
        1 => Just(Value::Null),
        12 => btree_map(prop_oneof![Just("desired".to_owned()), Just("reported".to_owned())], change, 0..3).prop_map(map),
    ];
    prop_oneof![
        12 => (state, option::weighted(0.3, 0_u64..6)).prop_map(|(state, version)| Step::Update(state, version)),
        1 => Just(Step::Delete),
        2 => prop_oneof![Just(1), Just(47 * 3600), Just(3600)].prop_map(Step::Wait),
    ]
}

fn ask(
    service: &mut Service<MemoryStore>,
    operation: &str,
    payload: &Value,
    now: u64,
) -> (Option<Value>, Value) {
    let answers =
        service.answer(&format!("{PREFIX}{operation}"), payload.to_string().as_bytes(), now).publications;
    let parsed = |payload: &str| serde_json::from_str(payload).expect("an answer is JSON");
    let delta = answers.iter().find(|message| message.topic.ends_with("/update/delta"));
    (delta.map(|message| parsed(&message.payload)), parsed(&answers.last().expect("an answer").payload))
}

/// Version or code of an answer.
fn outcome(answer: &Value) -> Result<u64, u64> {
    match answer["code"].as_u64() {
        Some(code) => Err(code),
        None => Ok(answer["version"].as_u64().expect("an accepted answer has a version")),
    }
}

proptest! {
    #[test]
    fn any_operations_have_the_results_of_the_slow_model(steps in vec(step(), 1..25)) {
        const LIMIT: usize = 90;
        let mut service = Service::new(MemoryStore::default(), Limits::new(LIMIT));
        let mut model = Model::default();
        let mut now = 1000;
        for step in steps {
            now += 1;
            match step {
                Step::Update(state, version) => {
                    let mut request = json!({"state": state});
                    if let Some(version) = version {
                        request["version"] = json!(version);
                    }
                    let (message, answer) = ask(&mut service, "update", &request, now);
                    let expected = model.update(&state, version, LIMIT, now);
                    prop_assert_eq!(outcome(&answer), expected);
                    let told = message.map(|message| message["state"].clone());
                    prop_assert_eq!(told, expected.ok().and_then(|_| model.delta()));
                }
                Step::Delete => {
                    let (_, answer) = ask(&mut service, "delete", &json!({}), now);
                    prop_assert_eq!(outcome(&answer), model.delete(now));
                }
                Step::Wait(seconds) => now += seconds,
            }
            let (_, answer) = ask(&mut service, "get", &json!({}), now);
            match model.get(now) {
                Some(document) => prop_assert_eq!(answer, document),
                None => prop_assert_eq!(outcome(&answer), Err(404)),
            }
        }
    }

    #[test]
    fn merging_is_associative_where_no_member_changes_its_kind(a in typed(), b in typed(), c in typed()) {
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
    }

    #[test]
    fn merging_twice_is_merging_once(base in section(false), patch in section(true)) {
        let (base, patch) = (to_object(&base), to_object(&patch));
        let once = merged(&base, &patch);
        prop_assert_eq!(merged(&once, &patch), once);
    }

    #[test]
    fn the_delta_is_empty_exactly_if_desired_is_a_part_of_reported(desired in section(false), reported in section(false)) {
        let (desired, reported) = (to_object(&desired), to_object(&reported));
        let difference = delta(&desired, &reported);
        prop_assert_eq!(difference.is_empty(), is_part_of(&desired, &reported));
        prop_assert!(is_part_of(&desired, &merged(&reported, &difference)), "reporting the delta settles it");
    }

    #[test]
    fn a_patch_leads_from_one_state_to_the_other_and_names_nothing_that_is_equal(from in section(false), to in section(false)) {
        let (from, to) = (to_object(&from), to_object(&to));
        let patch = patch_between(&from, &to);
        prop_assert_eq!(merged(&from, &patch), to.clone());
        prop_assert_eq!(patch.is_empty(), from == to);
        prop_assert!(patch.keys().all(|key| from.get(key) != to.get(key)));
    }

    #[test]
    fn what_only_one_side_has_changed_stands(base in section(false), changed in section(false)) {
        let (base, changed) = (to_object(&base), to_object(&changed));
        for owner in [Owner::Local, Owner::Cloud] {
            prop_assert_eq!(three_way_merge(&base, &changed, &base, owner), changed.clone());
            prop_assert_eq!(three_way_merge(&base, &base, &changed, owner), changed.clone());
            prop_assert_eq!(three_way_merge(&base, &changed, &changed, owner), changed.clone());
        }
    }

    #[test]
    fn changes_of_both_sides_to_different_members_all_stand(base in section(false), a in value(false), b in value(false)) {
        let base = to_object(&base);
        let with = |key: &str, value: &Value| {
            let mut section = base.clone();
            section.insert(key.to_owned(), Json::from(value.clone()));
            section
        };
        let merged = three_way_merge(&base, &with("a", &a), &with("b", &b), Owner::Cloud);
        prop_assert_eq!((merged.get("a"), merged.get("b")), (Some(&Json::from(a)), Some(&Json::from(b))));
        prop_assert_eq!(merged.get("c"), base.get("c"));
    }

    #[test]
    fn of_what_both_sides_have_changed_the_owners_stands(base in section(false), local in section(false), cloud in section(false)) {
        let (base, local, cloud) = (to_object(&base), to_object(&local), to_object(&cloud));
        let merged = three_way_merge(&base, &local, &cloud, Owner::Local);
        prop_assert_eq!(three_way_merge(&base, &cloud, &local, Owner::Cloud), merged.clone());
        for key in ["a", "b", "c"] {
            let (base, local, cloud) = (base.get(key), local.get(key), cloud.get(key));
            let are_objects = [local, cloud].iter().all(|value| value.is_some_and(|value| value.as_object().is_some()));
            if !are_objects && local != base {
                prop_assert_eq!(merged.get(key), local);
            }
        }
    }

    #[test]
    fn without_a_base_nothing_is_lost(local in section(false), cloud in section(false)) {
        let (local, cloud) = (to_object(&local), to_object(&cloud));
        let merged = three_way_merge(&Object::new(), &local, &cloud, Owner::Cloud);
        prop_assert!(local.keys().chain(cloud.keys()).all(|key| merged.contains_key(key)));
    }

    #[test]
    fn any_bytes_get_one_answer_and_change_nothing(bytes in vec(any::<u8>(), 0..200)) {
        let mut service = service();
        for operation in ["get", "update", "delete"] {
            let answers = service.answer(&format!("{PREFIX}{operation}"), &bytes, 1).publications;
            prop_assert_eq!(answers.len(), 1);
            prop_assert!(answers[0].topic.ends_with("/rejected"));
        }
    }

    #[test]
    fn any_topic_is_parsed_or_not(topic in r"(\$aws/things/[a/ ]{0,3})?[a-z/$]{0,30}") {
        let answers = service().answer(&topic, b"{}", 1).publications;
        prop_assert!(answers.len() <= 1, "more than one answer");
    }

    #[test]
    fn the_parser_takes_what_serde_json_takes(text in r#"[\[\]{}",:0-9.eE+\\u \t-]{0,12}|(\[|\{"a":|"|1|-|0|\.5|e1|,|\]|\}|\\n|\\ud83d|\\ude00|null|true| ){0,12}"#) {
        match (json::parse(&text), serde_json::from_str::<Value>(&text)) {
            // serde_json may miss the nearest f64 where there is an exponent.
            (Ok(_), Ok(_)) if text.contains(['e', 'E']) => {}
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(Value::from(ours), theirs),
            // We keep digits, so no number is out of range.
            (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("number out of range"), "{text}: {error}"),
            (Err(error), Ok(_)) => prop_assert!(false, "{text}: {error}"),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn what_is_written_is_read_back(value in value(true), text in any::<String>()) {
        let json = Json::from(json!([value, text, {text.clone(): 1}]));
        let written = json.to_string();
        prop_assert_eq!(&written, &serde_json::to_string(&Value::from(json.clone())).expect("it can be written"));
        prop_assert_eq!(json::parse(&written), Ok(json));
    }
}
