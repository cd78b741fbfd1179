//! Built nodes to running tasks: makes the queues, connects the wiring, starts the drivers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fieldline_compiler::plan::{Input, Node, NodeId, Plan};
use fieldline_core::policy::BufferKind;
use fieldline_core::{Built, Clock, Connection, Edge, Sink, Source, Transform};
use fieldline_store::Storage;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use crate::backoff::Backoff;
use crate::buffer::Buffer;
use crate::buffer::disk::DiskBuffer;
use crate::buffer::memory::MemoryBuffer;
use crate::build::NodeHandle;
use crate::control::desk::Desk;
use crate::dead_letter::DeadLetters;
use crate::drivers::latest::Latest;
use crate::drivers::segment::{Carried, SegmentDriver, Work};
use crate::drivers::sink::SinkDriver;
use crate::drivers::source::SourceDriver;
use crate::drivers::stage::{Past, Stage};
use crate::drivers::stopped;
use crate::drivers::writer::Writer;
use crate::memory::keeper::Keeper;
use crate::outlet::{MAIN_SLOT, Outlet, Parcel, QUEUE, Reader, Target, Wiring};
use crate::sequence::Numbering;
use crate::status::NodeState;
use crate::supervise::{OwnThread, guard, spawn, spawn_on};
use crate::unit::Unit;

/// A unit at work.
pub(crate) struct Running {
    /// Ends with what goes on in another segment.
    pub(crate) task: JoinHandle<Carried>,
    /// Its queue; `None` for sources and connections, and once it is closed.
    pub(crate) inbox: Option<mpsc::Sender<Parcel>>,
    /// Where its outputs lead; `None` for sinks and connections, and once it leaves.
    pub(crate) wiring: Option<watch::Sender<Wiring>>,
    /// Tells sources and connections to stop.
    pub(crate) stop: watch::Sender<bool>,
    /// Names the transforms that go on when the unit ends, and the sinks whose disk buffer the next plan takes on.
    pub(crate) carry: watch::Sender<BTreeSet<NodeId>>,
}

/// What a unit is started with.
pub(crate) enum Crew {
    /// A connection.
    Connection(Box<dyn Connection>),
    /// A source.
    Source(Box<dyn Source>),
    /// The transforms of a segment, first to last, and the latest values beside its events.
    Segment(Vec<Member>, Latest),
    /// A sink.
    Sink(Box<dyn Sink>),
}

/// One transform of a segment.
pub(crate) struct Member {
    pub(crate) transform: Box<dyn Transform>,
    pub(crate) past: Past,
}

impl Crew {
    /// The crew that consists of one built component.
    pub(crate) fn of(built: Built) -> Self {
        match built {
            Built::Connection(connection) => Crew::Connection(connection),
            Built::Source(source) => Crew::Source(source),
            Built::Transform(transform) => {
                Crew::Segment(vec![Member { transform, past: Past::OnDisk }], Latest::default())
            }
            Built::Sink(sink) => Crew::Sink(sink),
        }
    }
}

/// Starts units of one plan.
pub(crate) struct Launcher<'a> {
    pub(crate) plan: &'a Plan,
    /// The nodes of the plan.
    pub(crate) nodes: &'a BTreeMap<&'a NodeId, &'a Node>,
    pub(crate) handles: &'a BTreeMap<NodeId, Arc<NodeHandle>>,
    pub(crate) clock: &'a Clock,
    pub(crate) storage: &'a Arc<dyn Storage>,
    pub(crate) rush: &'a Arc<watch::Sender<u64>>,
    pub(crate) ended: &'a Arc<Notify>,
    /// How often what transforms remember is written to disk; never without it.
    pub(crate) save_every: Option<Duration>,
}

impl Launcher<'_> {
    /// Starts the task of `unit`. Its outputs hold until the wiring is published.
    pub(crate) fn start(&self, unit: &Unit, crew: Crew, dead_letters: DeadLetters) -> Running {
        let handle = self.handles[unit.head()].clone();
        let (stop, stop_signal) = watch::channel(false);
        let (carry, carry_signal) = watch::channel(BTreeSet::new());
        let (wiring, outlet) = watch::channel(Wiring::Hold);
        let (inbox, queue) = mpsc::channel(QUEUE);
        let outlet = Outlet::new(outlet);
        let clock = self.clock.clone();
        let thread = if handle.node.facts.blocking { OwnThread::of(&handle.node.id) } else { None };
        let (task, inbox, wiring) = match crew {
            Crew::Connection(connection) => {
                let task = run_connection(handle, connection, clock, stop_signal);
                (spawn_on(thread.as_ref(), task), None, None)
            }
            Crew::Source(source) => {
                let driver = SourceDriver {
                    numbering: self.numbering(&handle),
                    desk: Desk::of(&handle, self.clock, self.storage),
                    handle,
                    source,
                    outlet,
                    clock,
                    dead_letters,
                    stop: stop_signal,
                    rush: self.rush.clone(),
                    ended: self.ended.clone(),
                };
                (spawn_on(thread.as_ref(), without_carry(driver.run())), None, Some(wiring))
            }
            Crew::Segment(members, latest) => {
                let driver = SegmentDriver {
                    stages: self.stages(unit, members),
                    inbox: queue,
                    outlet,
                    clock,
                    dead_letters,
                    carry: carry_signal,
                    latest,
                    work: Work::default(),
                };
                (spawn_on(thread.as_ref(), driver.run()), Some(inbox), Some(wiring))
            }
            Crew::Sink(sink) => {
                let (leave, leaving) = watch::channel(false);
                let buffer = self.buffer(&handle, &dead_letters);
                let writer = Writer {
                    handle: handle.clone(),
                    sink,
                    clock: clock.clone(),
                    dead_letters,
                    backoff: Backoff::new(&handle.node.policy.retry),
                    connected: false,
                    leaving,
                    not_before: None,
                };
                let rush = self.rush.subscribe();
                let driver = SinkDriver {
                    handle,
                    inbox: queue,
                    buffer,
                    clock,
                    carry: carry_signal,
                    leave,
                    rush,
                    thread,
                };
                (spawn(without_carry(driver.run(writer))), Some(inbox), None)
            }
        };
        Running { task, inbox, wiring, stop, carry }
    }

    /// Where the outputs of every node lead among `running`: its readers at each port, in the order of the plan.
    pub(crate) fn readers(&self, running: &BTreeMap<Unit, Running>) -> BTreeMap<&NodeId, Vec<Vec<Reader>>> {
        let inboxes: BTreeMap<&NodeId, &mpsc::Sender<Parcel>> = running
            .iter()
            .filter_map(|(unit, running)| Some((unit.head(), running.inbox.as_ref()?)))
            .collect();
        let ports = |node: &Node| (0..node.facts.outputs.len().max(1)).map(|_| Vec::new()).collect();
        let mut readers: BTreeMap<&NodeId, Vec<Vec<Reader>>> =
            self.plan.nodes.iter().map(|node| (&node.id, ports(node))).collect();
        let mut add = |input: &Input, reader: Reader| {
            let ports = readers.get_mut(&input.from);
            if let Some(port) = ports.and_then(|ports| ports.get_mut(usize::from(input.port))) {
                port.push(reader);
            }
        };
        for node in &self.plan.nodes {
            let handle = &self.handles[&node.id];
            for (control, input) in node.controls.iter().zip(0..) {
                let (controlled, ledger) = (handle.controlled.clone(), handle.ledger.clone());
                add(&control.input, Reader::Commands { controlled, input, ledger });
            }
            let Some(inbox) = inboxes.get(&node.id) else { continue };
            let main = node.inputs.iter().map(|input| (MAIN_SLOT, input));
            let with = node.with.iter().zip(1..).map(|(beside, slot)| (slot, &beside.input));
            for (slot, input) in main.chain(with) {
                let edge = (node.inputs.len() > 1)
                    .then(|| Arc::new(edge(input, self.nodes.get(&input.from).copied())));
                let (inbox, ledger) = ((*inbox).clone(), handle.ledger.clone());
                add(input, Reader::Flow(Target { inbox, slot, edge, ledger }));
            }
        }
        readers
    }

    fn numbering(&self, handle: &NodeHandle) -> Numbering {
        let (clock, id) = (self.clock.clone(), &handle.node.id);
        if !self.plan.sources.get(id).is_some_and(|policy| policy.sequence.persist) {
            return Numbering::passing(clock, handle.last_number.clone());
        }
        let path = handle.data_dir.join("sequences").join(id.pipeline()).join(id.node());
        Numbering::persistent(clock, self.storage.clone(), path)
    }

    fn buffer(&self, handle: &Arc<NodeHandle>, dead_letters: &DeadLetters) -> Buffer {
        let settings = &handle.node.policy.buffer;
        match settings.kind {
            BufferKind::Memory => Buffer::Memory(MemoryBuffer::new(settings, handle.meter.clone())),
            BufferKind::Disk => {
                let (clock, dead_letters) = (self.clock.clone(), dead_letters.clone());
                let disk = DiskBuffer::new(handle.clone(), clock, dead_letters, self.storage.clone());
                Buffer::Disk(Box::new(disk))
            }
        }
    }

    fn stages(&self, unit: &Unit, members: Vec<Member>) -> Vec<Stage> {
        let stage = |(id, Member { transform, past })| {
            let handle = self.handles[id].clone();
            let fed_by =
                self.nodes.get(id).and_then(|node| node.inputs.first()).map_or(0, |input| input.port);
            let desk = Desk::of(&handle, self.clock, self.storage);
            let keeper = Keeper::of(&handle, self.clock, self.storage, self.save_every);
            Stage { handle, transform, past, fed_by, desk, keeper }
        };
        unit.members().iter().zip(members).map(stage).collect()
    }
}

/// What events that come by `input`, an output of `from`, know of it.
pub(crate) fn edge(input: &Input, from: Option<&Node>) -> Edge {
    let outputs = from.map_or(&[][..], |node| &node.facts.outputs);
    let output = outputs.get(usize::from(input.port)).map_or("main", String::as_str);
    Edge { node: input.from.node().into(), port: input.port, output: output.into() }
}

async fn without_carry(task: impl Future<Output = ()>) -> Carried {
    task.await;
    Carried::default()
}

async fn run_connection(
    handle: Arc<NodeHandle>,
    connection: Box<dyn Connection>,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) -> Carried {
    let stop = Box::pin(async move { stopped(&mut stop).await });
    let monitor = handle.monitor.clone();
    let report = Arc::new(move |standing| monitor.connection_stands(standing));
    let state = match guard(connection.run(clock, report, stop)).await {
        Ok(Ok(())) => NodeState::Finished,
        Ok(Err(error)) => NodeState::Failed(error.message),
        Err(panic) => NodeState::Failed(panic),
    };
    if let NodeState::Failed(error) = &state {
        tracing::error!(node = %handle.node.id, error, "connection failed for good");
    }
    handle.monitor.set(state);
    Carried::default()
}
