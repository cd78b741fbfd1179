//! From the filled-in fields of a pipeline to its nodes with their raw config.

use std::time::Duration;

use compact_str::CompactString;
use fieldline_core::suggest::nearest;
use fieldline_core::{Definition, Kind, Period, Registry};

use crate::diagnostics::Diagnostics;
use crate::names;
use crate::nodes::dead_letter::{self, DeadLetterSpec};
use crate::text::files::{FileId, Span};
use crate::text::node::{Content, Member, Members, Node};

/// The fields of a sink that are the driver's and not the component's.
pub(crate) const POLICY: [&str; 4] = ["buffer", "retry", "batch", "max_rate"];

/// A pipeline as it was written.
pub(crate) struct PipelineSpec {
    pub(crate) name: CompactString,
    /// Where the name stands.
    pub(crate) span: Span,
    pub(crate) description: Option<String>,
    pub(crate) rollback_window: Option<Duration>,
    pub(crate) dead_letter: DeadLetterSpec,
    pub(crate) nodes: Vec<NodeSpec>,
    pub(crate) tests: Option<Node>,
}

/// A node as it was written.
pub(crate) struct NodeSpec {
    pub(crate) id: CompactString,
    /// Where its name stands.
    pub(crate) span: Span,
    pub(crate) kind: Kind,
    /// Its component; `None` for one that does not exist, which was complained about.
    pub(crate) definition: Option<Definition>,
    pub(crate) inputs: Option<Node>,
    pub(crate) with: Option<Node>,
    /// Who steers it, a map with a list of blocks.
    pub(crate) control: Option<Node>,
    /// The driver's fields of a sink or source.
    pub(crate) policy: Node,
    /// The component's own fields.
    pub(crate) config: Node,
}

impl NodeSpec {
    /// Each of its fields that has a value which is still missing: the bytes from its name to its end. Those of `type` are
    /// none, because nothing is known of a node without one.
    pub(crate) fn open_fields(&self) -> Vec<(&str, Span)> {
        let inside = [&self.policy, &self.config].into_iter().filter_map(Node::as_map).flatten();
        let inside = inside.filter(|(_, member)| member.value.is_open());
        let inside =
            inside.map(|(name, member)| (name.as_str(), Span { end: member.value.end(), ..member.key }));
        let beside = [("inputs", &self.inputs), ("with", &self.with), ("control", &self.control)];
        let beside = beside.into_iter().filter_map(|(name, node)| Some((name, node.as_ref()?)));
        let beside = beside.filter(|(_, node)| node.is_open());
        inside.chain(beside.map(|(name, node)| (name, Span { end: node.end(), ..node.span }))).collect()
    }

    /// What the node reads, as far as it is text.
    pub(crate) fn reading(&self) -> Vec<String> {
        let Some(inputs) = &self.inputs else { return Vec::new() };
        let list = match &inputs.content {
            Content::List(list) => list.as_slice(),
            _ => std::slice::from_ref(inputs),
        };
        list.iter().filter_map(Node::as_text).map(str::to_owned).collect()
    }

    /// The names under which the node has the latest values of others, as far as they are names.
    pub(crate) fn beside(&self) -> Vec<String> {
        let name = |node: &Node| node.as_text().map(|text| text.split('.').next().unwrap_or(text).to_owned());
        match self.with.as_ref().map(|with| (with, &with.content)) {
            None => Vec::new(),
            Some((_, Content::Map(members))) => members.keys().map(|name| name.to_string()).collect(),
            Some((_, Content::List(list))) => list.iter().filter_map(name).collect(),
            Some((with, _)) => name(with).into_iter().collect(),
        }
    }
}

/// Reads the pipeline; `file` is complained about where the name is missing.
pub(crate) fn read(
    fields: &Members,
    file: FileId,
    registry: &Registry,
    diagnostics: &mut Diagnostics,
) -> Option<PipelineSpec> {
    let (name, span) = name(fields, file, diagnostics)?;
    let mut nodes: Vec<NodeSpec> = Vec::new();
    let mut known: std::collections::HashMap<CompactString, Span> = std::collections::HashMap::new();
    for kind in [Kind::Connection, Kind::Source, Kind::Transform, Kind::Sink] {
        let section = fields.get(kind.section()).and_then(|member| member.value.as_map());
        for (id, member) in section.into_iter().flatten() {
            if !names::is_id(id) || names::RESERVED.contains(&id.as_str()) {
                diagnostics.bad_name(member.key, kind.word(), id);
            }
            match known.get(id) {
                Some(first) => diagnostics.duplicate_id(member.key, id, *first),
                None => drop(known.insert(id.clone(), member.key)),
            }
            nodes.push(node(id, member.key, kind, &member.value, registry, diagnostics));
        }
    }
    Some(PipelineSpec {
        name,
        span,
        description: text(fields, "description", diagnostics).map(|(_, text)| text.into()),
        rollback_window: rollback_window(fields, diagnostics),
        dead_letter: dead_letter::read(fields, diagnostics),
        nodes,
        tests: fields.get("tests").map(|member| member.value.clone()),
    })
}

fn name(fields: &Members, file: FileId, diagnostics: &mut Diagnostics) -> Option<(CompactString, Span)> {
    let Some(member) = fields.get("pipeline") else {
        diagnostics.missing_pipeline(Span::start_of(file));
        return None;
    };
    let Some(name) = member.value.as_text() else {
        diagnostics.wrong_type(&member.value, "the name of the pipeline");
        return None;
    };
    if !names::is_pipeline(name) {
        diagnostics.bad_pipeline_name(&member.value, name);
    }
    Some((name.into(), member.value.span))
}

fn text(fields: &Members, key: &str, diagnostics: &mut Diagnostics) -> Option<(Span, CompactString)> {
    let node = &fields.get(key)?.value;
    match node.as_text() {
        Some(text) => Some((node.span, text.into())),
        None => {
            diagnostics.wrong_type(node, "a string");
            None
        }
    }
}

fn rollback_window(fields: &Members, diagnostics: &mut Diagnostics) -> Option<Duration> {
    let (_, text) = text(fields, "rollback_window", diagnostics)?;
    match text.parse::<Period>() {
        Ok(period) => Some(period.0),
        Err(error) => {
            let node = &fields.get("rollback_window")?.value;
            diagnostics.bad_value(node, &error.to_string());
            None
        }
    }
}

fn node(
    id: &CompactString,
    span: Span,
    kind: Kind,
    node: &Node,
    registry: &Registry,
    diagnostics: &mut Diagnostics,
) -> NodeSpec {
    let fields = node.as_map();
    if fields.is_none() {
        diagnostics.node_is_no_map(span, kind.word(), id, node);
    }
    let mut config = Members::default();
    let mut policy = Members::default();
    let (mut inputs, mut with, mut control) = (None, None, None);
    let named = node.get("type");
    let definition = fields.and_then(|_| definition(id, span, kind, named, registry, diagnostics));
    for (name, member) in fields.into_iter().flatten() {
        match (name.as_str(), kind) {
            ("type", _) => {}
            ("inputs", Kind::Transform | Kind::Sink) => inputs = Some(member.value.clone()),
            ("with", Kind::Transform) => {
                if let Some(definition) = definition.filter(|definition| !definition.uses_with) {
                    let users = registry.of_kind(kind).filter(|other| other.uses_with);
                    let users: Vec<&str> = users.map(|other| other.name).collect();
                    diagnostics.unused_with(member.key, definition.name, &users);
                }
                with = Some(member.value.clone());
            }
            ("control", Kind::Source | Kind::Transform) => {
                control = Some(self::control(member.key, &member.value));
            }
            (name @ "sequence", Kind::Source) => drop(policy.insert(name.into(), member.clone())),
            (name, Kind::Sink) if POLICY.contains(&name) => {
                policy.insert(name.into(), member.clone());
            }
            _ => drop(config.insert(name.clone(), member.clone())),
        }
    }
    NodeSpec {
        id: id.clone(),
        span,
        kind,
        definition,
        inputs,
        with,
        control,
        policy: Node::new(node.span, Content::Map(policy)),
        config: Node::new(node.span, Content::Map(config)),
    }
}

fn definition(
    id: &str,
    span: Span,
    kind: Kind,
    named: Option<&Node>,
    registry: &Registry,
    diagnostics: &mut Diagnostics,
) -> Option<Definition> {
    let all = || registry.of_kind(kind).map(|definition| definition.name);
    if named.is_some_and(Node::is_open) {
        return None;
    }
    let Some(node) = named else {
        diagnostics.missing_type(span, kind.word(), id, &all().collect::<Vec<_>>());
        return None;
    };
    let Some(name) = node.as_text() else {
        diagnostics.wrong_type(node, "the name of a component");
        return None;
    };
    let definition = registry.get(kind, name).copied();
    if definition.is_none() {
        let elsewhere = [Kind::Connection, Kind::Source, Kind::Transform, Kind::Sink]
            .into_iter()
            .find(|other| registry.get(*other, name).is_some());
        diagnostics.unknown_component(
            node,
            kind,
            name,
            nearest(name, all()),
            elsewhere,
            &all().collect::<Vec<_>>(),
        );
    }
    definition
}

/// What was written under `control:` in one form: a map with a list of blocks. A name alone stands for a block.
fn control(key: Span, written: &Node) -> Node {
    let block = |node: &Node| match node.content {
        Content::Text(..) => {
            let from = Member { key: node.span, value: node.clone() };
            Node::new(node.span, Content::Map(Members::from_iter([("from".into(), from)])))
        }
        _ => node.clone(),
    };
    let list = written.as_list().unwrap_or(std::slice::from_ref(written));
    let list = Node::new(written.span, Content::List(list.iter().map(block).collect()));
    let members = Members::from_iter([("control".into(), Member { key, value: list })]);
    Node::new(written.span, Content::Map(members))
}
