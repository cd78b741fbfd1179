//! [`Change::between`]: decides what continues, what ends and what starts.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use fieldline_core::Kind;

use super::units::{Unit, between, units};
use super::{Backlog, Change, Fate, NodeChange, State};
use crate::plan::{Input, Node, NodeId, Pipeline, Plan};

type Nodes<'p> = BTreeMap<&'p NodeId, &'p Node>;

impl Change {
    /// What becomes of every node when `running` is replaced by `next`.
    ///
    /// A node continues if it is equal in itself and so is the connection it uses; its unit continues if all its nodes
    /// do and the edges between them stay. A unit between two that end has to end as well: held, it would keep the
    /// first from draining. Its transforms move with their state.
    pub fn between(running: &Plan, next: &Plan) -> Self {
        let (before, after) = (running.by_id(), next.by_id());
        let differences = differences(running, next, &before);
        let is_same = |id: &NodeId| differences.get(id).is_some_and(Vec::is_empty);
        let old_units = units(running);
        let new_units = units(next);
        let old: BTreeSet<&Unit> = old_units.iter().collect();
        let continues = |unit: &&Unit| old.contains(unit) && is_unit_same(unit, &before, &after, &is_same);
        let mut kept: BTreeSet<Unit> = new_units.iter().filter(continues).cloned().collect();
        let mut leaving: BTreeSet<Unit> =
            old_units.iter().filter(|unit| !kept.contains(*unit)).cloned().collect();
        for unit in between(running, &old_units, &leaving) {
            kept.remove(&unit);
            leaving.insert(unit);
        }
        let starting = new_units.into_iter().filter(|unit| !kept.contains(unit)).collect();

        let kept_nodes: HashSet<&NodeId> = kept.iter().flat_map(|unit| unit.members().iter()).collect();
        let mut nodes = Vec::with_capacity(next.nodes.len());
        for node in &next.nodes {
            let change = match before.get(&node.id) {
                None => change(node, Fate::Start, vec!["it is new".into()]),
                Some(old) if node.renews(old) => {
                    change(node, Fate::Renew, vec!["a file it names has changed".into()])
                }
                Some(old) if kept_nodes.contains(&node.id) => {
                    let mut reasons = Vec::new();
                    if old.inputs != node.inputs {
                        reasons.push("its `inputs` have changed".into());
                    }
                    change(node, if reasons.is_empty() { Fate::Keep } else { Fate::Rewire }, reasons)
                }
                Some(old) => ends(old, node, differences[&node.id].clone(), &before, &after),
            };
            nodes.push(change);
        }
        let gone = running.nodes.iter().filter(|node| !after.contains_key(&node.id));
        nodes.extend(gone.map(|old| NodeChange {
            state: state(old, None),
            backlog: Backlog::of(old, None, &before, &after),
            ..change(old, Fate::Stop, vec!["it is gone".into()])
        }));
        Change { nodes, kept, leaving, starting, dead_letters: changed_dead_letters(running, next) }
    }
}

fn change(node: &Node, fate: Fate, reasons: Vec<String>) -> NodeChange {
    NodeChange { id: node.id.clone(), kind: node.kind, fate, reasons, state: None, backlog: None }
}

/// What becomes of a node whose unit ends, and that the next plan has too.
fn ends(
    old: &Node,
    new: &Node,
    mut reasons: Vec<String>,
    before: &Nodes<'_>,
    after: &Nodes<'_>,
) -> NodeChange {
    let is_same = reasons.is_empty();
    if is_same {
        let sources =
            |node: &Node| node.with.iter().map(|beside| beside.input.clone()).collect::<Vec<Input>>();
        reasons.push(match old.kind {
            _ if sources(old) != sources(new) => "the sources of its `with` have changed".into(),
            _ if old.with != new.with => "its `with` asks for values of another age".into(),
            Kind::Transform => "nodes that share its task, or stand before and behind it, change".into(),
            _ => "nodes before and behind it change".into(),
        });
    }
    if is_same && new.kind == Kind::Transform {
        return change(new, Fate::Move, reasons);
    }
    let fate = if new.takes_over(old) { Fate::Inherit } else { Fate::Restart };
    NodeChange {
        state: state(old, Some(new)),
        backlog: Backlog::of(old, Some(new), before, after),
        ..change(new, fate, reasons)
    }
}

/// What becomes of the state of a transform that ends, and `new` comes in its place.
fn state(old: &Node, new: Option<&Node>) -> Option<State> {
    let memory = old.memory.as_ref()?;
    Some(match new {
        Some(new) if new.takes_over(old) => State::Inherited(memory.what),
        _ if memory.is_sent => State::Sent(memory.what),
        _ => State::Lost(memory.what),
    })
}

/// Of each node that both plans have, in which ways it is another in `next`, by itself or by the connection it uses;
/// empty for one that can continue.
fn differences<'p>(running: &Plan, next: &'p Plan, before: &Nodes<'_>) -> BTreeMap<&'p NodeId, Vec<String>> {
    let mut all: BTreeMap<&NodeId, Vec<String>> = BTreeMap::new();
    for new in &next.nodes {
        let Some(old) = before.get(&new.id) else { continue };
        let mut found = difference(old, new);
        if running.sources.get(&new.id) != next.sources.get(&new.id) {
            found.push("its events are numbered in another way".into());
        }
        match &new.connection {
            Some(connection) if old.connection.as_ref() != Some(connection) => {
                found.push(format!("it uses the connection `{}` now", connection.node()));
            }
            // A connection stands before the nodes that use it; one that is not there is new.
            Some(connection) if all.get(connection).is_none_or(|found| !found.is_empty()) => {
                found.push(format!("its connection `{}` begins anew", connection.node()));
            }
            None if old.connection.is_some() => found.push("it uses no connection any more".into()),
            _ => {}
        }
        all.insert(&new.id, found);
    }
    all
}

/// In which ways a node is another by itself.
fn difference(old: &Node, new: &Node) -> Vec<String> {
    let mut found = Vec::new();
    if (old.kind, old.component) != (new.kind, new.component) {
        let (before, after) = (old.component, new.component);
        found.push(format!("it was a {} `{before}` and is a {} `{after}`", old.kind.word(), new.kind.word()));
        return found;
    }
    let is_config_same = old.policy == new.policy
        && old.facts.outputs == new.facts.outputs
        && old.fingerprint == new.fingerprint;
    if !is_config_same && !new.renews(old) {
        found.push("its config, or a file it names, has changed".into());
    }
    let names = |node: &Node| node.with.iter().map(|beside| beside.name.clone()).collect::<Vec<_>>();
    if names(old) != names(new) {
        found.push("the names in its `with` have changed".into());
    }
    if old.controls != new.controls && is_config_same {
        found.push("its `control` has changed".into());
    }
    found
}

/// Whether a unit that both plans have continues: all its nodes are the same, and so are the edges inside it and the
/// values beside its events. A task that went on would show the value of a source that `with` does not name any more.
fn is_unit_same(
    unit: &Unit,
    before: &Nodes<'_>,
    after: &Nodes<'_>,
    is_same: &impl Fn(&NodeId) -> bool,
) -> bool {
    let with = |nodes: &Nodes<'_>| nodes.get(unit.head()).map(|node| node.with.clone());
    let inputs = |nodes: &Nodes<'_>, id: &NodeId| nodes.get(id).map(|node| node.inputs.clone());
    unit.members().iter().all(is_same)
        && with(before) == with(after)
        && unit.members()[1..].iter().all(|id| inputs(before, id) == inputs(after, id))
}

/// The pipelines, in both plans, whose failed events go elsewhere.
fn changed_dead_letters(running: &Plan, next: &Plan) -> Vec<Arc<str>> {
    let before: BTreeMap<&str, &Pipeline> =
        running.pipelines.iter().map(|pipeline| (&*pipeline.name, pipeline)).collect();
    let is_elsewhere = |old: &Pipeline, new: &Pipeline| {
        (&old.dead_letter, &old.letter_file) != (&new.dead_letter, &new.letter_file)
    };
    next.pipelines
        .iter()
        .filter(|new| before.get(&*new.name).is_some_and(|old| is_elsewhere(old, new)))
        .map(|pipeline| pipeline.name.clone())
        .collect()
}
