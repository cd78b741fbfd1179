//! Draws a plan: as Mermaid for documents, as DOT for Graphviz.

use std::collections::HashMap;
use std::fmt::Write as _;

use fieldline_core::Kind;

use crate::plan::{Input, Node, Plan};

/// A Mermaid flowchart, one box for each pipeline. Dashed edges are values beside events (`with`) and commands
/// (`control`), dotted lines
/// without arrows lead to connections.
pub fn mermaid(plan: &Plan) -> String {
    let mut text = String::from("flowchart LR\n");
    let ids = numbered(plan);
    for (number, (pipeline, nodes)) in by_pipeline(plan).into_iter().enumerate() {
        line(&mut text, &format!("  subgraph p{number}[\"{}\"]", escaped(pipeline)));
        for node in nodes {
            let (open, close) = match node.kind {
                Kind::Connection => ("[(", ")]"),
                Kind::Source => ("([", "])"),
                Kind::Transform => ("[", "]"),
                Kind::Sink => ("[/", "/]"),
            };
            let (name, kind) = (escaped(node.id.node()), escaped(node.component));
            line(
                &mut text,
                &format!("    {}{open}\"{name}<br/><i>{kind}</i>\"{close}", ids[node.id.as_str()]),
            );
        }
        line(&mut text, "  end");
    }
    for edge in edges(plan) {
        let (from, to) = (&ids[edge.from], &ids[edge.to]);
        let arrow = match (edge.style, edge.label.is_empty()) {
            (Style::Flow, true) => "-->".to_owned(),
            (Style::Flow, false) => format!("-->|{}|", escaped(&edge.label)),
            (Style::With | Style::Control, _) => format!("-.->|{}|", escaped(&edge.label)),
            (Style::Uses, _) => "-.-".to_owned(),
        };
        line(&mut text, &format!("  {from} {arrow} {to}"));
    }
    text
}

/// A DOT graph, one cluster for each pipeline.
pub fn dot(plan: &Plan) -> String {
    let mut text = String::from("digraph fieldline {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
    let ids = numbered(plan);
    for (number, (pipeline, nodes)) in by_pipeline(plan).into_iter().enumerate() {
        line(&mut text, &format!("  subgraph cluster_{number} {{\n    label=\"{}\";", quoted(pipeline)));
        for node in nodes {
            let shape = match node.kind {
                Kind::Connection => "cylinder",
                Kind::Source => "cds",
                Kind::Transform => "box",
                Kind::Sink => "house",
            };
            let (id, name, kind) = (&ids[node.id.as_str()], quoted(node.id.node()), quoted(node.component));
            line(&mut text, &format!("    {id} [shape={shape}, label=\"{name}\\n{kind}\"];"));
        }
        line(&mut text, "  }");
    }
    for edge in edges(plan) {
        let style = match edge.style {
            Style::Flow => "",
            Style::With | Style::Control => ", style=dashed",
            Style::Uses => ", style=dotted, dir=none",
        };
        let (from, to) = (&ids[edge.from], &ids[edge.to]);
        line(&mut text, &format!("  {from} -> {to} [label=\"{}\"{style}];", quoted(&edge.label)));
    }
    text.push_str("}\n");
    text
}

fn line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

#[derive(Clone, Copy)]
enum Style {
    Flow,
    With,
    Control,
    Uses,
}

struct Edge<'p> {
    from: &'p str,
    to: &'p str,
    label: String,
    style: Style,
}

fn edges(plan: &Plan) -> Vec<Edge<'_>> {
    let outputs: HashMap<&str, &[String]> =
        plan.nodes.iter().map(|node| (node.id.as_str(), node.facts.outputs.as_slice())).collect();
    let port = |input: &Input| match outputs.get(input.from.as_str()) {
        Some(names) if names.len() > 1 => names.get(usize::from(input.port)).cloned().unwrap_or_default(),
        _ => String::new(),
    };
    let mut edges = Vec::new();
    for node in &plan.nodes {
        let to = node.id.as_str();
        for input in &node.inputs {
            edges.push(Edge { from: input.from.as_str(), to, label: port(input), style: Style::Flow });
        }
        for beside in &node.with {
            edges.push(Edge {
                from: beside.input.from.as_str(),
                to,
                label: format!("with {}", beside.name),
                style: Style::With,
            });
        }
        for control in &node.controls {
            let from = control.input.from.as_str();
            edges.push(Edge { from, to, label: "control".into(), style: Style::Control });
        }
        if let Some(connection) = &node.connection {
            edges.push(Edge { from: to, to: connection.as_str(), label: String::new(), style: Style::Uses });
        }
    }
    edges
}

/// A name that needs no quotes for each node.
fn numbered(plan: &Plan) -> HashMap<&str, String> {
    plan.nodes.iter().enumerate().map(|(number, node)| (node.id.as_str(), format!("n{number}"))).collect()
}

fn by_pipeline(plan: &Plan) -> Vec<(&str, Vec<&Node>)> {
    let mut nodes: HashMap<&str, Vec<&Node>> = HashMap::new();
    for node in &plan.nodes {
        nodes.entry(node.id.pipeline()).or_default().push(node);
    }
    plan.pipelines
        .iter()
        .map(|pipeline| (&*pipeline.name, nodes.remove(&*pipeline.name).unwrap_or_default()))
        .collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('|', "&#124;")
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
