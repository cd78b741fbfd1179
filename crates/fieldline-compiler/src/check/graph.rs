//! The shape of a pipeline: cycles, nodes that nothing reaches, outputs that nobody reads, the dead letter.

use fieldline_core::Kind;

use super::cycles::cycles;
use crate::diagnostics::Diagnostics;
use crate::graph::wire::Wiring;
use crate::nodes::control::RESPONSE;
use crate::nodes::resolve::Resolved;
use crate::nodes::spec::PipelineSpec;

/// Checks the graph of one pipeline.
pub(super) fn check(
    spec: &PipelineSpec,
    resolved: &[Option<Resolved>],
    wiring: &Wiring,
    diagnostics: &mut Diagnostics,
) {
    ends(spec, diagnostics);
    dead_letter(spec, diagnostics);
    let in_cycle = complain_about_cycles(spec, wiring, diagnostics);
    if wiring.complete {
        if !in_cycle {
            unreachable(spec, wiring, diagnostics);
        }
        unused(spec, resolved, wiring, diagnostics);
    }
}

/// A pipeline has a beginning and an end; one of connections alone is a service and needs neither.
fn ends(spec: &PipelineSpec, diagnostics: &mut Diagnostics) {
    let has = |kind: Kind| spec.nodes.iter().any(|node| node.kind == kind);
    let service = has(Kind::Connection) && !has(Kind::Source) && !has(Kind::Transform) && !has(Kind::Sink);
    if service {
        return;
    }
    if !has(Kind::Source) {
        diagnostics.no_source(spec.span, &spec.name);
    }
    if !has(Kind::Sink) {
        diagnostics.no_sink(spec.span, &spec.name);
    }
}

fn dead_letter(spec: &PipelineSpec, diagnostics: &mut Diagnostics) {
    let Some((span, name)) = &spec.dead_letter.sink else { return };
    let sinks = || spec.nodes.iter().filter(|node| node.kind == Kind::Sink).map(|node| node.id.as_str());
    match spec.nodes.iter().find(|node| node.id == *name) {
        Some(node) if node.kind == Kind::Sink => {}
        Some(node) => diagnostics.dead_letter_is_no_sink(*span, name, node.kind.word(), node.span),
        None => diagnostics.unknown_dead_letter(*span, name, fieldline_core::suggest::nearest(name, sinks())),
    }
}

/// Complains about each cycle once, and says whether there is one.
fn complain_about_cycles(spec: &PipelineSpec, wiring: &Wiring, diagnostics: &mut Diagnostics) -> bool {
    let found =
        cycles(spec.nodes.len(), |node| wiring.into(node).map(|edge| (edge.from, edge.span)).collect());
    for cycle in &found {
        // The way goes against the flow: each node on it reads the next.
        let mut names: Vec<&str> =
            cycle.iter().rev().map(|(node, _)| spec.nodes[*node].id.as_str()).collect();
        names.push(names[0]);
        if let Some((_, span)) = cycle.last() {
            diagnostics.cycle(*span, &names);
        }
    }
    !found.is_empty()
}

/// A transform or sink whose inputs lead back to no source.
fn unreachable(spec: &PipelineSpec, wiring: &Wiring, diagnostics: &mut Diagnostics) {
    let mut reached = vec![false; spec.nodes.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); spec.nodes.len()];
    for node in 0..spec.nodes.len() {
        for edge in &wiring.inputs[node] {
            readers[edge.from].push(node);
        }
    }
    let mut next: Vec<usize> =
        (0..spec.nodes.len()).filter(|node| spec.nodes[*node].kind == Kind::Source).collect();
    while let Some(node) = next.pop() {
        if !std::mem::replace(&mut reached[node], true) {
            next.extend(&readers[node]);
        }
    }
    for (index, node) in spec.nodes.iter().enumerate() {
        // One that has inputs is said to be unreachable where its way begins.
        if node.kind == Kind::Transform && !reached[index] && wiring.inputs[index].is_empty() {
            diagnostics.unreachable(node.span, &node.id);
        }
    }
}

/// Outputs and connections that nobody uses.
fn unused(
    spec: &PipelineSpec,
    resolved: &[Option<Resolved>],
    wiring: &Wiring,
    diagnostics: &mut Diagnostics,
) {
    let mut read: Vec<Vec<bool>> = resolved
        .iter()
        .map(|node| vec![false; node.as_ref().map_or(1, |node| node.facts.outputs.len())])
        .collect();
    for node in 0..spec.nodes.len() {
        for edge in wiring.into(node).chain(wiring.control[node].iter().copied()) {
            if let Some(port) = read[edge.from].get_mut(usize::from(edge.port)) {
                *port = true;
            }
        }
    }
    for (index, node) in spec.nodes.iter().enumerate() {
        let (true, Some(resolved)) = (matches!(node.kind, Kind::Source | Kind::Transform), &resolved[index])
        else {
            continue;
        };
        if read[index].iter().all(|read| !read) {
            diagnostics.unused(node.span, node.kind.word(), &node.id);
            continue;
        }
        for (port, _) in read[index].iter().enumerate().filter(|(_, read)| !**read) {
            let name = &resolved.facts.outputs[port];
            // Nobody has to listen to the answers to commands.
            let is_answer = !resolved.rights.is_empty() && name == RESPONSE;
            if !is_answer && !resolved.facts.spare_outputs.contains(&name.as_str()) {
                diagnostics.unused_port(node.span, &node.id, name);
            }
        }
    }
}
