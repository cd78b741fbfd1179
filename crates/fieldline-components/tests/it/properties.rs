//! `filter`, `route` and `map` against versions so simple that they are plainly right.

use std::collections::BTreeMap;

use fieldline_core::{Kind, Value, json};
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Strategy, proptest};

use crate::harness::{Run, definition, run};

type Body = BTreeMap<String, i64>;

fn names() -> impl Strategy<Value = String> {
    "[a-f]"
}

fn bodies() -> impl Strategy<Value = Vec<Body>> {
    vec(btree_map(names(), -20i64..20, 0..6), 0..20)
}

/// Runs a transform on `bodies` in paused time.
fn run_paused(name: &str, config: &serde_json::Value, bodies: &[Body]) -> Run {
    let input: Vec<Value> = bodies.iter().map(to_value).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let definition = definition(Kind::Transform, name);
    runtime.expect("a runtime").block_on(run(&definition, &config.to_string(), &input))
}

fn to_value(body: &Body) -> Value {
    Value::Map(body.iter().map(|(key, number)| (key.into(), Value::Int(*number))).collect())
}

fn line(body: &Body) -> String {
    String::from_utf8(json::encode(&to_value(body)).expect("finite")).expect("UTF-8")
}

/// The bodies that came out, with their members in alphabetical order.
fn sorted(run: &Run) -> Vec<Body> {
    run.sent.iter().map(|line| serde_json::from_str(line).expect("a flat body")).collect()
}

fn naive_map(
    body: &Body,
    rename: &BTreeMap<String, String>,
    keep: &[String],
    drop: &[String],
    set: &Body,
) -> Body {
    let mut result: Body =
        body.iter().filter(|(key, _)| !rename.contains_key(*key)).map(|(key, n)| (key.clone(), *n)).collect();
    for (old, new) in rename {
        if let Some(number) = body.get(old) {
            result.insert(new.clone(), *number);
        }
    }
    result.retain(|key, _| keep.contains(key) && !drop.contains(key));
    result.extend(set.clone());
    result
}

proptest! {
    #[test]
    fn a_filter_keeps_what_its_condition_holds_for_and_drops_the_rest(
        bodies in bodies(), field in names(), limit in -20i64..20
    ) {
        let holds = |body: &&Body| body.get(&field).is_some_and(|number| *number > limit);
        let condition = serde_json::json!({ &field: { "above": limit } });
        let kept = run_paused("filter", &serde_json::json!({ "keep": condition }), &bodies);
        let rest = run_paused("filter", &serde_json::json!({ "drop": condition }), &bodies);
        assert_eq!(kept.sent, bodies.iter().filter(holds).map(line).collect::<Vec<_>>());
        assert_eq!(rest.sent, bodies.iter().filter(|body| !holds(body)).map(line).collect::<Vec<_>>());
        assert_eq!(kept.balance.delivered + kept.balance.filtered, bodies.len() as u64);
    }

    #[test]
    fn a_route_sends_to_the_first_or_to_every_output_that_wants_it(
        bodies in bodies(), routes in vec((names(), -20i64..20), 1..5), first in proptest::bool::ANY
    ) {
        let port = |number: usize| format!("port_{number}");
        let conditions: serde_json::Map<_, _> = routes.iter().enumerate()
            .map(|(number, (field, limit))| (port(number), serde_json::json!({ field: { "above": limit } })))
            .collect();
        let mode = if first { "first" } else { "all" };
        let config = serde_json::json!({ "mode": mode, "routes": conditions });
        let wanted: Vec<String> = bodies.iter().flat_map(|body| {
            let wants = |(_, (field, limit)): &(usize, &(String, i64))| body.get(field).is_some_and(|n| n > limit);
            let mut ports: Vec<String> = routes.iter().enumerate().filter(wants).map(|(n, _)| port(n)).collect();
            if first {
                ports.truncate(1);
            }
            if ports.is_empty() {
                ports.push("otherwise".to_owned());
            }
            ports.into_iter().map(|port| format!("{port}: {}", line(body))).collect::<Vec<_>>()
        }).collect();
        let run = run_paused("route", &config, &bodies);
        assert_eq!(run.balance.delivered, wanted.len() as u64);
        assert_eq!(run.balance.in_flight(), 0);
        assert_eq!(run.sent, wanted);
    }

    #[test]
    fn a_map_renames_keeps_drops_and_sets_in_this_order(
        bodies in bodies(),
        rename in btree_map(names(), names(), 0..4),
        keep in vec(names(), 1..6),
        drop in vec(names(), 0..2),
        set in btree_map(names(), -20i64..20, 0..2),
    ) {
        let config = serde_json::json!({ "rename": rename, "keep": keep, "drop": drop, "set": set });
        let wanted: Vec<Body> = bodies.iter().map(|body| naive_map(body, &rename, &keep, &drop, &set)).collect();
        assert_eq!(sorted(&run_paused("map", &config, &bodies)), wanted);
    }
}
