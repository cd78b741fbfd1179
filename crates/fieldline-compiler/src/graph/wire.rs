//! From the names in `inputs` and `with` to edges between nodes.

use std::collections::HashMap;
use std::sync::Arc;

use fieldline_core::suggest::nearest;
use fieldline_core::{Kind, MAIN, Port};

use crate::diagnostics::Diagnostics;
use crate::graph::beside;
use crate::names;
use crate::nodes::control;
use crate::nodes::resolve::Resolved;
use crate::nodes::spec::{NodeSpec, PipelineSpec};
use crate::plan::Freshness;
use crate::text::files::Span;
use crate::text::node::{Content, Node};

/// An edge: from which node of the pipeline, which of its outputs, and where that is written.
#[derive(Clone, Copy)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) port: Port,
    pub(crate) span: Span,
}

/// An edge whose latest value lies beside events, and what it is called there.
type NamedEdge = (Arc<str>, Edge, Freshness);

/// The edges of a pipeline, node by node.
pub(crate) struct Wiring {
    pub(crate) inputs: Vec<Vec<Edge>>,
    pub(crate) with: Vec<Vec<NamedEdge>>,
    /// The edges that bring commands: beside the flow, so they may lead back.
    pub(crate) control: Vec<Vec<Edge>>,
    /// Whether some name meant nothing, so that what follows from missing edges is not complained about.
    pub(crate) complete: bool,
}

impl Wiring {
    /// Every edge into `node` on which events flow.
    pub(crate) fn into(&self, node: usize) -> impl Iterator<Item = Edge> {
        self.inputs[node].iter().chain(self.with[node].iter().map(|(_, edge, _)| edge)).copied()
    }
}

struct Wirer<'p> {
    nodes: &'p [NodeSpec],
    resolved: &'p [Option<Resolved>],
    by_name: HashMap<&'p str, usize>,
}

/// Finds the node that every name means.
pub(crate) fn wire(
    spec: &PipelineSpec,
    resolved: &[Option<Resolved>],
    diagnostics: &mut Diagnostics,
) -> Wiring {
    let mut by_name = HashMap::new();
    for (index, node) in spec.nodes.iter().enumerate() {
        by_name.entry(node.id.as_str()).or_insert(index);
    }
    let wirer = Wirer { nodes: &spec.nodes, resolved, by_name };
    let mut wiring = Wiring { inputs: Vec::new(), with: Vec::new(), control: Vec::new(), complete: true };
    let errors = diagnostics.errors();
    let dead_letter = spec.dead_letter.sink.as_ref().map(|(_, name)| name.as_str());
    for node in &spec.nodes {
        wiring.inputs.push(wirer.inputs(node, dead_letter == Some(&node.id), diagnostics));
        wiring.with.push(wirer.with(node, diagnostics));
        wiring
            .control
            .push(control::sources(node).filter_map(|name| wirer.edge(name, diagnostics)).collect());
    }
    wiring.complete = diagnostics.errors() == errors;
    wiring
}

impl Wirer<'_> {
    fn inputs(&self, node: &NodeSpec, dead_letter: bool, diagnostics: &mut Diagnostics) -> Vec<Edge> {
        let needed = matches!(node.kind, Kind::Transform | Kind::Sink) && !dead_letter;
        let Some(inputs) = &node.inputs else {
            if needed && node.definition.is_some() {
                diagnostics.missing_inputs(node.span, node.kind.word(), &node.id);
            }
            return Vec::new();
        };
        let list = match &inputs.content {
            Content::List(list) if list.is_empty() && needed => {
                diagnostics.no_inputs(inputs.span, &node.id);
                return Vec::new();
            }
            Content::List(list) => list.as_slice(),
            _ => std::slice::from_ref(inputs),
        };
        let mut edges: Vec<Edge> = Vec::with_capacity(list.len());
        for name in list {
            let Some(edge) = self.edge(name, diagnostics) else { continue };
            match edges.iter().find(|other| (other.from, other.port) == (edge.from, edge.port)) {
                Some(first) => {
                    diagnostics.input_twice(edge.span, name.as_text().unwrap_or_default(), first.span)
                }
                None => edges.push(edge),
            }
        }
        edges
    }

    fn with(&self, node: &NodeSpec, diagnostics: &mut Diagnostics) -> Vec<NamedEdge> {
        let mut edges: Vec<NamedEdge> = Vec::new();
        match node.with.as_ref().map(|with| (with, &with.content)) {
            None => {}
            Some((_, Content::Map(members))) => {
                for (name, member) in members {
                    if !names::is_id(name) {
                        diagnostics.bad_name(member.key, "value", name);
                    }
                    let Some((from, freshness)) = beside::read(&member.value, diagnostics) else { continue };
                    let edge = self.edge(from, diagnostics);
                    edges.extend(edge.map(|edge| (Arc::from(name.as_str()), edge, freshness)));
                }
            }
            Some((with, content)) => {
                let list = match content {
                    Content::List(list) => list.as_slice(),
                    _ => std::slice::from_ref(with),
                };
                for name in list {
                    let Some(edge) = self.edge(name, diagnostics) else { continue };
                    let called: Arc<str> = self.nodes[edge.from].id.as_str().into();
                    match edges.iter().find(|(other, ..)| *other == called) {
                        Some((_, first, _)) => diagnostics.input_twice(edge.span, &called, first.span),
                        None => edges.push((called, edge, Freshness::default())),
                    }
                }
            }
        }
        edges
    }

    /// The edge that `name` means: `node`, or `node.port`.
    fn edge(&self, name: &Node, diagnostics: &mut Diagnostics) -> Option<Edge> {
        let Some(text) = name.as_text() else {
            diagnostics.wrong_type(name, "the name of a source or transform");
            return None;
        };
        let (node, port) = text.split_once('.').map_or((text, None), |(node, port)| (node, Some(port)));
        let Some(from) = self.by_name.get(node).copied() else {
            let readable = self.nodes.iter().filter(|node| readable(node.kind));
            let meant = nearest(node, readable.clone().map(|node| node.id.as_str()));
            let similar = meant.and_then(|meant| Some((meant, self.nodes[*self.by_name.get(meant)?].span)));
            let all: Vec<&str> = readable.map(|node| node.id.as_str()).collect();
            diagnostics.unknown_input(name, node, similar, &all);
            return None;
        };
        let target = &self.nodes[from];
        if !readable(target.kind) {
            diagnostics.input_has_no_output(name, node, target.kind.word(), target.span);
            return None;
        }
        let Some(resolved) = &self.resolved[from] else {
            return Some(Edge { from, port: MAIN, span: name.span });
        };
        let outputs = &resolved.facts.outputs;
        let position = match port {
            Some(port) => outputs.iter().position(|output| output == port),
            None if outputs.len() > 1 && outputs[0] != "main" => None,
            None => Some(0),
        };
        let Some(position) = position else {
            let names: Vec<&str> = outputs.iter().map(String::as_str).collect();
            let meant = port.and_then(|port| nearest(port, names.iter().copied()));
            diagnostics.unknown_port(name, node, port, meant, &names, target.span);
            return None;
        };
        Some(Edge { from, port: Port::try_from(position).unwrap_or(MAIN), span: name.span })
    }
}

fn readable(kind: Kind) -> bool {
    matches!(kind, Kind::Source | Kind::Transform)
}
