//! Components for tests, and plans made of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fieldline_compiler::{Fingerprint, Input, Node, NodeId, Plan};
use fieldline_core::memory::Memory;
use fieldline_core::policy::SinkPolicy;
use fieldline_core::{
    Balance, Batch, BuildCx, BuildError, Built, CheckCx, Clock, ComponentError, Draft, Event, EventError,
    Facts, Kind, Meta, Moment, Outcome, Outputs, Prepare, Sink, Source, Transform, Value, WriteError,
};
use fieldline_runtime::{Environment, Runtime, Status, TokioTime};

/// How old a sum may be when the next program goes on with it.
const OUTLIVES: Duration = Duration::from_secs(24 * 3600);

/// What the components of one test tell: shared by all generations of them.
#[derive(Clone, Default)]
pub(crate) struct Witness(pub(crate) Arc<Mutex<Seen>>);

#[derive(Default)]
pub(crate) struct Seen {
    /// Bodies each sink has written, by node name.
    pub(crate) written: BTreeMap<String, Vec<i64>>,
    /// What each source heard, by batch.
    pub(crate) settled: BTreeMap<u64, Outcome>,
    /// The next number each source gives.
    pub(crate) next: BTreeMap<String, i64>,
}

impl Witness {
    pub(crate) fn written(&self, sink: &str) -> Vec<i64> {
        self.0.lock().expect("no panic holds it").written.get(sink).cloned().unwrap_or_default()
    }

    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        self.0.lock().expect("no panic holds it").settled.values().copied().collect()
    }

    pub(crate) fn settled(&self) -> BTreeMap<u64, Outcome> {
        self.0.lock().expect("no panic holds it").settled.clone()
    }

    pub(crate) fn handed_out(&self) -> usize {
        self.0.lock().expect("no panic holds it").next.values().map(|next| *next as usize).sum()
    }
}

/// Components by what they do.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Gives numbers from 0, one a batch, `pause` apart, `limit` in all.
    Numbers { pause: Duration, limit: i64 },
    /// Gives numbers for ever, a millisecond apart, and no more than `n` that are not settled.
    Window(usize),
    /// Sends on.
    Pass,
    /// Sends on and counts: the body becomes how many it has seen.
    Count,
    /// Adds `n` for each event: the body becomes the sum, which a changed version takes over.
    Adds(i64),
    /// The body becomes 1 if it knows a value of this `with` input, 0 if not.
    Beside(&'static str),
    /// The body becomes 1 if the event came by this input, 0 if not.
    Came(&'static str),
    /// Sends on even numbers; drops the others, with a reason.
    Even,
    /// Odd numbers to port 1, others to port 0.
    Split,
    /// Sends each number twice.
    Twice,
    /// Fails numbers that `n` divides.
    Fails(i64),
    /// Panics at numbers that `n` divides, except 0.
    Panics(i64),
    /// Drops events without a word.
    Forgets,
    /// The body becomes the sequence number.
    Sequence,
    /// The body becomes 1 if the metadata have this field, and 0 without.
    Has(&'static str),
    /// Holds numbers and gives their count for each `n`, and at the end.
    Gathers(i64),
    /// Adds text of `n` bytes to the metadata.
    Pads(usize),
    /// Writes them down.
    Writes,
    /// Writes, after failing the first `n` tries.
    WritesAfter(u32),
    /// Writes; refuses for ever numbers that `n` divides.
    Refuses(i64),
    /// Writes the numbers in letters, after failing the first `n` tries.
    WritesLettersAfter(u32),
    /// Refuses letters for ever.
    RefusesLetters,
    /// Never returns from a write.
    Hangs,
    /// Writes the first events of a batch, at most so many, and never returns.
    Stalls(usize),
    /// A source that never returns from `connect`.
    SourceHangsInConnect,
    /// A sink that never returns from `connect`.
    SinkHangsInConnect,
    /// Writes, after refusing the first `conflicts` batches for now; works 10 ms at a time while it has nothing to write,
    /// and fails at that for the `fails`th time.
    Idles { fails: i64, conflicts: u32 },
    /// Cannot be built.
    Unbuildable,
}

struct Config {
    part: Part,
    witness: Witness,
}

impl Prepare for Config {
    fn check(&self, _: &mut CheckCx<'_>) {}

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let name = cx.node.rsplit('/').next().unwrap_or_default().to_owned();
        let witness = self.witness.clone();
        Ok(match self.part.clone() {
            Part::Numbers { pause, limit } => {
                Built::Source(Box::new(Numbers { name, pause, limit, window: None, unsettled: 0, witness }))
            }
            Part::Window(n) => {
                let (pause, limit) = (Duration::from_millis(1), i64::MAX);
                Built::Source(Box::new(Numbers {
                    name,
                    pause,
                    limit,
                    window: Some(n),
                    unsettled: 0,
                    witness,
                }))
            }
            Part::Writes => Built::Sink(Box::new(Writes {
                name,
                witness,
                failures: 0,
                refuses: Refuses::Nothing,
                hangs: false,
            })),
            Part::WritesAfter(failures) => Built::Sink(Box::new(Writes {
                name,
                witness,
                failures,
                refuses: Refuses::Nothing,
                hangs: false,
            })),
            Part::Refuses(n) => Built::Sink(Box::new(Writes {
                name,
                witness,
                failures: 0,
                refuses: Refuses::Multiples(n),
                hangs: false,
            })),
            Part::Hangs => Built::Sink(Box::new(Writes {
                name,
                witness,
                failures: 0,
                refuses: Refuses::Nothing,
                hangs: true,
            })),
            Part::Stalls(most) => Built::Sink(Box::new(Stalls { name, witness, most, written: 0 })),
            Part::WritesLettersAfter(failures) => Built::Sink(Box::new(Writes {
                name,
                witness,
                failures,
                refuses: Refuses::Nothing,
                hangs: false,
            })),
            Part::RefusesLetters => Built::Sink(Box::new(Writes {
                name,
                witness,
                failures: 0,
                refuses: Refuses::All,
                hangs: false,
            })),
            Part::SourceHangsInConnect => Built::Source(Box::new(HangsInConnect)),
            Part::SinkHangsInConnect => Built::Sink(Box::new(HangsInConnect)),
            Part::Idles { fails, conflicts } => {
                Built::Sink(Box::new(Idles { name, witness, fails, conflicts, worked: 0 }))
            }
            Part::Unbuildable => return Err(BuildError::new("it is made so")),
            part => Built::Transform(Box::new(Works { part, seen: 0, held: 0 })),
        })
    }
}

struct Numbers {
    name: String,
    pause: Duration,
    limit: i64,
    window: Option<usize>,
    unsettled: usize,
    witness: Witness,
}

#[async_trait]
impl Source for Numbers {
    async fn next(&mut self, clock: &Clock) -> Result<Option<Batch>, ComponentError> {
        if self.is_stalled() {
            std::future::pending::<()>().await;
        }
        match self.pause {
            Duration::ZERO => tokio::task::yield_now().await,
            pause => tokio::time::sleep(pause).await,
        }
        let mut seen = self.witness.0.lock().expect("no panic holds it");
        let next = seen.next.entry(self.name.clone()).or_default();
        if *next >= self.limit {
            return Ok(None);
        }
        let number = *next;
        *next += 1;
        self.unsettled += 1;
        let draft = Draft { body: Value::Int(number), meta: Meta::new(clock.time(), "".into()) };
        Ok(Some(Batch { token: number as u64, events: vec![draft], ..Batch::default() }))
    }

    async fn settle(&mut self, token: u64, outcome: Outcome) -> Result<(), ComponentError> {
        let before = self.witness.0.lock().expect("no panic holds it").settled.insert(token, outcome);
        assert_eq!(before, None, "a batch is settled once");
        self.unsettled -= 1;
        Ok(())
    }

    fn is_stalled(&self) -> bool {
        self.window.is_some_and(|window| self.unsettled >= window)
    }
}

struct Works {
    part: Part,
    seen: i64,
    held: i64,
}

impl Transform for Works {
    fn apply(&mut self, mut event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let number = event.body().as_i64().expect("tests send whole numbers");
        self.seen += 1;
        match &self.part {
            Part::Count => {
                *event.body_mut() = Value::Int(self.seen);
                out.send(event);
            }
            Part::Adds(n) => {
                self.held += n;
                *event.body_mut() = Value::Int(self.held);
                out.send(event);
            }
            Part::Beside(name) => {
                *event.body_mut() = Value::Int(i64::from(moment.with.contains_key(*name)));
                out.send(event);
            }
            Part::Came(input) => {
                *event.body_mut() = Value::Int(i64::from(event.edge().is_some_and(|edge| edge.is(input))));
                out.send(event);
            }
            Part::Even if number % 2 != 0 => out.discard(event, "odd"),
            Part::Split => out.send_to((number % 2) as u16, event),
            Part::Twice => {
                let copy = event.derive(Value::Int(number));
                out.send(event);
                out.send(copy);
            }
            Part::Fails(n) if number % n == 0 => out.fail(event, EventError::new("told_to", "it is made so")),
            Part::Sequence => {
                *event.body_mut() = event.meta().get("sequence").expect("every source numbers its events");
                out.send(event);
            }
            Part::Has(name) => {
                *event.body_mut() = Value::Int(i64::from(event.meta().get(name).is_some()));
                out.send(event);
            }
            Part::Pads(n) => {
                event.meta_mut().fields.insert("pad".into(), Value::from("x".repeat(*n)));
                out.send(event);
            }
            Part::Panics(n) if number != 0 && number % n == 0 => panic!("told to at {number}"),
            Part::Forgets => drop(event),
            Part::Gathers(n) => {
                self.held += 1;
                let copy = (self.held == *n).then(|| event.derive(Value::Int(self.held)));
                out.absorb(event);
                if let Some(copy) = copy {
                    self.held = 0;
                    out.send(copy);
                }
            }
            _ => out.send(event),
        }
    }

    fn remember(&self, _: &Moment<'_>) -> Result<Option<Value>, BuildError> {
        Ok(Some(Value::Int(self.held)))
    }

    fn recall(&mut self, remembered: &Value, _: Duration, _: &Moment<'_>) -> Result<(), BuildError> {
        self.held = remembered.as_i64().ok_or_else(|| BuildError::new("it is no number"))?;
        Ok(())
    }
}

/// What a sink never takes.
enum Refuses {
    Nothing,
    Multiples(i64),
    All,
}

struct Writes {
    name: String,
    witness: Witness,
    failures: u32,
    refuses: Refuses,
    hangs: bool,
}

#[async_trait]
impl Sink for Writes {
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        if self.failures > 0 {
            self.failures -= 1;
            return Err(ComponentError::retryable("told_to", "not yet").into());
        }
        tokio::task::yield_now().await;
        let mut refused = Vec::new();
        let mut seen = self.witness.0.lock().expect("no panic holds it");
        let written = seen.written.entry(self.name.clone()).or_default();
        for (index, event) in events.iter().enumerate() {
            let body = event.body().as_map().and_then(|letter| letter.get("body")).unwrap_or(event.body());
            let number = body.as_i64().expect("tests send whole numbers");
            let is_refused = match self.refuses {
                Refuses::Nothing => false,
                Refuses::Multiples(n) => number % n == 0,
                Refuses::All => true,
            };
            if is_refused {
                refused.push((index, ComponentError::permanent("refused", "it is made so")));
            } else {
                written.push(number);
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(WriteError::Some(refused)) }
    }
}

/// A sink with work of its own. Its witness has what it wrote, as `NAME.work` how often it worked, and as
/// `NAME.connects` how often it connected.
struct Idles {
    name: String,
    witness: Witness,
    fails: i64,
    conflicts: u32,
    worked: i64,
}

impl Idles {
    fn note(&self, what: &str, number: i64) {
        let mut seen = self.witness.0.lock().expect("no panic holds it");
        seen.written.entry(format!("{}{what}", self.name)).or_default().push(number);
    }
}

#[async_trait]
impl Sink for Idles {
    async fn connect(&mut self) -> Result<(), ComponentError> {
        self.note(".connects", 0);
        Ok(())
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        if self.conflicts > 0 {
            self.conflicts -= 1;
            let refused = ComponentError::retryable("conflict", "not yet");
            return Err(WriteError::Some((0..events.len()).map(|index| (index, refused.clone())).collect()));
        }
        events
            .iter()
            .for_each(|event| self.note("", event.body().as_i64().expect("tests send whole numbers")));
        Ok(())
    }

    async fn idle(&mut self) -> Result<(), ComponentError> {
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.worked += 1;
        self.note(".work", self.worked);
        if self.worked == self.fails { Err(ComponentError::retryable("told_to", "not now")) } else { Ok(()) }
    }
}

/// A sink whose other end stops answering in the middle of a batch.
struct Stalls {
    name: String,
    witness: Witness,
    most: usize,
    written: usize,
}

#[async_trait]
impl Sink for Stalls {
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        self.written = self.most.min(events.len());
        {
            let mut seen = self.witness.0.lock().expect("no panic holds it");
            let written = seen.written.entry(self.name.clone()).or_default();
            let numbers = events[..self.written].iter().map(|event| event.body().as_i64());
            written.extend(numbers.map(|number| number.expect("tests send whole numbers")));
        }
        std::future::pending().await
    }

    fn interrupted(&mut self) -> Vec<usize> {
        (0..self.written).collect()
    }
}

/// A device that takes the connection and then says nothing.
struct HangsInConnect;

#[async_trait]
impl Source for HangsInConnect {
    async fn connect(&mut self, _: &Clock) -> Result<(), ComponentError> {
        std::future::pending().await
    }

    async fn next(&mut self, _: &Clock) -> Result<Option<Batch>, ComponentError> {
        unreachable!("it is never connected")
    }
}

#[async_trait]
impl Sink for HangsInConnect {
    async fn connect(&mut self) -> Result<(), ComponentError> {
        std::future::pending().await
    }

    async fn write(&mut self, _: &[Event]) -> Result<(), WriteError> {
        unreachable!("it is never connected")
    }
}

/// Name, part, inputs by node and port, and policy of one node.
type Drawn = (String, Part, Vec<(String, u16)>, SinkPolicy);

/// A plan in the making.
#[derive(Clone)]
pub(crate) struct Draw {
    pub(crate) witness: Witness,
    nodes: Vec<Drawn>,
}

impl Draw {
    pub(crate) fn new(witness: &Witness) -> Self {
        Draw { witness: witness.clone(), nodes: Vec::new() }
    }

    /// Adds a node that reads `inputs`, each `name` or `name.port-number`.
    pub(crate) fn node(self, name: &str, part: Part, inputs: &[&str]) -> Self {
        self.node_with(name, part, inputs, SinkPolicy::default())
    }

    pub(crate) fn node_with(mut self, name: &str, part: Part, inputs: &[&str], policy: SinkPolicy) -> Self {
        let input = |text: &&str| match text.split_once('.') {
            Some((name, port)) => (name.to_owned(), port.parse().expect("a port number")),
            None => ((*text).to_owned(), 0),
        };
        self.nodes.push((name.to_owned(), part, inputs.iter().map(input).collect(), policy));
        self
    }

    pub(crate) fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        let mut done = BTreeSet::new();
        for (name, part, inputs, policy) in &self.nodes {
            assert!(
                inputs.iter().all(|(from, _)| done.contains(from)),
                "{name} is drawn before what it reads"
            );
            done.insert(name.clone());
            let kind = match part {
                Part::Numbers { .. } | Part::Window(_) | Part::SourceHangsInConnect => Kind::Source,
                Part::Writes | Part::WritesAfter(_) | Part::Refuses(_) | Part::Hangs | Part::Stalls(_) => {
                    Kind::Sink
                }
                Part::WritesLettersAfter(_) | Part::RefusesLetters | Part::SinkHangsInConnect => Kind::Sink,
                Part::Idles { .. } => Kind::Sink,
                _ => Kind::Transform,
            };
            let ports = if matches!(part, Part::Split) {
                vec!["main".into(), "odd".into()]
            } else {
                vec!["main".into()]
            };
            let text = format!("{part:?}");
            let fingerprint = Fingerprint(
                text.bytes().fold(7, |hash: u128, byte| hash.wrapping_mul(31).wrapping_add(u128::from(byte))),
            );
            plan.nodes.push(Node {
                id: NodeId::new("p", name),
                kind,
                component: "test",
                prepared: Arc::new(Config { part: part.clone(), witness: self.witness.clone() }),
                memory: matches!(part, Part::Adds(_))
                    .then(|| Memory::of("the sum").with_key("sum".to_owned()).outliving(OUTLIVES)),
                facts: Facts { outputs: ports, ..Facts::default() },
                inputs: inputs
                    .iter()
                    .map(|(from, port)| Input { from: NodeId::new("p", from), port: *port })
                    .collect(),
                with: Vec::new(),
                controls: Vec::new(),
                settings: &[],
                connection: None,
                policy: policy.clone(),
                fingerprint,
                text_fingerprint: fingerprint,
                origins: BTreeMap::new(),
            });
        }
        plan
    }
}

pub(crate) fn runtime(folder: &std::path::Path) -> Runtime {
    let clock = Clock::new(TokioTime::starting_at("2026-01-01T00:00:00Z".parse().expect("a time")));
    Runtime::new(Environment {
        clock,
        data_dir: folder.into(),
        drain: Duration::from_secs(10),
        save_every: None,
    })
}

pub(crate) fn balance(status: &Status, name: &str) -> Balance {
    let node = status.nodes.iter().find(|node| node.id.node() == name);
    node.unwrap_or_else(|| panic!("no node {name}")).balance.clone()
}

/// Every account of a program that rests is closed but for what is on disk.
pub(crate) fn assert_balanced(status: &Status) {
    for node in &status.nodes {
        let disk = node.buffer.as_ref().filter(|buffer| buffer.wear.is_some());
        let on_disk = disk.map_or(0, |buffer| i128::from(buffer.records));
        assert_eq!(node.balance.in_flight(), on_disk, "{}: {:?}", node.id, node.balance);
    }
}

/// Waits, on a paused clock, until every source has finished.
pub(crate) async fn finished(runtime: &Runtime) {
    while !runtime.has_finished() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
