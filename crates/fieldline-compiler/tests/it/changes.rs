//! The change from one plan to another, and the drawings of a plan.

use fieldline_compiler::change::{Backlog, Change, Fate, Losses, State, Unit, Waiting};
use fieldline_compiler::{Fingerprint, NodeId, Plan, draw};
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

fn changed(before: &str, after: &str) -> Change {
    Change::between(&compile_well(before).plan, &compile_well(after).plan)
}

/// The nodes that an edit of `BASE` changes, with their fates and the reasons.
fn fates(after: &str) -> Vec<(String, Fate, String)> {
    let changes = changed(BASE, after).nodes.into_iter().filter(|change| change.fate != Fate::Keep);
    changes.map(|change| (change.id.node().to_owned(), change.fate, change.reasons.join("; "))).collect()
}

#[test]
fn an_edit_disturbs_only_what_it_changes() {
    let of = |after: &str| fates(after).into_iter().map(|(id, fate, _)| (id, fate)).collect::<Vec<_>>();
    assert_eq!(of(BASE), []);
    assert_eq!(of(&BASE.replace("\"x\"", "\"y\"")), [("t".into(), Fate::Restart)]);
    assert_eq!(of(&BASE.replace("inputs: [t]", "inputs: [a, t]")), [("s".into(), Fate::Rewire)]);
    assert_eq!(of(&BASE.replace("with: [m]", "with: { m: a }")), [("t".into(), Fate::Move)]);
    assert_eq!(of(&BASE.replace("k:", "l:")), [("l".into(), Fate::Start), ("k".into(), Fate::Stop)]);
}

#[test]
fn another_dead_letter_is_told_of_its_pipeline_and_disturbs_no_node() {
    let dead = format!("{BASE}dead_letter: k\n");
    assert_eq!(fates(&dead), []);
    let dead_letters = |before: &str, after: &str| changed(before, after).dead_letters;
    assert_eq!(dead_letters(BASE, &dead), ["p".into()]);
    assert_eq!(dead_letters(&dead, BASE), ["p".into()]);
    assert_eq!(dead_letters(&dead, &dead.replace("\"x\"", "\"y\"")), []);
    assert_eq!(dead_letters(BASE, &dead.replace("pipeline: p", "pipeline: q")), [], "it is another pipeline");
}

#[test]
fn a_value_beside_the_events_under_another_name_restarts_the_node() {
    let reason = "the names in its `with` have changed".to_owned();
    let renamed = fates(&BASE.replace("with: [m]", "with: { other: m }"));
    assert_eq!(renamed, [("t".into(), Fate::Restart, reason)]);
}

#[test]
fn a_second_reader_in_a_chain_moves_its_nodes_into_other_tasks() {
    let u = "  u: { type: script, inputs: [t], code: \"x\" }\nsinks:";
    let chain = BASE.replace("sinks:", u).replace("inputs: [t], connection", "inputs: [u], connection");
    let change = changed(&chain, &chain.replace("inputs: [u], connection", "inputs: [t, u], connection"));
    let fate = |name: &str| change.node(&NodeId::new("p", name)).map(|node| node.fate);
    assert_eq!((fate("t"), fate("u"), fate("s")), (Some(Fate::Move), Some(Fate::Move), Some(Fate::Rewire)));
    assert!(!change.loses_state());
}

#[test]
fn the_users_of_a_connection_begin_anew_with_it() {
    let moved = fates(&BASE.replace("client_id: a", "client_id: b"));
    let expected = [
        ("c", "its config, or a file it names, has changed"),
        ("m", "its connection `c` begins anew"),
        ("s", "its connection `c` begins anew"),
    ];
    let mut expected =
        expected.map(|(id, reason)| (id.to_owned(), Fate::Restart, reason.to_owned())).to_vec();
    let between = "nodes that share its task, or stand before and behind it, change";
    expected.insert(2, ("t".to_owned(), Fate::Move, between.to_owned()));
    assert_eq!(moved, expected);
}

#[test]
fn a_connection_whose_files_have_changed_continues_and_so_do_its_users() {
    let running = compile_well(BASE).plan;
    let mut next = running.clone();
    let connection = next.nodes.iter_mut().find(|node| node.id.node() == "c").expect("it is there");
    connection.fingerprint = Fingerprint(connection.fingerprint.0 ^ 1);
    assert_eq!(Change::between(&running, &next).nodes[0].fate, Fate::Restart, "for it cannot continue");
    let connection = next.nodes.iter_mut().find(|node| node.id.node() == "c").expect("it is there");
    connection.facts.renews = true;
    for change in Change::between(&running, &next).nodes {
        let expected = if change.id.node() == "c" { Fate::Renew } else { Fate::Keep };
        assert_eq!(change.fate, expected, "{}", change.id);
    }
}

/// What becomes of the events that wait in `s` after this edit of `BASE`, whose connection is at `x:1883`.
fn backlog(edit: impl Fn(&mut Plan)) -> Option<Backlog> {
    let change = edited(edit);
    change.node(&NodeId::new("p", "s")).and_then(|node| node.backlog.clone())
}

fn edited(edit: impl Fn(&mut Plan)) -> Change {
    let mut running = compile_well(BASE).plan;
    set_peer(&mut running, "x:1883");
    let mut next = running.clone();
    edit(&mut next);
    Change::between(&running, &next)
}

fn set_peer(plan: &mut Plan, peer: &str) {
    let connection = plan.nodes.iter_mut().find(|node| node.id.node() == "c").expect("it is there");
    connection.facts.peer = Some(peer.to_owned());
    let hash = peer.bytes().fold(0, |hash: u128, byte| hash * 31 + u128::from(byte));
    (connection.fingerprint, connection.text_fingerprint) = (Fingerprint(hash), Fingerprint(hash));
}

fn remove_sink(plan: &mut Plan) {
    plan.nodes.retain(|node| node.id.node() != "s");
}

#[test]
fn waiting_events_go_to_the_next_version_at_the_same_host_only() {
    assert_eq!(backlog(|_| {}), None, "a sink that continues keeps its buffer");
    assert_eq!(backlog(|plan| set_peer(plan, "x:8883")), Some(Backlog::CarriedOver));
    assert_eq!(backlog(remove_sink), Some(Backlog::Abandoned));
    let elsewhere = backlog(|plan| set_peer(plan, "y:1883"));
    assert!(matches!(elsewhere, Some(Backlog::Redirected { .. })), "{elsewhere:?}");
}

#[test]
fn a_change_that_would_lose_or_misdirect_waiting_events_is_refused_with_their_number() {
    let stuck = |_: &NodeId| Waiting { events: 16, is_moving: false };
    let moving = |_: &NodeId| Waiting { events: 16, is_moving: true };
    let texts = |change: &Change, losses: Losses| -> Vec<String> {
        change.refusals(losses, stuck).iter().map(ToString::to_string).collect()
    };
    let elsewhere = edited(|plan| set_peer(plan, "y:1883"));
    let expected =
        "16 events for `x` wait in `p/s`, which cannot send now; the change would send them to `y`";
    assert_eq!(texts(&elsewhere, Losses::Refuse), [expected]);
    assert_eq!(texts(&elsewhere, Losses::Accept), [""; 0]);
    assert_eq!(texts(&elsewhere, Losses::CarryOver), [""; 0]);
    assert_eq!(elsewhere.refusals(Losses::Refuse, moving), []);
    let expected = "16 events wait in `p/s`, which cannot send now; without it they are lost";
    assert_eq!(texts(&edited(remove_sink), Losses::Refuse), [expected]);
    assert_eq!(texts(&edited(|plan| set_peer(plan, "x:8883")), Losses::Refuse), [""; 0]);
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
        let change = changed(&text, &text);
        prop_assert!(change.nodes.iter().all(|node| node.fate == Fate::Keep && node.reasons.is_empty()));
        prop_assert!(change.leaving.is_empty() && change.starting.is_empty());
    }

    /// The fates of nodes and those of units say the same, and every node of either plan has one of each.
    #[test]
    fn nodes_and_units_agree(before in pipelines(), after in pipelines()) {
        let (running, next) = (compile_well(&before).plan, compile_well(&after).plan);
        let change = Change::between(&running, &next);
        let has = |plan: &Plan, id: &NodeId| plan.node(id).is_some();
        let is_in = |units: Vec<&Unit>, id: &NodeId| units.iter().any(|unit| unit.members().contains(id));
        for planned in running.nodes.iter().chain(&next.nodes) {
            let id = &planned.id;
            let node = change.node(id).expect("every node is in it");
            prop_assert_eq!(node.reasons.is_empty(), node.fate == Fate::Keep);
            let is_kept = is_in(change.kept.iter().collect(), id);
            prop_assert_eq!(is_kept, matches!(node.fate, Fate::Keep | Fate::Rewire | Fate::Renew));
            prop_assert_eq!(is_in(change.leaving.iter().collect(), id), has(&running, id) && !is_kept);
            prop_assert_eq!(is_in(change.starting.iter().collect(), id), has(&next, id) && !is_kept);
            prop_assert_eq!(node.fate == Fate::Start, !has(&running, id));
            prop_assert_eq!(node.fate == Fate::Stop, !has(&next, id));
            if node.fate == Fate::Move {
                prop_assert!(!matches!(node.state, Some(State::Lost(_))));
            }
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
