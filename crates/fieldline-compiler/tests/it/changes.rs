//! The difference of two plans, and their drawings.

use std::collections::BTreeMap;

use fieldline_compiler::plan::{Fingerprint, Input};
use fieldline_compiler::{Action, NodeId, Plan, diff, draw};
use proptest::prelude::*;

use crate::support::{compile_text, compile_well};

const BASE: &str = r#"
pipeline: p
connections:
  c: { type: mqtt, url: mqtt://x, client_id: a }
sources:
  a: { type: ticker, every: 1s }
  m: { type: mqtt, connection: c, topic: in }
transforms:
  t: { type: script, inputs: [a], with: [m], code: "x" }
sinks:
  s: { type: mqtt, inputs: [t], connection: c, topic: out, qos: 1 }
  k: { type: console, inputs: [m] }
"#;

fn actions(after: &str) -> Vec<(String, Action, String)> {
    let changes = diff(&compile_well(BASE).plan, &compile_well(after).plan);
    let moved = changes.into_iter().filter(|change| change.action != Action::Keep);
    moved.map(|change| (change.id.node().to_owned(), change.action, change.reasons.join("; "))).collect()
}

#[test]
fn an_edit_disturbs_only_what_it_changes() {
    let of = |after: &str| actions(after).into_iter().map(|(id, action, _)| (id, action)).collect::<Vec<_>>();
    assert_eq!(of(BASE), []);
    assert_eq!(of(&BASE.replace("\"x\"", "\"y\"")), [("t".into(), Action::Restart)]);
    assert_eq!(of(&BASE.replace("inputs: [t]", "inputs: [a, t]")), [("s".into(), Action::Rewire)]);
    assert_eq!(of(&BASE.replace("with: [m]", "with: { other: m }")), [("t".into(), Action::Rewire)]);
    assert_eq!(of(&BASE.replace("k:", "l:")), [("l".into(), Action::Start), ("k".into(), Action::Stop)]);
    let dead = format!("{BASE}dead_letter: k\n");
    assert!(of(&dead).iter().all(|(_, action)| *action == Action::Rewire) && of(&dead).len() == 6);
}

#[test]
fn the_users_of_a_connection_begin_anew_with_it() {
    let moved = actions(&BASE.replace("client_id: a", "client_id: b"));
    let expected = [
        ("c", "its config, or a file it names, has changed"),
        ("m", "its connection `c` begins anew"),
        ("s", "its connection `c` begins anew"),
    ];
    let expected = expected.map(|(id, reason)| (id.to_owned(), Action::Restart, reason.to_owned()));
    assert_eq!(moved, expected);
}

#[test]
fn a_connection_whose_files_have_changed_goes_on_and_so_do_its_users() {
    let running = compile_well(BASE).plan;
    let mut next = running.clone();
    let connection = next.nodes.iter_mut().find(|node| node.id.node() == "c").expect("it is there");
    connection.fingerprint = Fingerprint(connection.fingerprint.0 ^ 1);
    assert_eq!(diff(&running, &next)[0].action, Action::Restart, "for it cannot go on");
    let connection = next.nodes.iter_mut().find(|node| node.id.node() == "c").expect("it is there");
    connection.facts.renews = true;
    for change in diff(&running, &next) {
        let expected = if change.id.node() == "c" { Action::Renew } else { Action::Keep };
        assert_eq!(change.action, expected, "{}", change.id);
    }
}

type State = BTreeMap<NodeId, (Fingerprint, Vec<Input>, Vec<Input>, Option<NodeId>)>;

fn state(plan: &Plan) -> State {
    let with =
        |node: &fieldline_compiler::Node| node.with.iter().map(|beside| beside.input.clone()).collect();
    let node = |node: &fieldline_compiler::Node| {
        (node.id.clone(), (node.fingerprint, node.inputs.clone(), with(node), node.connection.clone()))
    };
    plan.nodes.iter().map(node).collect()
}

/// What a runtime that obeys the difference ends with.
fn applied(running: &Plan, next: &Plan) -> State {
    let mut now = state(running);
    let target = state(next);
    for change in diff(running, next) {
        match change.action {
            Action::Keep => {}
            Action::Stop => drop(now.remove(&change.id)),
            Action::Start | Action::Restart => {
                drop(now.insert(change.id.clone(), target[&change.id].clone()))
            }
            Action::Renew => {
                let kept = now.get_mut(&change.id).expect("only what runs is renewed");
                kept.0 = target[&change.id].0;
            }
            Action::Rewire => {
                let kept = now.get_mut(&change.id).expect("only what runs is rewired");
                (kept.1, kept.2) = (target[&change.id].1.clone(), target[&change.id].2.clone());
            }
        }
    }
    now
}

/// Pipelines of up to six transforms with random wiring, configs and connections.
fn pipelines() -> impl Strategy<Value = String> {
    let node =
        (any::<bool>(), 0..3u8, proptest::collection::vec(any::<prop::sample::Index>(), 1..3), any::<bool>());
    (proptest::collection::vec(node, 1..6), 0..2u8, any::<bool>()).prop_map(|(nodes, client, dead)| {
        let mut text = format!(
            "pipeline: p\nconnections:\n  c: {{ type: mqtt, url: mqtt://x, client_id: c{client} }}\nsources:\n  n0: {{ type: ticker, every: 1s }}\n  m: {{ type: mqtt, connection: c, topic: in }}\ntransforms:\n"
        );
        let mut last = 0;
        for (index, (present, code, inputs, with)) in nodes.into_iter().enumerate() {
            if !present {
                continue;
            }
            let mut names: Vec<String> = inputs.iter().map(|input| format!("n{}", input.index(last + 1))).collect();
            names.retain(|name| name == "n0" || text.contains(&format!("  {name}: {{")));
            names.push("m".into());
            names.sort();
            names.dedup();
            let with = if with { "with: [n0], " } else { "" };
            text += &format!("  n{}: {{ type: script, inputs: [{}], {with}code: \"{code}\" }}\n", index + 1, names.join(", "));
            last = index + 1;
        }
        text += &format!("sinks:\n  s: {{ type: console, inputs: [n{last}, m] }}\n");
        if last == 0 {
            text = text.replace("transforms:\n", "");
        }
        if dead { text + "dead_letter: s\n" } else { text }
    })
}

proptest! {
    #[test]
    fn a_plan_does_not_differ_from_itself(text in pipelines()) {
        let plan = compile_well(&text).plan;
        prop_assert!(diff(&plan, &compile_well(&text).plan).iter().all(|change| change.action == Action::Keep && change.reasons.is_empty()));
    }

    #[test]
    fn whoever_obeys_the_difference_ends_with_the_next_plan(before in pipelines(), after in pipelines()) {
        let (before, after) = (compile_well(&before).plan, compile_well(&after).plan);
        prop_assert_eq!(applied(&before, &after), state(&after));
        for change in diff(&before, &after) {
            prop_assert_eq!(change.reasons.is_empty(), change.action == Action::Keep);
        }
    }
}

#[test]
fn a_plan_can_be_drawn() {
    let plan = compile_text(BASE).plan;
    let mermaid = draw::mermaid(&plan);
    for part in ["flowchart LR", "subgraph p0[\"p\"]", "([\"a<br/><i>ticker</i>\"])", "-.->|with m|", " -.- "]
    {
        assert!(mermaid.contains(part), "{part} is not in\n{mermaid}");
    }
    let dot = draw::dot(&plan);
    for part in ["digraph fieldline {", "label=\"p\"", "label=\"a\\nticker\"", "style=dashed", "dir=none"] {
        assert!(dot.contains(part), "{part} is not in\n{dot}");
    }
    assert_eq!(mermaid.matches("-->").count(), 3);
}
