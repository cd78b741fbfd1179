//! Built nodes to running tasks: makes the queues, connects the wiring, starts the drivers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fieldline_backoff::Backoff;
use fieldline_compiler::change::Unit;
use fieldline_compiler::{Node, NodeId, Plan};
use fieldline_core::connection::Connection;
use fieldline_core::policy::BufferKind;
use fieldline_core::{Clock, Event, Sink, Source, Transform};
use fieldline_store::Storage;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use crate::buffer::Buffer;
use crate::buffer::disk::DiskBuffer;
use crate::buffer::memory::MemoryBuffer;
use crate::control::desk::Desk;
use crate::dead_letter::DeadLetters;
use crate::drivers::carried::Carried;
use crate::drivers::latest::Latest;
use crate::drivers::leave::Leave;
use crate::drivers::pace::Pace;
use crate::drivers::rate::Rate;
use crate::drivers::segment::{SegmentDriver, Work};
use crate::drivers::sink::SinkDriver;
use crate::drivers::source::SourceDriver;
use crate::drivers::stage::{Past, Stage};
use crate::drivers::writer::Writer;
use crate::memory::keeper::Keeper;
use crate::node::NodeHandle;
use crate::outlet::{Outlet, Parcel, QUEUE, Wiring};
use crate::sequence::Numbering;
use crate::status::NodeState;
use crate::supervise::{OwnThread, guard, spawn, spawn_on};
use crate::wait::stopped;

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
    /// Tells segments and sinks how to end.
    pub(crate) leave: watch::Sender<Leave>,
    /// Has a sink take events beyond its bound while a change lets queues run empty.
    pub(crate) overfill: watch::Sender<bool>,
    /// Whether a sink that is to pause has no write under way.
    pub(crate) paused: watch::Receiver<bool>,
}

/// What a unit is started with.
pub(crate) enum Crew {
    /// A connection.
    Connection(Box<dyn Connection>),
    /// A source.
    Source(Box<dyn Source>),
    /// The transforms of a segment, first to last, the latest values beside its events, and the events that waited for
    /// the version before, by transform.
    Segment(Vec<Member>, Latest, Vec<(usize, Vec<Event>)>),
    /// A sink, and the events that its version before could not send.
    Sink(Box<dyn Sink>, Vec<Event>),
}

/// One transform of a segment.
pub(crate) struct Member {
    pub(crate) transform: Box<dyn Transform>,
    pub(crate) past: Past,
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
    /// Sinks with a buffer in memory that send first what is left of one on disk.
    pub(crate) emptying: &'a BTreeSet<NodeId>,
}

impl Launcher<'_> {
    /// Starts the task of `unit`. Its outputs hold until the wiring is published.
    pub(crate) fn start(&self, unit: &Unit, crew: Crew, dead_letters: DeadLetters) -> Running {
        let handle = self.handles[unit.head()].clone();
        let (stop, stop_signal) = watch::channel(false);
        let (leave, leave_signal) = watch::channel(Leave::Stay);
        let (overfill, overfill_signal) = watch::channel(false);
        let (paused_signal, paused) = watch::channel(false);
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
                    is_faulty: false,
                    ended: self.ended.clone(),
                };
                (spawn_on(thread.as_ref(), driver.run()), None, Some(wiring))
            }
            Crew::Segment(members, latest, backlog) => {
                let driver = SegmentDriver {
                    stages: self.stages(unit, members),
                    inbox: queue,
                    outlet,
                    clock,
                    dead_letters,
                    leave: leave_signal,
                    latest,
                    backlog,
                    work: Work::default(),
                    pace: if thread.is_none() && OwnThread::can_be() {
                        Pace::shared()
                    } else {
                        Pace::alone()
                    },
                };
                (spawn_on(thread.as_ref(), driver.run()), Some(inbox), Some(wiring))
            }
            Crew::Sink(sink, inherited) => {
                let (patience, patience_left) = watch::channel(None);
                let buffer = self.buffer(&handle, &dead_letters);
                let retry = &handle.node.policy.retry;
                let writer = Writer {
                    handle: handle.clone(),
                    sink,
                    clock: clock.clone(),
                    dead_letters,
                    backoff: Backoff::new(retry.initial.0, retry.max.0),
                    connected: false,
                    patience: patience_left,
                    rate: handle.node.policy.max_rate.map(Rate::new),
                };
                let driver = SinkDriver {
                    connection: handle.node.connection.as_ref().and_then(|id| self.handles.get(id)).cloned(),
                    handle,
                    inbox: queue,
                    buffer,
                    inherited,
                    clock,
                    leave: leave_signal,
                    overfill: overfill_signal,
                    paused: paused_signal,
                    patience,
                    rush: self.rush.subscribe(),
                    thread,
                };
                (spawn(driver.run(writer)), Some(inbox), None)
            }
        };
        Running { task, inbox, wiring, stop, leave, overfill, paused }
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
        let memory = || MemoryBuffer::new(settings, handle.meter.clone());
        let disk = || {
            DiskBuffer::new(handle.clone(), self.clock.clone(), dead_letters.clone(), self.storage.clone())
        };
        match settings.kind {
            BufferKind::Disk => Buffer::Disk(Box::new(disk())),
            BufferKind::Memory if self.emptying.contains(&handle.node.id) => {
                Buffer::emptying(disk(), memory())
            }
            BufferKind::Memory => Buffer::Memory(memory()),
        }
    }

    fn stages(&self, unit: &Unit, members: Vec<Member>) -> Vec<Stage> {
        let stage = |(id, Member { transform, past })| {
            let handle = self.handles[id].clone();
            let fed_by =
                self.nodes.get(id).and_then(|node| node.inputs.first()).map_or(0, |input| input.port);
            let desk = Desk::of(&handle, self.clock, self.storage);
            let keeper = Keeper::of(&handle, self.clock, self.storage, self.save_every);
            Stage { handle, transform, past, fed_by, desk, keeper, is_known: false }
        };
        unit.members().iter().zip(members).map(stage).collect()
    }
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
        Ok(Err(error)) => NodeState::Failed(error.to_string()),
        Err(panic) => NodeState::Failed(panic.message),
    };
    if let NodeState::Failed(error) = &state {
        tracing::error!(node = %handle.node.id, error, "connection failed for good");
    }
    handle.monitor.set(state);
    Carried::default()
}
