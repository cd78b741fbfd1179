//! From checked pipelines to the [`Plan`].

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use bytes::Bytes;
use fieldline_core::{Files, Kind};

use crate::cases::TestCase;
use crate::graph::wire::{Edge, Wiring};
use crate::nodes::component_files::ComponentFiles;
use crate::nodes::fields::Fields;
use crate::nodes::resolve::Resolved;
use crate::nodes::spec::{NodeSpec, PipelineSpec};
use crate::plan::fingerprint::Hasher;
use crate::plan::{Beside, Control, Fingerprint, Input, Node, NodeId, Pipeline, Plan, Snapshot};
use crate::text::files::FileSet;

/// A pipeline that is whole.
pub(crate) struct Checked {
    pub(crate) spec: PipelineSpec,
    pub(crate) resolved: Vec<Resolved>,
    pub(crate) wiring: Wiring,
    pub(crate) file: PathBuf,
    pub(crate) sources: Vec<PathBuf>,
    pub(crate) tests: Vec<TestCase>,
    /// The file as it was read, with everything put in, for people.
    pub(crate) text: String,
}

/// The plan of all `pipelines`.
pub(crate) fn plan(pipelines: Vec<Checked>, files: &FileSet, read: ComponentFiles<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut hashes = HashMap::new();
    let mut nodes = Vec::new();
    for checked in pipelines {
        let Checked { spec, resolved, wiring, file, sources, .. } = checked;
        plan.pipelines.push(Pipeline {
            name: spec.name.as_str().into(),
            description: spec.description.clone(),
            file,
            sources,
            dead_letter: spec.dead_letter.sink.as_ref().map(|(_, name)| NodeId::new(&spec.name, name)),
            letter_file: spec.dead_letter.file.clone(),
            rollback_window: spec.rollback_window,
        });
        let policies = spec.nodes.iter().zip(&resolved).filter(|(node, _)| node.kind == Kind::Source);
        plan.sources.extend(
            policies.map(|(node, resolved)| (NodeId::new(&spec.name, &node.id), resolved.source.clone())),
        );
        let order = order(&spec, &wiring);
        let mut made: Vec<Option<Node>> = resolved
            .into_iter()
            .enumerate()
            .map(|(index, resolved)| Some(node(&spec, index, resolved, &wiring, files, &read, &mut hashes)))
            .collect();
        nodes.extend(order.into_iter().filter_map(|index| made[index].take()));
    }
    let (connections, others): (Vec<Node>, Vec<Node>) =
        nodes.into_iter().partition(|node| node.kind == Kind::Connection);
    plan.nodes = connections;
    plan.nodes.extend(others);
    plan.pipelines.sort_by(|left, right| left.name.cmp(&right.name));
    let content: BTreeMap<PathBuf, Bytes> =
        read.into_read().into_iter().filter_map(|(path, content)| Some((path, content.ok()?))).collect();
    plan.files = Snapshot(content);
    plan
}

/// The nodes of a pipeline without cycles, each behind those it reads; otherwise as they were written.
fn order(spec: &PipelineSpec, wiring: &Wiring) -> Vec<usize> {
    let mut waiting: Vec<usize> = (0..spec.nodes.len()).map(|node| wiring.into(node).count()).collect();
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); spec.nodes.len()];
    for node in 0..spec.nodes.len() {
        wiring.into(node).for_each(|edge| readers[edge.from].push(node));
    }
    let mut order: Vec<usize> = (0..spec.nodes.len()).filter(|node| waiting[*node] == 0).collect();
    let mut next = 0;
    while let Some(node) = order.get(next).copied() {
        next += 1;
        for reader in &readers[node] {
            waiting[*reader] -= 1;
            if waiting[*reader] == 0 {
                order.push(*reader);
            }
        }
    }
    order
}

fn node(
    spec: &PipelineSpec,
    index: usize,
    resolved: Resolved,
    wiring: &Wiring,
    files: &FileSet,
    read: &ComponentFiles<'_>,
    hashes: &mut HashMap<PathBuf, Option<Fingerprint>>,
) -> Node {
    let node = &spec.nodes[index];
    let input =
        |edge: &Edge| Input { from: NodeId::new(&spec.name, &spec.nodes[edge.from].id), port: edge.port };
    let with = wiring.with[index].iter().map(|(name, edge, freshness)| Beside {
        name: name.clone(),
        input: input(edge),
        freshness: *freshness,
    });
    let controls = wiring.control[index].iter().zip(&resolved.rights).map(|(edge, right)| Control {
        input: input(edge),
        allow: right.allow.clone(),
        persist: right.persist,
        expires: right.expires,
    });
    let text = text_hasher(node, &resolved);
    let connection = resolved.facts.connection.as_ref().map(|(_, name)| NodeId::new(&spec.name, name));
    Node {
        id: NodeId::new(&spec.name, &node.id),
        kind: node.kind,
        component: node.definition.map_or("", |definition| definition.name),
        fingerprint: fingerprint(text, &resolved, read, hashes),
        text_fingerprint: text.finish(),
        prepared: resolved.prepared,
        memory: resolved.memory,
        facts: resolved.facts,
        inputs: wiring.inputs[index].iter().map(input).collect(),
        with: with.collect(),
        controls: controls.collect(),
        settings: node.definition.map_or(&[], |definition| definition.settings),
        connection,
        policy: resolved.policy,
        origins: Fields::of(&node.config, files).origins(),
    }
}

/// Takes in what the pipeline files say of a node.
fn text_hasher(node: &NodeSpec, resolved: &Resolved) -> Hasher {
    let mut hasher = Hasher::new();
    hasher.bytes(node.kind.word().as_bytes());
    hasher.bytes(node.definition.map_or("", |definition| definition.name).as_bytes());
    hasher.value(&node.config.to_value());
    hasher.value(&node.policy.to_value());
    if let Some(control) = &node.control {
        hasher.value(&control.to_value());
    }
    for (field, path) in &resolved.paths {
        hasher.bytes(field.as_bytes());
        hasher.bytes(path.as_os_str().as_encoded_bytes());
    }
    hasher
}

/// Takes in the files that a node names, after its `text`.
fn fingerprint(
    text: Hasher,
    resolved: &Resolved,
    read: &ComponentFiles<'_>,
    hashes: &mut HashMap<PathBuf, Option<Fingerprint>>,
) -> Fingerprint {
    let mut hasher = text;
    for path in &resolved.facts.files {
        let hash = *hashes.entry(path.clone()).or_insert_with(|| {
            let content = read.read(path).ok()?;
            let mut hasher = Hasher::new();
            hasher.bytes(&content);
            Some(hasher.finish())
        });
        hasher.bytes(path.as_os_str().as_encoded_bytes());
        hasher.bytes(&hash.map_or([0; 16], |Fingerprint(hash)| hash.to_le_bytes()));
    }
    hasher.finish()
}
