//! [`Coverage`]: which nodes and ports saw an event in any case.

use std::collections::BTreeMap;

use fieldline_compiler::Plan;
use fieldline_core::Kind;

use crate::play::Played;

/// How many events each node and port saw, over all cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// By pipeline.
    pub pipelines: BTreeMap<String, Seen>,
}

/// What the nodes of one pipeline saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Events that came in or began, by node. A transform that is fed does not work and sees nothing.
    pub nodes: BTreeMap<String, u64>,
    /// Events that left, by `node.port`, of transforms with several outputs.
    pub ports: BTreeMap<String, u64>,
}

impl Coverage {
    /// Everything in `plan` that could see an event, and has not yet.
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut coverage = Coverage::default();
        for node in plan.nodes.iter().filter(|node| node.kind != Kind::Connection) {
            let seen = coverage.pipelines.entry(node.id.pipeline().to_owned()).or_default();
            seen.nodes.insert(node.id.node().to_owned(), 0);
            if node.kind == Kind::Transform && node.facts.outputs.len() > 1 {
                let ports = node.facts.outputs.iter().map(|port| format!("{}.{port}", node.id.node()));
                seen.ports.extend(ports.map(|port| (port, 0)));
            }
        }
        coverage
    }

    /// Adds what a case of `pipeline` saw.
    pub(crate) fn add(&mut self, pipeline: &str, played: &Played) {
        let Some(seen) = self.pipelines.get_mut(pipeline) else { return };
        for node in &played.nodes {
            if let Some(count) = seen.nodes.get_mut(node.id.node()) {
                *count += node.balance.received + node.balance.created;
            }
        }
        for ((node, port), records) in &played.records {
            let port = port.as_ref().and_then(|port| seen.ports.get_mut(&format!("{node}.{port}")));
            if let Some(count) = port {
                *count += records.len() as u64;
            }
        }
    }
}

impl Seen {
    /// The nodes and ports that saw nothing: `(nodes, ports)`.
    pub fn missing(&self) -> (Vec<&str>, Vec<&str>) {
        (unseen_names(&self.nodes), unseen_names(&self.ports))
    }
}

fn unseen_names(counts: &BTreeMap<String, u64>) -> Vec<&str> {
    counts.iter().filter(|(_, count)| **count == 0).map(|(name, _)| name.as_str()).collect()
}
