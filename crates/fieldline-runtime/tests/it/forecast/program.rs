//! Random [`Program`]s, and edits of them: an edit takes some fields from another program.

use std::array::from_fn;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fieldline_compiler::{
    Beside, Control, Fingerprint, Freshness, Input, Missing, Node, NodeId, Pipeline, Plan,
};
use fieldline_core::policy::{Sequence, SinkPolicy, SourcePolicy, WhenFull};
use fieldline_core::{FieldPath, Prepare};
use proptest::prelude::*;

use super::actors::{Config, Counts, Keeps, Part, SETTINGS};
use super::record::Record;
use crate::card::on_disk;

/// As many fields as a program can have.
const FIELDS: usize = 146;

const SECOND: Duration = Duration::from_secs(1);
const SOURCES: usize = 2;
const TRANSFORMS: usize = 6;
/// Sources and transforms stand in one row, in which each reads those before it; sinks stand behind all of them.
const ROW: usize = SOURCES + TRANSFORMS;

/// A program with room for some nodes of each kind, some of which it has.
#[derive(Clone, Debug)]
pub(super) struct Program {
    connections: [Connection; 2],
    sources: [Source; SOURCES],
    transforms: [Transform; TRANSFORMS],
    sinks: [Sink; 3],
    dead_letter: Option<usize>,
}

#[derive(Clone, Debug)]
struct Connection {
    is_there: bool,
    version: u8,
    files: u8,
    renews: bool,
}

#[derive(Clone, Debug)]
struct Source {
    is_there: bool,
    pause: u64,
    connection: Option<usize>,
    persists_numbers: bool,
}

#[derive(Clone, Debug)]
struct Transform {
    is_there: bool,
    component: &'static str,
    version: u8,
    counts: Counts,
    input: Reference,
    second: Option<Reference>,
    beside: [Option<Value>; 2],
    control: Option<Reference>,
}

#[derive(Clone, Debug)]
struct Value {
    is_renamed: bool,
    reference: Reference,
    freshness: usize,
}

#[derive(Clone, Debug)]
struct Sink {
    is_there: bool,
    /// Whether it has the name of the last transform, where there is none.
    is_in_its_place: bool,
    version: u8,
    host: &'static str,
    input: Reference,
    connection: Option<usize>,
    is_on_disk: bool,
}

/// An output of a node that stands before another: how far before, and which.
type Reference = (usize, bool);

pub(super) fn program() -> impl Strategy<Value = Program> {
    let two = || prop::option::of(0..2usize);
    let connection = (prop::bool::weighted(0.8), 0..2u8, 0..2u8, any::<bool>())
        .prop_map(|(is_there, version, files, renews)| Connection { is_there, version, files, renews });
    let source = (any::<bool>(), 1..3u64, two(), any::<bool>()).prop_map(
        |(is_there, pause, connection, persists_numbers)| Source {
            is_there,
            pause,
            connection,
            persists_numbers,
        },
    );
    let sink = (
        prop::bool::weighted(0.8),
        any::<bool>(),
        0..2u8,
        prop_oneof![4 => Just("here"), 1 => Just("there")],
        reference(),
        two(),
        any::<bool>(),
    );
    let sink = sink.prop_map(|(is_there, is_in_its_place, version, host, input, connection, is_on_disk)| {
        Sink { is_there, is_in_its_place, version, host, input, connection, is_on_disk }
    });
    let dead_letter = prop::option::of(0..3usize);
    (
        prop::array::uniform2(connection),
        prop::array::uniform2(source),
        prop::array::uniform6(transform()),
        prop::array::uniform3(sink),
        dead_letter,
    )
        .prop_map(|(connections, sources, transforms, sinks, dead_letter)| Program {
            connections,
            sources,
            transforms,
            sinks,
            dead_letter,
        })
}

/// On the heap: six of them by value are more than a stack of a test holds.
fn transform() -> BoxedStrategy<Transform> {
    let beside = (any::<bool>(), reference(), 0..4usize)
        .prop_map(|(is_renamed, reference, freshness)| Value { is_renamed, reference, freshness });
    let key = prop_oneof![1 => Just(None), 3 => (0..2u8).prop_map(Some)];
    let keeps = (key, prop::bool::weighted(0.3)).prop_map(|(key, is_sent)| Keeps { key, is_sent });
    let counts = (
        prop::option::weighted(0.8, keeps),
        prop::option::weighted(0.2, 3..5i64),
        prop::bool::weighted(0.4),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(memory, fails, splits, blocks)| Counts { memory, fails, splits, blocks });
    (
        prop::bool::weighted(0.8),
        prop_oneof![5 => Just("counts"), 1 => Just("tallies")],
        0..2u8,
        counts,
        reference(),
        prop::option::weighted(0.2, reference()),
        prop::array::uniform2(prop::option::weighted(0.3, beside)),
        prop::option::weighted(0.1, reference()),
    )
        .prop_map(|(is_there, component, version, counts, input, second, beside, control)| Transform {
            is_there,
            component,
            version,
            counts,
            input,
            second,
            beside,
            control,
        })
        .boxed()
}

/// Mostly the node just before, so that chains are long.
fn reference() -> impl Strategy<Value = Reference> {
    (prop_oneof![3 => Just(0), 2 => 0..ROW], any::<bool>())
}

/// The fields that an edit takes from another program, by number: mostly few, sometimes all.
pub(super) fn edit() -> impl Strategy<Value = BTreeSet<usize>> {
    let few = prop::collection::btree_set(0..FIELDS, 1..9);
    prop_oneof![5 => few, 1 => Just((0..FIELDS).collect())]
}

/// Goes through the fields of two programs and takes each from one of them.
struct Mix<'a> {
    taken: &'a BTreeSet<usize>,
    field: usize,
}

impl Mix<'_> {
    fn pick<T: Clone>(&mut self, own: &T, other: &T) -> T {
        let is_taken = self.taken.contains(&self.field);
        self.field += 1;
        if is_taken { other.clone() } else { own.clone() }
    }
}

impl Program {
    /// This program with some fields of `other`.
    pub(super) fn edited(&self, other: &Program, taken: &BTreeSet<usize>) -> Program {
        let mix = &mut Mix { taken, field: 0 };
        Program {
            connections: from_fn(|n| self.connections[n].edited(&other.connections[n], mix)),
            sources: from_fn(|n| self.sources[n].edited(&other.sources[n], mix)),
            transforms: from_fn(|n| self.transforms[n].edited(&other.transforms[n], mix)),
            sinks: from_fn(|n| self.sinks[n].edited(&other.sinks[n], mix)),
            dead_letter: mix.pick(&self.dead_letter, &other.dead_letter),
        }
    }

    /// Whether some transform takes commands.
    pub(super) fn has_controls(&self) -> bool {
        self.transforms.iter().any(|transform| transform.control.is_some())
    }

    /// The plan; its components tell `record`.
    pub(super) fn plan(&self, record: &Record) -> Plan {
        let mut plan = Plan::default();
        for (number, Connection { is_there, version, files, renews }) in self.connections.iter().enumerate() {
            let text = format!("{version}");
            let mut connection =
                node(&format!("c{number}"), "connects", Part::Connects { renews: *renews }, &text, record);
            connection.fingerprint = Fingerprint(connection.text_fingerprint.0 ^ u128::from(*files) << 64);
            plan.nodes.extend(is_there.then_some(connection));
        }
        for (number, source) in self.sources.iter().enumerate().filter(|(place, _)| self.is_there(*place)) {
            let pause = Duration::from_millis(source.pause);
            let mut node = node(&source_name(number), "gives", Part::Gives { pause }, "", record);
            self.connect(&mut node, source.connection);
            let policy = SourcePolicy { sequence: Sequence { persist: source.persists_numbers } };
            plan.sources.insert(node.id.clone(), policy);
            plan.nodes.push(node);
        }
        for (number, transform) in self.transforms.iter().enumerate() {
            plan.nodes.extend(transform.is_there.then(|| self.transform(number, transform, record)));
        }
        for (number, sink) in self.sinks.iter().enumerate().filter(|(_, sink)| sink.is_there) {
            let text = format!("{} {}", sink.version, sink.is_on_disk);
            let mut node =
                node(&self.sink_name(number), "writes", Part::Writes { host: sink.host }, &text, record);
            self.connect(&mut node, sink.connection);
            node.inputs = vec![self.input(ROW, sink.input)];
            node.policy = if sink.is_on_disk { on_disk(WhenFull::Block) } else { SinkPolicy::default() };
            plan.nodes.push(node);
        }
        let dead_letter = self.dead_letter.filter(|number| self.sinks[*number].is_there);
        plan.pipelines.push(Pipeline {
            name: "p".into(),
            description: None,
            file: "p.yaml".into(),
            sources: Vec::new(),
            dead_letter: dead_letter.map(|number| NodeId::new("p", &self.sink_name(number))),
            letter_file: Default::default(),
            rollback_window: None,
        });
        plan
    }

    fn transform(&self, number: usize, transform: &Transform, record: &Record) -> Node {
        let place = SOURCES + number;
        let text = format!("{}", transform.version);
        let part = Part::Counts(transform.counts.clone());
        let mut node = node(&transform_name(number), transform.component, part, &text, record);
        let inputs = std::iter::once(transform.input).chain(transform.second);
        node.inputs = inputs.map(|reference| self.input(place, reference)).collect();
        node.inputs.sort();
        node.inputs.dedup();
        let names = [["v", "w"], ["x", "y"]];
        for (value, names) in transform.beside.iter().zip(names) {
            node.with.extend(value.iter().map(|value| Beside {
                name: names[usize::from(value.is_renamed)].into(),
                input: self.input(place, value.reference),
                freshness: freshness(value.freshness),
            }));
        }
        node.controls.extend(transform.control.map(|reference| Control {
            input: self.input(place, reference),
            allow: vec!["factor"],
            persist: false,
            expires: None,
        }));
        node.settings = SETTINGS;
        node
    }

    /// Whether there is a node at this place of the row. The first source is always there.
    fn is_there(&self, place: usize) -> bool {
        match place.checked_sub(SOURCES) {
            None => place == 0 || self.sources[place].is_there,
            Some(number) => self.transforms[number].is_there,
        }
    }

    /// The output that a node at `place` reads.
    fn input(&self, place: usize, (back, is_second): Reference) -> Input {
        let there: Vec<usize> = (0..place).filter(|place| self.is_there(*place)).collect();
        let place = there[there.len() - 1 - back % there.len()];
        match place.checked_sub(SOURCES) {
            None => Input { from: NodeId::new("p", &source_name(place)), port: 0 },
            Some(number) => {
                let port = u16::from(is_second && self.transforms[number].counts.splits);
                Input { from: NodeId::new("p", &transform_name(number)), port }
            }
        }
    }

    fn connect(&self, node: &mut Node, connection: Option<usize>) {
        let Some(number) = connection.filter(|number| self.connections[*number].is_there) else { return };
        let name = format!("c{number}");
        node.connection = Some(NodeId::new("p", &name));
        node.facts.connection = Some((FieldPath::root().key("connection"), name));
    }

    fn sink_name(&self, number: usize) -> String {
        let last = TRANSFORMS - 1;
        let stands_in = |number: &usize| self.sinks[*number].is_there && self.sinks[*number].is_in_its_place;
        let is_first = (0..self.sinks.len()).find(stands_in) == Some(number);
        if is_first && !self.transforms[last].is_there { transform_name(last) } else { format!("s{number}") }
    }
}

/// A source, these transforms in a row, and a sink.
pub(super) fn chain(transforms: &[Counts], record: &Record) -> Plan {
    let gives = Part::Gives { pause: Duration::from_millis(1) };
    let parts = transforms.iter().cloned().map(Part::Counts);
    let parts = std::iter::once(gives).chain(parts).chain([Part::Writes { host: "here" }]);
    let mut plan = Plan::default();
    for (number, part) in parts.enumerate() {
        let mut node = node(&format!("n{number}"), "links", part, "", record);
        node.inputs =
            plan.nodes.last().map(|node| Input { from: node.id.clone(), port: 0 }).into_iter().collect();
        plan.nodes.push(node);
    }
    plan
}

impl Connection {
    fn edited(&self, other: &Self, mix: &mut Mix<'_>) -> Self {
        Connection {
            is_there: mix.pick(&self.is_there, &other.is_there),
            version: mix.pick(&self.version, &other.version),
            files: mix.pick(&self.files, &other.files),
            renews: mix.pick(&self.renews, &other.renews),
        }
    }
}

impl Source {
    fn edited(&self, other: &Self, mix: &mut Mix<'_>) -> Self {
        Source {
            is_there: mix.pick(&self.is_there, &other.is_there),
            pause: mix.pick(&self.pause, &other.pause),
            connection: mix.pick(&self.connection, &other.connection),
            persists_numbers: mix.pick(&self.persists_numbers, &other.persists_numbers),
        }
    }
}

impl Transform {
    fn edited(&self, other: &Self, mix: &mut Mix<'_>) -> Self {
        let counts = Counts {
            memory: mix.pick(&self.counts.memory, &other.counts.memory),
            fails: mix.pick(&self.counts.fails, &other.counts.fails),
            splits: mix.pick(&self.counts.splits, &other.counts.splits),
            blocks: mix.pick(&self.counts.blocks, &other.counts.blocks),
        };
        let mut beside = |number: usize| match (&self.beside[number], &other.beside[number]) {
            (Some(own), Some(other)) => Some(own.edited(other, mix)),
            (own, other) => mix.pick(own, other),
        };
        let beside = [beside(0), beside(1)];
        Transform {
            is_there: mix.pick(&self.is_there, &other.is_there),
            component: mix.pick(&self.component, &other.component),
            version: mix.pick(&self.version, &other.version),
            counts,
            input: (mix.pick(&self.input.0, &other.input.0), mix.pick(&self.input.1, &other.input.1)),
            second: mix.pick(&self.second, &other.second),
            beside,
            control: mix.pick(&self.control, &other.control),
        }
    }
}

impl Value {
    fn edited(&self, other: &Self, mix: &mut Mix<'_>) -> Self {
        Value {
            is_renamed: mix.pick(&self.is_renamed, &other.is_renamed),
            reference: mix.pick(&self.reference, &other.reference),
            freshness: mix.pick(&self.freshness, &other.freshness),
        }
    }
}

impl Sink {
    fn edited(&self, other: &Self, mix: &mut Mix<'_>) -> Self {
        Sink {
            is_there: mix.pick(&self.is_there, &other.is_there),
            is_in_its_place: mix.pick(&self.is_in_its_place, &other.is_in_its_place),
            version: mix.pick(&self.version, &other.version),
            host: mix.pick(&self.host, &other.host),
            input: mix.pick(&self.input, &other.input),
            connection: mix.pick(&self.connection, &other.connection),
            is_on_disk: mix.pick(&self.is_on_disk, &other.is_on_disk),
        }
    }
}

fn source_name(number: usize) -> String {
    format!("a{number}")
}

fn transform_name(number: usize) -> String {
    format!("t{number}")
}

/// How fresh a value must be; all of them are, once events flow.
fn freshness(number: usize) -> Freshness {
    let (max_age, missing) = match number {
        0 => (None, Missing::Null),
        1 => (Some(SECOND), Missing::Null),
        2 => (Some(SECOND), Missing::Drop),
        _ => (None, Missing::Wait(SECOND)),
    };
    Freshness { max_age, missing }
}

/// A node without edges. Its version is what `part` and `text` say.
fn node(name: &str, component: &'static str, part: Part, text: &str, record: &Record) -> Node {
    let config = format!("{component} {part:?} {text}");
    let hash =
        config.bytes().fold(7, |hash: u128, byte| hash.wrapping_mul(31).wrapping_add(u128::from(byte)));
    let (kind, memory) = (part.kind(), part.memory());
    let prepared = Config { part, version: Fingerprint(hash), record: record.clone() };
    Node {
        id: NodeId::new("p", name),
        kind,
        component,
        memory,
        facts: prepared.facts(),
        prepared: Arc::new(prepared),
        inputs: Vec::new(),
        with: Vec::new(),
        controls: Vec::new(),
        settings: &[],
        connection: None,
        policy: SinkPolicy::default(),
        fingerprint: Fingerprint(hash),
        text_fingerprint: Fingerprint(hash),
        origins: BTreeMap::new(),
    }
}
