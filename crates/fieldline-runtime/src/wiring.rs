//! [`readers`]: where the outputs of the nodes of a plan lead.

use std::collections::BTreeMap;
use std::sync::Arc;

use fieldline_compiler::change::Unit;
use fieldline_compiler::{Input, Node, NodeId, Plan};
use fieldline_core::Edge;
use tokio::sync::mpsc;

use crate::launch::Running;
use crate::node::NodeHandle;
use crate::outlet::{MAIN_SLOT, Parcel, Reader, Target};

/// Where the outputs of every node lead among `running`: its readers at each port, in the order of the plan.
pub(crate) fn readers<'p>(
    plan: &'p Plan,
    nodes: &BTreeMap<&NodeId, &Node>,
    handles: &BTreeMap<NodeId, Arc<NodeHandle>>,
    running: &BTreeMap<Unit, Running>,
) -> BTreeMap<&'p NodeId, Vec<Vec<Reader>>> {
    let inboxes: BTreeMap<&NodeId, &mpsc::Sender<Parcel>> =
        running.iter().filter_map(|(unit, running)| Some((unit.head(), running.inbox.as_ref()?))).collect();
    let ports = |node: &Node| (0..node.facts.outputs.len().max(1)).map(|_| Vec::new()).collect();
    let mut readers: BTreeMap<&NodeId, Vec<Vec<Reader>>> =
        plan.nodes.iter().map(|node| (&node.id, ports(node))).collect();
    let mut add = |input: &Input, reader: Reader| {
        let ports = readers.get_mut(&input.from);
        if let Some(port) = ports.and_then(|ports| ports.get_mut(usize::from(input.port))) {
            port.push(reader);
        }
    };
    for node in &plan.nodes {
        let handle = &handles[&node.id];
        for (control, input) in node.controls.iter().zip(0..) {
            let (controlled, ledger) = (handle.controlled.clone(), handle.ledger.clone());
            add(&control.input, Reader::Commands { controlled, input, ledger });
        }
        let Some(inbox) = inboxes.get(&node.id) else { continue };
        let main = node.inputs.iter().map(|input| (MAIN_SLOT, input));
        let with = node.with.iter().zip(1..).map(|(beside, slot)| (slot, &beside.input));
        for (slot, input) in main.chain(with) {
            let edge =
                (node.inputs.len() > 1).then(|| Arc::new(edge(input, nodes.get(&input.from).copied())));
            let (inbox, ledger) = ((*inbox).clone(), handle.ledger.clone());
            add(input, Reader::Flow(Target { inbox, slot, edge, ledger }));
        }
    }
    readers
}

/// What events that come by `input`, an output of `from`, know of it.
pub(crate) fn edge(input: &Input, from: Option<&Node>) -> Edge {
    let outputs = from.map_or(&[][..], |node| &node.facts.outputs);
    let output = outputs.get(usize::from(input.port)).map_or("main", String::as_str);
    Edge { node: input.from.node().into(), port: input.port, output: output.into() }
}
