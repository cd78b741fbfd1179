//! Commands: answers that would come back as commands for ever, and command topics among the data.

use fieldline_core::{Channel, Direction};

use super::peer;
use super::reach::reached;
use crate::diagnostics::Diagnostics;
use crate::graph::wire::{Edge, Wiring};
use crate::nodes::control::RESPONSE;
use crate::nodes::fields::Fields;
use crate::nodes::resolve::Resolved;
use crate::nodes::spec::PipelineSpec;
use crate::text::files::FileSet;

/// Checks the commands of one pipeline.
pub(super) fn check(
    spec: &PipelineSpec,
    resolved: &[Option<Resolved>],
    wiring: &Wiring,
    files: &FileSet,
    diagnostics: &mut Diagnostics,
) {
    if wiring.control.iter().all(Vec::is_empty) {
        return;
    }
    let ways = Ways::new(resolved, wiring);
    let carrying = ways.carrying_data();
    for (steered, edges) in wiring.control.iter().enumerate().filter(|(_, edges)| !edges.is_empty()) {
        if ways.answers_come_back(steered) {
            diagnostics.answers_come_back(edges[0].span, &spec.nodes[steered].id);
        }
        command_topics(spec, steered, &ways, &carrying, files, diagnostics);
    }
}

/// Every topic of a command that lies among those of the data.
fn command_topics(
    spec: &PipelineSpec,
    steered: usize,
    ways: &Ways<'_>,
    carrying: &[usize],
    files: &FileSet,
    diagnostics: &mut Diagnostics,
) {
    let facts = |node: usize| ways.resolved[node].as_ref().map(|resolved| &resolved.facts);
    for commander in ways.commanders(steered) {
        let Some(commands) = facts(commander) else { continue };
        for Channel { address: filter, field, .. } in commands.channels(Direction::In) {
            let published = carrying.iter().find_map(|&sink| {
                let data = facts(sink)?;
                let shared = peer(spec, ways.resolved, sink) == peer(spec, ways.resolved, commander);
                let mut channels = data.channels(Direction::Out);
                let channel = channels.find(|channel| shared && lies_under(filter, &channel.address))?;
                let fields = Fields::of(&spec.nodes[sink].config, files);
                Some((&channel.address, fields.value(&spec.nodes[sink], &channel.field).0))
            });
            if let Some((topic, place)) = published {
                let node = &spec.nodes[commander];
                let span = Fields::of(&node.config, files).value(node, field).0;
                diagnostics.command_topic(span, filter, &spec.nodes[steered].id, topic, place);
            }
        }
    }
}

/// Whether a command topic lies in the hierarchy of a data topic: beside it, above it or below it. Topics that begin
/// with `$` have hierarchies of their own that nobody chooses.
fn lies_under(command: &str, data: &str) -> bool {
    if command.starts_with('$') || data.starts_with('$') {
        return false;
    }
    let (command_levels, data_levels) = (fixed_levels(command), fixed_levels(data));
    let above = &command_levels[..command_levels.len().saturating_sub(1)];
    command_levels.is_empty()
        || (!above.is_empty() && data_levels.starts_with(above))
        || (!data_levels.is_empty() && command_levels.starts_with(&data_levels))
}

/// The levels of a filter before the first wildcard.
fn fixed_levels(filter: &str) -> Vec<&str> {
    filter.split('/').take_while(|level| !matches!(*level, "+" | "#")).collect()
}

/// How events get from node to node, with commands.
struct Ways<'p> {
    resolved: &'p [Option<Resolved>],
    wiring: &'p Wiring,
    /// By the node they lead from.
    onward: Vec<Vec<Way>>,
}

#[derive(Clone, Copy)]
struct Way {
    to: usize,
    /// It carries answers to commands.
    is_response: bool,
    /// It carries commands.
    is_command: bool,
}

impl<'p> Ways<'p> {
    fn new(resolved: &'p [Option<Resolved>], wiring: &'p Wiring) -> Self {
        let mut onward = vec![Vec::new(); resolved.len()];
        for (to, commands) in wiring.control.iter().enumerate() {
            let events = wiring.into(to).map(|edge| (edge, false));
            for (edge, is_command) in events.chain(commands.iter().map(|edge| (*edge, true))) {
                onward[edge.from].push(Way { to, is_response: is_response(resolved, &edge), is_command });
            }
        }
        Ways { resolved, wiring, onward }
    }

    /// Whether an answer of `steered` leads to a further command to it: then there would be no end of answers.
    fn answers_come_back(&self, steered: usize) -> bool {
        let mut seen = vec![[false; 2]; self.resolved.len()];
        // A node, and whether it is reached by a command: one has answers, the other readings as its consequence.
        let mut open = vec![(steered, true)];
        while let Some((node, commanded)) = open.pop() {
            for way in self.onward[node].iter().filter(|way| way.is_response == commanded) {
                if way.is_command && way.to == steered {
                    return true;
                }
                if !std::mem::replace(&mut seen[way.to][usize::from(way.is_command)], true) {
                    open.push((way.to, way.is_command));
                }
            }
        }
        false
    }

    /// Every node from which commands reach `steered`.
    fn commanders(&self, steered: usize) -> Vec<usize> {
        let commands = self.wiring.control[steered].iter().map(|edge| edge.from);
        reached(self.resolved.len(), commands.collect(), |node| self.wiring.into(node).map(|edge| edge.from))
    }

    /// Every node that something else than answers reaches.
    fn carrying_data(&self) -> Vec<usize> {
        let first = (0..self.resolved.len()).filter(|node| self.wiring.into(*node).count() == 0);
        let carries = |way: &&Way| !way.is_response && !way.is_command;
        reached(self.resolved.len(), first.collect(), |node| {
            self.onward[node].iter().filter(carries).map(|way| way.to)
        })
    }
}

/// Whether an edge carries the answers of a steered node.
fn is_response(resolved: &[Option<Resolved>], edge: &Edge) -> bool {
    resolved[edge.from].as_ref().is_some_and(|node| {
        let name = node.facts.outputs.get(usize::from(edge.port));
        !node.rights.is_empty() && name.is_some_and(|name| name == RESPONSE)
    })
}

#[cfg(test)]
mod tests {
    use super::lies_under;

    #[test]
    fn a_command_topic_beside_above_or_below_data_lies_in_its_hierarchy() {
        for (command, data, expected) in [
            ("bme680/action", "bme680/temperature", true),
            ("bme680/action", "bme680/+", true),
            ("factoryA/set", "factoryA/line22/drying/temperature", true),
            ("factoryA/line22/set/#", "factoryA/line22/temperature", true),
            ("factoryA/line22/#", "factoryA/line22/temperature", true),
            ("action/factoryA/line22/drying", "factoryA/line22/drying/temperature", false),
            ("action", "bme680/temperature", false),
            ("$aws/things/a/shadow/update/delta", "$aws/things/a/shadow/update", false),
        ] {
            assert_eq!(lies_under(command, data), expected, "{command} {data}");
        }
    }
}
