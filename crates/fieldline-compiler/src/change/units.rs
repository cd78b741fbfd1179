//! Cuts a plan into [`Unit`]s: the nodes that run in one task. A chain of transforms, each the only reader of the one
//! before, is one segment without a queue inside.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use fieldline_core::Kind;

use crate::plan::{Node, NodeId, Plan};

/// The nodes that run in one task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<&str> = self.members().iter().map(NodeId::as_str).collect();
        formatter.write_str(&members.join(" > "))
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

/// The units that stand between two others of `leaving`: fed by one and feeding one.
pub(super) fn between(plan: &Plan, all: &[Unit], leaving: &BTreeSet<Unit>) -> BTreeSet<Unit> {
    let unit_of: HashMap<&NodeId, &Unit> =
        all.iter().flat_map(|unit| unit.members().iter().map(move |id| (id, unit))).collect();
    let (mut readers, mut feeders) = (Edges::new(), Edges::new());
    for node in &plan.nodes {
        for input in node.reads() {
            let (from, to) = (unit_of[&input.from], unit_of[&node.id]);
            if from != to {
                readers.entry(from).or_default().push(to);
                feeders.entry(to).or_default().push(from);
            }
        }
    }
    let (after, before) = (reach(leaving, &readers), reach(leaving, &feeders));
    after.intersection(&before).filter(|unit| !leaving.contains(**unit)).map(|unit| (*unit).clone()).collect()
}

/// The units at the other end of the edges of each.
type Edges<'u> = HashMap<&'u Unit, Vec<&'u Unit>>;

/// The units that are reached from `start` along `edges`, `start` included.
fn reach<'u>(start: &'u BTreeSet<Unit>, edges: &Edges<'u>) -> BTreeSet<&'u Unit> {
    let mut seen: BTreeSet<&Unit> = start.iter().collect();
    let mut open: Vec<&Unit> = start.iter().collect();
    while let Some(unit) = open.pop() {
        for next in edges.get(unit).into_iter().flatten() {
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    seen
}
