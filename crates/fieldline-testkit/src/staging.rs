//! Sets a pipeline on stage: feeds where its case feeds, collectors where it has sinks, and nothing else that
//! reaches out of the process. Transforms, edges and the policies of sinks stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fieldline_compiler::cases::TestCase;
use fieldline_compiler::{Input, Node, NodeId, Plan};
use fieldline_core::policy::{BufferKind, SinkPolicy};
use fieldline_core::{Facts, Kind, MAIN, Port, Prepared};

use crate::collector::{Collector, Records};
use crate::error::CaseError;
use crate::feed::{Epoch, Feed};
use crate::schedule::{Happening, Schedule, What};

/// How much earlier values come that lie beside others (`with`), so that they are there in time.
pub(crate) const LEAD: Duration = Duration::from_millis(1);

/// One output of a node, or what reaches a sink.
pub(crate) type Tap = (String, Option<String>);

/// A pipeline on stage.
pub(crate) struct Staged {
    /// What runs.
    pub(crate) plan: Plan,
    /// The nodes of the pipeline that run as they are, or as collectors.
    pub(crate) played: BTreeSet<NodeId>,
    /// The feeds that have something to bring in.
    pub(crate) feeds: BTreeSet<NodeId>,
    /// What came out, by where.
    pub(crate) records: BTreeMap<Tap, Records>,
}

/// Sets the pipeline of `case` on stage; what it expects is recorded, and with `is_measured` every output of
/// transforms that have several.
pub(crate) fn stage(
    plan: &Plan,
    case: &TestCase,
    schedule: &Schedule,
    epoch: Epoch,
    is_measured: bool,
) -> Result<Staged, CaseError> {
    let director = Director { plan, case, schedule, epoch };
    director.check()?;
    let mut staged = Staged {
        plan: Plan { nodes: Vec::new(), ..plan.clone() },
        played: BTreeSet::new(),
        feeds: BTreeSet::new(),
        records: BTreeMap::new(),
    };
    staged.plan.pipelines.retain(|pipeline| *pipeline.name == *case.pipeline);
    let (needed, beside) = (director.needed(), director.beside());
    for node in director.nodes().filter(|node| needed.contains(&node.id)) {
        let lead = if beside.contains(&node.id) { LEAD } else { Duration::ZERO };
        match node.kind {
            Kind::Sink => director.put_sink(node, &mut staged),
            Kind::Source if director.runs(node) => {
                staged.played.insert(node.id.clone());
                staged.plan.nodes.push(node.clone());
            }
            Kind::Source => {
                staged.feeds.insert(node.id.clone());
                staged.played.insert(node.id.clone());
                staged.plan.nodes.push(director.feed(node, node.id.clone(), lead));
            }
            _ if director.fed(node) => {
                staged.feeds.insert(node.id.clone());
                staged.plan.nodes.push(director.feed(node, node.id.clone(), lead));
            }
            _ => {
                staged.played.insert(node.id.clone());
                staged.plan.nodes.push(node.clone());
            }
        }
    }
    let mut taps: BTreeSet<Tap> =
        case.expect.iter().map(|expected| (expected.node.clone(), expected.port.clone())).collect();
    if is_measured {
        let nodes = staged.plan.nodes.iter().filter(|node| node.kind == Kind::Transform);
        let routers = nodes.filter(|node| node.facts.outputs.len() > 1);
        taps.extend(routers.flat_map(|node| {
            node.facts.outputs.iter().map(|port| (node.id.node().to_owned(), Some(port.clone())))
        }));
    }
    for tap in &taps {
        director.put_tap(tap, &mut staged)?;
    }
    Ok(staged)
}

/// What is known while a stage is set.
struct Director<'a> {
    plan: &'a Plan,
    case: &'a TestCase,
    schedule: &'a Schedule,
    epoch: Epoch,
}

impl<'a> Director<'a> {
    /// The nodes of the pipeline, without its connections: whatever used them is replaced.
    fn nodes(&self) -> impl Iterator<Item = &'a Node> + use<'a> {
        let pipeline = self.case.pipeline.as_str();
        self.plan
            .nodes
            .iter()
            .filter(move |node| node.id.pipeline() == pipeline && node.kind != Kind::Connection)
    }

    fn node(&self, name: &str) -> Option<&'a Node> {
        self.nodes().find(|node| node.id.node() == name)
    }

    fn runs(&self, node: &Node) -> bool {
        self.case.run.iter().any(|name| name == node.id.node())
    }

    fn happenings(&self, node: &Node) -> &'a [Happening] {
        self.schedule.nodes.get(node.id.node()).map_or(&[], Vec::as_slice)
    }

    /// Whether events come from the node, or to it, that the case brings in.
    fn fed(&self, node: &Node) -> bool {
        let happenings = self.schedule.nodes.get(node.id.node());
        happenings.is_some_and(|happenings| happenings.is_empty() || happenings.iter().any(is_event))
    }

    fn check(&self) -> Result<(), CaseError> {
        for name in self.schedule.nodes.keys() {
            let Some(node) = self.node(name) else {
                return Err(CaseError::PlaysConnection(name.clone()));
            };
            if node.kind == Kind::Transform && !self.fed(node) {
                return Err(CaseError::FailsTransform(name.clone()));
            }
            if self.runs(node) {
                return Err(CaseError::PlaysRunning(name.clone()));
            }
        }
        for name in &self.case.run {
            match self.node(name) {
                Some(node) if node.kind == Kind::Source && node.connection.is_none() => {}
                Some(node) if node.kind == Kind::Source => {
                    return Err(CaseError::NeedsConnection(name.clone()));
                }
                _ => return Err(CaseError::RunsNoSource(name.clone())),
            }
        }
        Ok(())
    }

    /// The nodes that are read, directly or not, by what ends the pipeline, where fed transforms read nothing.
    fn needed(&self) -> BTreeSet<NodeId> {
        let all: Vec<&Node> = self.nodes().collect();
        let read: BTreeSet<&NodeId> = all.iter().flat_map(|node| reads(node)).collect();
        let mut needed = BTreeSet::new();
        loop {
            // Commands may lead back, so one time through against the flow is not always enough.
            let known = needed.len();
            for node in all.iter().rev() {
                if !read.contains(&node.id) || self.is_read_by_needed(node, &all, &needed) {
                    needed.insert(node.id.clone());
                }
            }
            if needed.len() == known {
                return needed;
            }
        }
    }

    fn is_read_by_needed(&self, node: &Node, all: &[&Node], needed: &BTreeSet<NodeId>) -> bool {
        let cut = |reader: &Node| match reader.kind {
            Kind::Transform => self.fed(reader),
            Kind::Source => !self.runs(reader),
            Kind::Sink | Kind::Connection => false,
        };
        let mut readers = all.iter().filter(|reader| needed.contains(&reader.id) && !cut(reader));
        readers.any(|reader| reads(reader).any(|id| *id == node.id))
    }

    /// The nodes whose events lead to a `with`, or steer a transform.
    fn beside(&self) -> BTreeSet<NodeId> {
        let all: Vec<&Node> = self.nodes().collect();
        let mut beside: BTreeSet<NodeId> = BTreeSet::new();
        for node in all.iter().rev() {
            beside.extend(node.with.iter().map(|beside| beside.input.from.clone()));
            let steering = node.controls.iter().filter(|_| node.kind == Kind::Transform);
            beside.extend(steering.map(|control| control.input.from.clone()));
            if beside.contains(&node.id) {
                beside.extend(node.inputs.iter().map(|input| input.from.clone()));
            }
        }
        beside
    }

    /// A source in the place of `node`, called `id`.
    fn feed(&self, node: &Node, id: NodeId, lead: Duration) -> Node {
        let happenings = self.happenings(node).into();
        let prepared = Arc::new(Feed { epoch: self.epoch, lead, happenings });
        replacement(node, id, Kind::Source, prepared)
    }

    fn put_sink(&self, node: &Node, staged: &mut Staged) {
        let outages = self.schedule.outages.iter();
        let own = outages
            .filter(|outage| node.connection.as_ref().is_some_and(|id| id.node() == outage.connection));
        let failures = self.happenings(node).iter();
        let failures = failures.filter(|happening| !is_event(happening));
        let records = Records::default();
        let prepared = Arc::new(Collector {
            start: self.epoch.instant,
            outages: own.cloned().collect(),
            failures: failures.cloned().collect(),
            records: records.clone(),
        });
        let mut sink = replacement(node, node.id.clone(), Kind::Sink, prepared);
        sink.policy = in_memory(&node.policy);
        sink.inputs.clone_from(&node.inputs);
        if self.fed(node) {
            let id = NodeId::new(node.id.pipeline(), &format!("{}.feed", node.id.node()));
            let events = self.happenings(node).iter();
            let events = events.filter(|happening| is_event(happening)).cloned();
            let feed = Feed { epoch: self.epoch, lead: Duration::ZERO, happenings: events.collect() };
            staged.plan.nodes.push(replacement(node, id.clone(), Kind::Source, Arc::new(feed)));
            staged.feeds.insert(id.clone());
            sink.inputs.push(Input { from: id, port: MAIN });
        }
        staged.records.insert((node.id.node().to_owned(), None), records);
        staged.played.insert(sink.id.clone());
        staged.plan.nodes.push(sink);
    }

    /// Records an output of a node by a sink of its own.
    fn put_tap(&self, tap: &Tap, staged: &mut Staged) -> Result<(), CaseError> {
        let (name, output) = tap;
        let node = self.node(name).ok_or_else(|| CaseError::ExpectsConnection(name.clone()))?;
        let port = match (output, node.kind) {
            (None, Kind::Sink) => return Ok(()),
            (None, _) => MAIN,
            (Some(output), _) => port(node, output)?,
        };
        let Some(on_stage) = staged.plan.node(&node.id) else {
            return Err(CaseError::NotOnStage(name.clone()));
        };
        let id = NodeId::new(node.id.pipeline(), &format!("{name}.{port}.tap"));
        let records = Records::default();
        let prepared = Arc::new(Collector {
            start: self.epoch.instant,
            outages: Arc::new([]),
            failures: Arc::new([]),
            records: records.clone(),
        });
        let mut sink = replacement(on_stage, id, Kind::Sink, prepared);
        sink.inputs = vec![Input { from: node.id.clone(), port }];
        staged.plan.nodes.push(sink);
        staged.records.insert(tap.clone(), records);
        Ok(())
    }
}

fn is_event(happening: &Happening) -> bool {
    matches!(happening.what, What::Event(_))
}

fn reads(node: &Node) -> impl Iterator<Item = &NodeId> {
    node.reads().map(|input| &input.from)
}

fn port(node: &Node, output: &str) -> Result<Port, CaseError> {
    let position = node.facts.outputs.iter().position(|name| name == output);
    position.and_then(|position| Port::try_from(position).ok()).ok_or_else(|| CaseError::NoOutput {
        node: node.id.node().to_owned(),
        output: output.to_owned(),
        outputs: node.facts.outputs.clone(),
    })
}

/// A node of another kind in the place of `node`: it has its outputs and none of its inputs.
fn replacement(node: &Node, id: NodeId, kind: Kind, prepared: Prepared) -> Node {
    Node {
        id,
        kind,
        prepared,
        facts: Facts { outputs: node.facts.outputs.clone(), ..Facts::default() },
        memory: None,
        inputs: Vec::new(),
        with: Vec::new(),
        controls: Vec::new(),
        connection: None,
        policy: SinkPolicy::default(),
        origins: BTreeMap::new(),
        ..node.clone()
    }
}

/// A disk buffer becomes one in memory that holds as many bytes: a case never ends in a power cut, and a thousand
/// cases must not wait for a disk.
fn in_memory(policy: &SinkPolicy) -> SinkPolicy {
    let mut policy = policy.clone();
    if policy.buffer.kind == BufferKind::Disk {
        policy.buffer.kind = BufferKind::Memory;
        policy.buffer.max_events.get_or_insert(usize::MAX);
    }
    policy
}
