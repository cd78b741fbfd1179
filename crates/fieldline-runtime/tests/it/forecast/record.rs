//! [`Record`]: what really happened to the components of a program, one [`Instance`] for each that was built.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use fieldline_compiler::Fingerprint;
use fieldline_core::{Map, Outcome, Value};
use tokio::task;

/// What the components of one test tell: shared by all generations of them.
#[derive(Clone, Default)]
pub(super) struct Record(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    instances: Vec<Instance>,
    /// The instance that gave each batch, by token.
    batches: Vec<usize>,
    settled: BTreeMap<u64, Vec<Outcome>>,
    is_over: bool,
}

/// One component, from its being built on.
#[derive(Clone, Debug, Default)]
pub(super) struct Instance {
    pub(super) number: usize,
    pub(super) node: String,
    /// The config it was built from, without the content of files.
    pub(super) version: Fingerprint,
    /// The instance of the connection it was built with.
    pub(super) connection: Option<usize>,
    /// The task it works in.
    pub(super) task: Option<task::Id>,
    /// How many events it had counted when it began, and by now.
    pub(super) began: i64,
    pub(super) count: i64,
    /// The instance whose state it has taken over.
    pub(super) took_over: Option<usize>,
    /// How often it went on with other files.
    pub(super) renewals: usize,
    pub(super) is_finished: bool,
    /// Whether it sent its state on when it was finished.
    pub(super) is_sent: bool,
    pub(super) is_closed: bool,
    pub(super) is_dropped: bool,
    /// What it has heard since this was cleared last.
    pub(super) heard: Heard,
}

/// By input, `node.port`: the instance that events come from.
pub(super) type Events = BTreeMap<String, usize>;

/// By the name of a value beside events: the input, and the instance that it comes from.
pub(super) type Values = BTreeMap<String, (String, usize)>;

/// What came to an instance: which instance stood behind each edge.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) events: Events,
    pub(super) beside: Values,
    /// All names of values with all inputs that they came from.
    pub(super) beside_at_all: BTreeSet<(String, String)>,
    /// The nodes whose failed events came.
    pub(super) letters: BTreeSet<String>,
}

impl Record {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().expect("no panic holds it")
    }

    /// A new instance of `node`, and what it tells by.
    pub(super) fn build(&self, node: &str, version: Fingerprint, connection: Option<usize>) -> Teller {
        let instances = &mut self.told().instances;
        let number = instances.len();
        let node = node.rsplit('/').next().unwrap_or_default().to_owned();
        instances.push(Instance { number, node: node.clone(), version, connection, ..Instance::default() });
        Teller { record: self.clone(), number, node }
    }

    /// The instances that have neither ended nor gone, by node.
    pub(super) fn at_work(&self) -> BTreeMap<String, Instance> {
        let instances = self.told().instances.clone();
        let mut at_work = BTreeMap::new();
        for instance in instances.into_iter().filter(|one| !one.is_closed && !one.is_dropped) {
            let node = instance.node.clone();
            let other = at_work.insert(node.clone(), instance);
            assert!(other.is_none(), "two instances of `{node}` are at work");
        }
        at_work
    }

    pub(super) fn instance(&self, number: usize) -> Instance {
        self.told().instances[number].clone()
    }

    /// The connection with this number goes on with other files.
    pub(super) fn renewed(&self, number: usize) {
        self.told().instances[number].renewals += 1;
    }

    /// Forgets what all instances have heard.
    pub(super) fn clear_heard(&self) {
        self.told().instances.iter_mut().for_each(|instance| instance.heard = Heard::default());
    }

    /// Has every source come to its end.
    pub(super) fn end(&self) {
        self.told().is_over = true;
    }

    pub(super) fn is_over(&self) -> bool {
        self.told().is_over
    }

    /// The batches with the instances that gave them, and what those have heard of them.
    pub(super) fn batches(&self) -> Vec<(Instance, Vec<Outcome>)> {
        let told = self.told();
        let outcomes = |token: usize| told.settled.get(&(token as u64)).cloned().unwrap_or_default();
        let batches = told.batches.iter().enumerate();
        batches.map(|(token, number)| (told.instances[*number].clone(), outcomes(token))).collect()
    }
}

/// By which one instance tells what happens to it. It goes with the instance.
pub(super) struct Teller {
    record: Record,
    pub(super) number: usize,
    node: String,
}

impl Teller {
    pub(super) fn tell(&self, tell: impl FnOnce(&mut Instance)) {
        tell(&mut self.record.told().instances[self.number]);
    }

    /// It works, here, and has counted this many events.
    pub(super) fn works(&self, count: i64) {
        self.tell(|instance| (instance.task, instance.count) = (task::try_id(), count));
    }

    /// What an event says that this instance sends: where it comes from.
    pub(super) fn body(&self, port: u16) -> Value {
        let from = format!("{}.{port}", self.node);
        Value::from([("from", from.into()), ("instance", (self.number as i64).into())])
    }

    /// An event has come, or a letter.
    pub(super) fn hears(&self, body: &Value) {
        self.tell(|instance| {
            if let Some((from, sender)) = origin(body) {
                instance.heard.events.insert(from, sender);
            } else if let Some(node) = body.as_map().and_then(|letter| letter.get("node")?.as_text()) {
                instance.heard.letters.insert(node.rsplit('/').next().unwrap_or_default().to_owned());
            }
        });
    }

    /// An event has come with the values of these names beside it.
    pub(super) fn hears_beside(&self, names: &[String], with: &Map) {
        let values = names.iter().filter_map(|name| Some((name.clone(), origin(with.get(name.as_str())?)?)));
        self.tell(|instance| {
            for (name, (input, sender)) in values {
                instance.heard.beside_at_all.insert((name.clone(), input.clone()));
                instance.heard.beside.insert(name, (input, sender));
            }
        });
    }

    /// A batch is given; its token.
    pub(super) fn gives(&self) -> u64 {
        let batches = &mut self.record.told().batches;
        batches.push(self.number);
        batches.len() as u64 - 1
    }

    pub(super) fn settled(&self, token: u64, outcome: Outcome) {
        self.record.told().settled.entry(token).or_default().push(outcome);
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.tell(|instance| instance.is_dropped = true);
    }
}

/// Where an event was sent last: the output, and the instance.
fn origin(body: &Value) -> Option<(String, usize)> {
    let body = body.as_map()?;
    let from = body.get("from")?.as_text()?.to_owned();
    Some((from, usize::try_from(body.get("instance")?.as_i64()?).ok()?))
}
