//! [`diff`]: what a reload does to each node, and why.

use std::collections::{HashMap, HashSet};

use crate::plan::{Node, NodeId, Pipeline, Plan};

/// What becomes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It goes on with its connection, buffer and state.
    Keep,
    /// It goes on, and reads from elsewhere.
    Rewire,
    /// A connection that goes on with other content of its files.
    Renew,
    /// It ends, and begins again with its new config.
    Restart,
    /// It is new.
    Start,
    /// It is gone.
    Stop,
}

/// What becomes of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The node.
    pub id: NodeId,
    /// What becomes of it.
    pub action: Action,
    /// Why, for people; empty for [`Action::Keep`].
    pub reasons: Vec<String>,
}

/// What becomes of every node when `running` is replaced by `next`: the nodes of `next` in their order, then those
/// that are gone. A node restarts with the connection it uses.
pub fn diff(running: &Plan, next: &Plan) -> Vec<Change> {
    let before: HashMap<&NodeId, &Node> = running.nodes.iter().map(|node| (&node.id, node)).collect();
    let dead_letters = changed_dead_letters(running, next);
    let mut moved: HashSet<&NodeId> = HashSet::new();
    let mut changes = Vec::with_capacity(next.nodes.len());
    for node in &next.nodes {
        let Some(old) = before.get(&node.id) else {
            moved.insert(&node.id);
            changes.push(change(node, Action::Start, vec!["it is new".into()]));
            continue;
        };
        if node.renews(old) {
            changes.push(change(node, Action::Renew, vec!["a file it names has changed".into()]));
            continue;
        }
        let restart = restart_reasons(old, node, &moved);
        if !restart.is_empty() {
            moved.insert(&node.id);
            changes.push(change(node, Action::Restart, restart));
            continue;
        }
        let mut rewire = rewire_reasons(old, node);
        if dead_letters.contains(node.id.pipeline()) {
            rewire.push("failed events of its pipeline go elsewhere".into());
        }
        let action = if rewire.is_empty() { Action::Keep } else { Action::Rewire };
        changes.push(change(node, action, rewire));
    }
    let after: HashSet<&NodeId> = next.nodes.iter().map(|node| &node.id).collect();
    let gone = running.nodes.iter().filter(|node| !after.contains(&node.id));
    changes.extend(gone.map(|node| change(node, Action::Stop, vec!["it is gone".into()])));
    changes
}

fn change(node: &Node, action: Action, reasons: Vec<String>) -> Change {
    Change { id: node.id.clone(), action, reasons }
}

fn restart_reasons(old: &Node, new: &Node, moved: &HashSet<&NodeId>) -> Vec<String> {
    let mut reasons = Vec::new();
    if (old.kind, old.component) != (new.kind, new.component) {
        let (before, after) = (old.component, new.component);
        reasons.push(format!(
            "it was a {} `{before}` and is a {} `{after}`",
            old.kind.word(),
            new.kind.word()
        ));
    } else if old.fingerprint != new.fingerprint {
        reasons.push("its config, or a file it names, has changed".into());
    }
    if let Some(connection) = &new.connection {
        if old.connection.as_ref() != Some(connection) {
            reasons.push(format!("it uses the connection `{}` now", connection.node()));
        } else if moved.contains(connection) {
            reasons.push(format!("its connection `{}` begins anew", connection.node()));
        }
    } else if old.connection.is_some() {
        reasons.push("it uses no connection any more".into());
    }
    reasons
}

fn rewire_reasons(old: &Node, new: &Node) -> Vec<String> {
    let mut reasons = Vec::new();
    if old.inputs != new.inputs {
        reasons.push("its `inputs` have changed".into());
    }
    if old.with != new.with {
        reasons.push("its `with` has changed".into());
    }
    reasons
}

/// The pipelines, in both plans, whose failed events go elsewhere.
fn changed_dead_letters<'p>(running: &'p Plan, next: &'p Plan) -> HashSet<&'p str> {
    let target = |pipeline: &'p Pipeline| (pipeline.dead_letter.as_ref(), &pipeline.letter_file);
    let before: HashMap<&str, _> =
        running.pipelines.iter().map(|pipeline| (&*pipeline.name, target(pipeline))).collect();
    next.pipelines
        .iter()
        .filter(|pipeline| before.get(&*pipeline.name).is_some_and(|old| *old != target(pipeline)))
        .map(|pipeline| &*pipeline.name)
        .collect()
}
