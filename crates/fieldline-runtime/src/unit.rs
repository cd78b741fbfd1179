//! Cuts a plan into [`Unit`]s: what runs in one task. A chain of transforms, each the only reader of the one
//! before, is one segment without a queue inside.

use std::collections::{BTreeMap, BTreeSet};

use fieldline_compiler::plan::{Node, NodeId, Plan};
use fieldline_core::Kind;

/// What runs in one task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// A connection.
    Connection(NodeId),
    /// A source.
    Source(NodeId),
    /// A chain of transforms, first to last; never empty.
    Segment(Vec<NodeId>),
    /// A sink.
    Sink(NodeId),
}

impl Unit {
    /// The node whose inputs are the unit's inputs.
    pub fn head(&self) -> &NodeId {
        match self {
            Unit::Connection(id) | Unit::Source(id) | Unit::Sink(id) => id,
            Unit::Segment(chain) => &chain[0],
        }
    }

    /// The node whose outputs are the unit's outputs.
    pub fn tail(&self) -> &NodeId {
        match self {
            Unit::Connection(id) | Unit::Source(id) | Unit::Sink(id) => id,
            Unit::Segment(chain) => &chain[chain.len() - 1],
        }
    }

    /// All its nodes.
    pub fn members(&self) -> &[NodeId] {
        match self {
            Unit::Connection(id) | Unit::Source(id) | Unit::Sink(id) => std::slice::from_ref(id),
            Unit::Segment(chain) => chain,
        }
    }
}

/// The units of a plan, in the plan's order.
pub fn units(plan: &Plan) -> Vec<Unit> {
    let readers = readers(plan);
    let mut segment_of: BTreeMap<&NodeId, usize> = BTreeMap::new();
    let mut units = Vec::new();
    for node in &plan.nodes {
        let unit = match node.kind {
            Kind::Connection => Unit::Connection(node.id.clone()),
            Kind::Source => Unit::Source(node.id.clone()),
            Kind::Sink => Unit::Sink(node.id.clone()),
            Kind::Transform => match chained_to(node, &readers).and_then(|before| segment_of.get(before)) {
                Some(&position) => {
                    if let Unit::Segment(chain) = &mut units[position] {
                        chain.push(node.id.clone());
                    }
                    segment_of.insert(&node.id, position);
                    continue;
                }
                None => {
                    // What blocks stands alone, so that it delays no deadline of another.
                    if !node.facts.blocking {
                        segment_of.insert(&node.id, units.len());
                    }
                    Unit::Segment(vec![node.id.clone()])
                }
            },
        };
        units.push(unit);
    }
    units
}

/// Who reads each node, counting an edge from each port, each `with` and each `control`.
fn readers(plan: &Plan) -> BTreeMap<&NodeId, usize> {
    let mut readers = BTreeMap::new();
    for node in &plan.nodes {
        for input in node.reads() {
            *readers.entry(&input.from).or_insert(0) += 1;
        }
    }
    readers
}

/// The one node this one may share a task with: its only input, which nobody else reads.
fn chained_to<'p>(node: &'p Node, readers: &BTreeMap<&NodeId, usize>) -> Option<&'p NodeId> {
    match node.inputs.as_slice() {
        [only] if begins_no_segment(node) && readers.get(&only.from) == Some(&1) => Some(&only.from),
        _ => None,
    }
}

/// Whether a node may stand behind another in a segment: only the first has values beside its events, and commands.
fn begins_no_segment(node: &Node) -> bool {
    node.with.is_empty() && node.controls.is_empty() && !node.facts.blocking
}

/// The units that stand between two others of `leaving`: fed by one and feeding one. Held, they would keep
/// the first from draining; so they leave too, and their transforms move.
pub fn between(plan: &Plan, all: &[Unit], leaving: &BTreeSet<Unit>) -> BTreeSet<Unit> {
    let unit_of: BTreeMap<&NodeId, &Unit> =
        all.iter().flat_map(|unit| unit.members().iter().map(move |id| (id, unit))).collect();
    let mut edges: BTreeSet<(&Unit, &Unit)> = BTreeSet::new();
    for node in &plan.nodes {
        for input in node.reads() {
            let (from, to) = (unit_of[&input.from], unit_of[&node.id]);
            if from != to {
                edges.insert((from, to));
            }
        }
    }
    let reach = |start: &BTreeSet<Unit>, forward: bool| {
        let mut seen: BTreeSet<&Unit> = start.iter().collect();
        let mut open: Vec<&Unit> = start.iter().collect();
        while let Some(unit) = open.pop() {
            for (from, to) in &edges {
                let (here, there) = if forward { (from, to) } else { (to, from) };
                if *here == unit && seen.insert(there) {
                    open.push(there);
                }
            }
        }
        seen.into_iter().cloned().collect::<BTreeSet<Unit>>()
    };
    let after = reach(leaving, true);
    let before = reach(leaving, false);
    after.intersection(&before).filter(|unit| !leaving.contains(unit)).cloned().collect()
}
