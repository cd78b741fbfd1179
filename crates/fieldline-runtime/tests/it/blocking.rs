//! Components that block: each has a thread of its own, delays nobody else, and holds neither a change nor a stop.
//!
//! All but two tests run in real time on one shared worker, which a component that blocked it would stop for good.

use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fieldline_compiler::change::Unit;
use fieldline_compiler::{Fingerprint, Node, NodeId, Plan};
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Clock, Event, Facts, Kind, Moment, Outcome, Outputs, Prepare, Sink,
    Transform, WriteError,
};
use fieldline_runtime::{Environment, Runtime, SystemTime};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::bench_plan::{Draw, Part, Witness, assert_balanced, balance, finished, runtime};

const MS: Duration = Duration::from_millis(1);

/// What comes about must come about sooner; a test that fails ends so.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the components of a test tell what they do, and wait.
#[derive(Clone)]
struct Stage {
    /// Numbers whose call was begun.
    begun: mpsc::Sender<i64>,
    /// Numbers that were written by sinks that tell.
    told: mpsc::Sender<i64>,
    /// Dropped by each thread of a component that blocks, when it ends.
    thread: mpsc::WeakSender<()>,
    door: Arc<(Mutex<bool>, Condvar)>,
}

/// What a test hears of its stage.
struct Ears {
    begun: mpsc::Receiver<i64>,
    told: mpsc::Receiver<i64>,
    thread: mpsc::Receiver<()>,
    no_thread: mpsc::Sender<()>,
}

thread_local! {
    /// Ends with the thread.
    static END: RefCell<Option<mpsc::Sender<()>>> = const { RefCell::new(None) };
}

impl Stage {
    fn new() -> (Self, Ears) {
        let (begun, hear_begun) = mpsc::channel(1000);
        let (told, hear_told) = mpsc::channel(1000);
        let (no_thread, thread) = mpsc::channel(1);
        let stage = Stage { begun, told, thread: no_thread.downgrade(), door: Arc::default() };
        (stage, Ears { begun: hear_begun, told: hear_told, thread, no_thread })
    }

    /// Blocks the thread until the door is open.
    fn pass(&self, number: i64) {
        END.set(self.thread.upgrade());
        self.begun.try_send(number).expect("there is room");
        let (is_open, opened) = &*self.door;
        let is_open = is_open.lock().expect("no panic holds it");
        drop(opened.wait_while(is_open, |is_open| !*is_open).expect("no panic holds it"));
    }

    fn open(&self) {
        *self.door.0.lock().expect("no panic holds it") = true;
        self.door.1.notify_all();
    }

    /// `plan`, where `node` blocks until the door is open.
    fn with_blocking(&self, mut plan: Plan, node: &str) -> Plan {
        let node = find(&mut plan, node);
        node.facts.blocking = true;
        node.fingerprint = Fingerprint(node.fingerprint.0 + 1);
        node.prepared = match node.kind {
            Kind::Sink => Arc::new(BlockingSink(self.clone())),
            _ => Arc::new(BlockingTransform(self.clone())),
        };
        plan
    }

    /// `plan`, where the sink `node` tells what it writes.
    fn with_telling(&self, mut plan: Plan, node: &str) -> Plan {
        find(&mut plan, node).prepared = Arc::new(Telling(self.clone()));
        plan
    }
}

impl Ears {
    async fn begun(&mut self) -> i64 {
        timeout(PATIENCE, self.begun.recv()).await.expect("a call begins").expect("the stage is there")
    }

    async fn told(&mut self, count: usize) -> Vec<i64> {
        let mut told = Vec::new();
        while told.len() < count {
            let number = timeout(PATIENCE, self.told.recv()).await.expect("a number is written");
            told.push(number.expect("the stage is there"));
        }
        told
    }

    /// Waits until every thread of a component has ended.
    async fn threads_end(mut self) {
        drop(self.no_thread);
        let end = timeout(PATIENCE, self.thread.recv()).await;
        assert_eq!(end, Ok(None), "the threads end with their components");
    }
}

fn find<'p>(plan: &'p mut Plan, node: &str) -> &'p mut Node {
    plan.nodes.iter_mut().find(|found| found.id.node() == node).expect("it was drawn")
}

struct BlockingTransform(Stage);

impl Prepare for BlockingTransform {
    fn check(&self, _: &mut CheckCx<'_>) {}

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Transform(Box::new(BlockingTransform(self.0.clone()))))
    }
}

impl Transform for BlockingTransform {
    fn apply(&mut self, event: Event, _: &Moment<'_>, out: &mut Outputs) {
        self.0.pass(event.body().as_i64().expect("tests send whole numbers"));
        out.send(event);
    }
}

struct BlockingSink(Stage);

impl Prepare for BlockingSink {
    fn check(&self, _: &mut CheckCx<'_>) {}

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Sink(Box::new(BlockingSink(self.0.clone()))))
    }
}

#[async_trait]
impl Sink for BlockingSink {
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        for event in events {
            let number = event.body().as_i64().expect("tests send whole numbers");
            self.0.pass(number);
            self.0.told.try_send(number).expect("there is room");
        }
        Ok(())
    }
}

struct Telling(Stage);

impl Prepare for Telling {
    fn check(&self, _: &mut CheckCx<'_>) {}

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Sink(Box::new(Telling(self.0.clone()))))
    }
}

#[async_trait]
impl Sink for Telling {
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        for event in events {
            let number = event.body().as_i64().expect("tests send whole numbers");
            self.0.told.try_send(number).expect("there is room");
        }
        Ok(())
    }
}

/// A runtime by the machine's clock that soon cuts off what does not drain.
fn hasty(folder: &Path) -> Runtime {
    let (clock, data_dir) = (Clock::new(SystemTime::default()), folder.into());
    Runtime::new(Environment { clock, data_dir, drain: 50 * MS, save_every: None })
}

fn numbers(limit: i64) -> Part {
    Part::Numbers { pause: Duration::ZERO, limit }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_transform_that_blocks_its_thread_does_not_delay_its_neighbours() {
    let folder = tempfile::tempdir().expect("a folder");
    let (stage, mut ears) = Stage::new();
    let mut runtime = hasty(folder.path());
    let slow = Draw::new(&Witness::default())
        .node("air", numbers(20), &[])
        .node("slow", Part::Pass, &["air"])
        .node("out", Part::Writes, &["slow"]);
    let quick = Draw::new(&Witness::default())
        .node("sea", numbers(500), &[])
        .node("quick", Part::Pass, &["sea"])
        .node("beside", Part::Writes, &["quick"]);
    let mut plan = stage.with_blocking(stage.with_telling(slow.plan(), "out"), "slow");
    plan.nodes.extend(stage.with_telling(quick.plan(), "beside").nodes);
    runtime.apply(plan).await.expect("it can be built");
    assert_eq!(ears.begun().await, 0);
    assert_eq!(ears.told(500).await, (0..500).collect::<Vec<_>>(), "while `slow` blocks");
    stage.open();
    assert_eq!(ears.told(20).await, (0..20).collect::<Vec<_>>());
    let applied = runtime.stop(PATIENCE).await;
    assert_eq!(applied.cut_off, []);
    let status = runtime.view().status();
    let slow = balance(&status, "slow");
    assert_eq!((slow.received, slow.delivered), (20, 20));
    assert_balanced(&status);
    ears.threads_end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_change_does_not_wait_for_a_blocked_thread_and_its_successor_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let (stage, mut ears) = Stage::new();
    let mut runtime = hasty(folder.path());
    let witness = Witness::default();
    let plan = Draw::new(&witness)
        .node("air", Part::Window(1), &[])
        .node("slow", Part::Pass, &["air"])
        .node("out", Part::Writes, &["slow"])
        .plan();
    let plan = stage.with_telling(plan, "out");
    let blocking = stage.with_blocking(plan.clone(), "slow");
    runtime.apply(blocking).await.expect("it can be built");
    assert_eq!(ears.begun().await, 0);
    let applied = timeout(PATIENCE, runtime.apply(plan)).await.expect("it ends").expect("it can be built");
    assert_eq!(applied.cut_off, [Unit::Segment(vec![NodeId::new("p", "slow")])]);
    assert_eq!(balance(&runtime.view().status(), "slow").in_flight(), 1, "the thread still has it");
    // The source sends the second number once it knows what became of the first, which the thread holds.
    stage.open();
    assert_eq!(ears.told(2).await, [0, 1]);
    runtime.stop(PATIENCE).await;
    ears.threads_end().await;
    let status = runtime.view().status();
    let slow = balance(&status, "slow");
    assert_eq!((slow.lost, slow.received), (0, slow.delivered));
    assert_eq!(witness.settled()[&0], Outcome::Delivered);
    assert_balanced(&status);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stop_does_not_wait_for_a_blocked_thread() {
    let folder = tempfile::tempdir().expect("a folder");
    let (stage, mut ears) = Stage::new();
    let mut runtime = hasty(folder.path());
    let plan = Draw::new(&Witness::default())
        .node("air", numbers(3), &[])
        .node("slow", Part::Pass, &["air"])
        .node("out", Part::Writes, &["slow"])
        .plan();
    runtime.apply(stage.with_blocking(plan, "slow")).await.expect("it can be built");
    ears.begun().await;
    let applied = timeout(PATIENCE, runtime.stop(50 * MS)).await.expect("it ends");
    assert!(applied.cut_off.contains(&Unit::Segment(vec![NodeId::new("p", "slow")])), "{applied:?}");
    stage.open();
    ears.threads_end().await;
    let status = runtime.view().status();
    let lost = balance(&status, "slow").lost + balance(&status, "out").lost;
    assert_eq!(lost, balance(&status, "slow").received, "{status:?}");
    assert_balanced(&status);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_buffer_of_a_sink_that_blocks_its_thread_fills_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let (stage, mut ears) = Stage::new();
    let mut runtime = hasty(folder.path());
    let plan = Draw::new(&Witness::default())
        .node("air", numbers(500), &[])
        .node("out", Part::Writes, &["air"])
        .node("beside", Part::Writes, &["air"])
        .plan();
    let plan = stage.with_telling(stage.with_blocking(plan, "out"), "beside");
    runtime.apply(plan).await.expect("it can be built");
    ears.begun().await;
    assert_eq!(ears.told(500).await, (0..500).collect::<Vec<_>>(), "while `out` blocks");
    stage.open();
    assert_eq!(ears.told(500).await, (0..500).collect::<Vec<_>>());
    let applied = runtime.stop(PATIENCE).await;
    assert_eq!(applied.cut_off, []);
    assert_balanced(&runtime.view().status());
    ears.threads_end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_panic_of_a_transform_on_its_own_thread_costs_the_event_in_hand() {
    let folder = tempfile::tempdir().expect("a folder");
    let (stage, mut ears) = Stage::new();
    let mut runtime = hasty(folder.path());
    let mut plan = Draw::new(&Witness::default())
        .node("air", numbers(100), &[])
        .node("risky", Part::Panics(40), &["air"])
        .node("out", Part::Writes, &["risky"])
        .plan();
    find(&mut plan, "risky").facts.blocking = true;
    runtime.apply(stage.with_telling(plan, "out")).await.expect("it can be built");
    let expected: Vec<i64> = (0..100).filter(|n| *n == 0 || n % 40 != 0).collect();
    assert_eq!(ears.told(98).await, expected);
    runtime.stop(PATIENCE).await;
    assert_eq!(balance(&runtime.view().status(), "risky").lost, 2);
    assert_balanced(&runtime.view().status());
}

#[tokio::test(start_paused = true)]
async fn a_blocking_transform_lets_virtual_time_run_no_faster() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut runtime = runtime(folder.path());
    let mut plan = Draw::new(&witness)
        .node("air", Part::Numbers { pause: 1000 * MS, limit: 100 }, &[])
        .node("slow", Part::Count, &["air"])
        .node("out", Part::Writes, &["slow"])
        .plan();
    find(&mut plan, "slow").facts.blocking = true;
    runtime.apply(plan).await.expect("it can be built");
    tokio::time::sleep(60_500 * MS).await;
    assert_eq!(witness.written("out"), (1..=60).collect::<Vec<_>>());
    finished(&runtime).await;
    runtime.stop(PATIENCE).await;
    assert_eq!(witness.written("out").len(), 100);
}

#[test]
fn what_blocks_stands_alone_in_its_unit() {
    let mut plan = Draw::new(&Witness::default())
        .node("air", numbers(1), &[])
        .node("first", Part::Pass, &["air"])
        .node("slow", Part::Pass, &["first"])
        .node("last", Part::Pass, &["slow"])
        .plan();
    find(&mut plan, "slow").facts.blocking = true;
    let segment = |name: &str| Unit::Segment(vec![NodeId::new("p", name)]);
    let units = fieldline_compiler::change::units(&plan);
    assert_eq!(units[1..], [segment("first"), segment("slow"), segment("last")]);
}
