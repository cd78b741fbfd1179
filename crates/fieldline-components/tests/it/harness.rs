//! Builds components from YAML without a program around them, and runs transforms with every account open.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldline_core::Plain;
use fieldline_core::connection::Handle;
use fieldline_core::read::ReadError;
use fieldline_core::report::{Problem, Report};
use fieldline_core::{
    Balance, BuildCx, Built, CheckCx, Clock, Definition, Door, Event, FileError, Files, Kind, Ledger, Map,
    Meta, Moment, Outcome, Outputs, Prepared, Receipt, Settle, TimeSource, Transform, Value, json,
};
use jiff::Timestamp;
use tokio::time::Instant;

/// Every file exists and is empty.
struct EmptyFiles;

impl Files for EmptyFiles {
    fn read(&self, _: &Path) -> Result<bytes::Bytes, FileError> {
        Ok(bytes::Bytes::new())
    }
}

/// The definition of component `name`.
pub(crate) fn definition(kind: Kind, name: &str) -> Definition {
    fieldline_components::all()
        .find(|definition| definition.kind == kind && definition.name == name)
        .expect("the component exists")
}

/// Reads a config as the compiler would.
pub(crate) fn read(definition: &Definition, yaml: &str) -> Result<Prepared, ReadError> {
    let value: Value = serde_yaml::from_str(yaml).expect("the config is YAML");
    (definition.read)(&value, &Plain)
}

/// What the config's own check complains about.
pub(crate) fn problems(prepared: &Prepared) -> Vec<Problem> {
    problems_reading(prepared, &[])
}

/// The same for a node that reads `inputs`.
pub(crate) fn problems_reading(prepared: &Prepared, inputs: &[&str]) -> Vec<Problem> {
    let mut report = Report::default();
    let inputs = inputs.iter().map(|input| (*input).to_owned()).collect();
    prepared.check(&mut CheckCx::new(&mut report, &EmptyFiles).reading(inputs));
    report.problems().to_vec()
}

/// The component, built but not begun; every connection it names is an MQTT connection.
pub(crate) fn build(prepared: &Prepared) -> Built {
    let named = prepared.facts().connection.map(|(_, name)| name);
    build_with(prepared, &named.into_iter().map(|name| (name, connection())).collect())
}

/// The handle of an MQTT connection that is built and never run.
fn connection() -> Handle {
    let definition = definition(Kind::Connection, "mqtt");
    let prepared = read(&definition, definition.examples[0].config).expect("the example fits");
    match build_with(&prepared, &BTreeMap::new()) {
        Built::Connection(connection) => connection.handle(),
        other => panic!("a {} is no connection", other.kind().word()),
    }
}

fn build_with(prepared: &Prepared, connections: &BTreeMap<String, Handle>) -> Built {
    let cx = BuildCx {
        node: "test/node",
        files: &EmptyFiles,
        connections,
        data_dir: Path::new("data"),
        with: &[],
        clock: &clock(),
        origins: &|_| None,
    };
    prepared.build(&cx).expect("a config that passed its checks builds")
}

/// A wall clock that stands still.
struct Still;

impl TimeSource for Still {
    fn instant(&self) -> std::time::Instant {
        tokio::time::Instant::now().into_std()
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000).expect("a time")
    }
}

/// The clock of all tests.
pub(crate) fn clock() -> Clock {
    Clock::new(Still)
}

/// What became of the events a transform was given.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    /// What was sent, one line each: the port's name before bodies of components with named outputs.
    pub(crate) sent: Vec<String>,
    /// The same lines, each behind the time at which it was sent: `3s`, or `end` when the input had ended.
    pub(crate) timed: Vec<String>,
    /// The reasons of events that failed.
    pub(crate) failed: Vec<&'static str>,
    /// The node's account at the end.
    pub(crate) balance: Balance,
    /// The outcome of each event given, in the order in which they ended.
    pub(crate) outcomes: Vec<(u64, Outcome)>,
}

#[derive(Default)]
struct Heard(Mutex<Vec<(u64, Outcome)>>);

impl Settle for Heard {
    fn settled(&self, batch: u64, outcome: Outcome) {
        self.0.lock().expect("no test panics while it holds this").push((batch, outcome));
    }
}

/// Gives the transform one event a second, calls it at its deadlines, and ends its input.
pub(crate) async fn run(definition: &Definition, yaml: &str, input: &[Value]) -> Run {
    let prepared = read(definition, yaml).expect("the config fits");
    let Built::Transform(mut transform) = build(&prepared) else {
        panic!("{} is no transform", definition.name)
    };
    let mut desk = Desk::new(prepared.facts().outputs);
    let heard = Arc::new(Heard::default());
    for (number, body) in (1..).zip(input) {
        desk.until(transform.as_mut(), Instant::now() + Duration::from_secs(1)).await;
        let receipt = Receipt::tracked(number, heard.clone());
        let mut event = Event::new(body.clone(), Meta::new(now().1, "test/in".into()), receipt);
        event.enter(&desk.ledger);
        desk.at_moment(|moment, out| transform.apply(event, moment, out));
    }
    desk.has_ended = true;
    desk.at_moment(|moment, out| transform.finish(moment, out));
    let outcomes = std::mem::take(&mut *heard.0.lock().expect("no test panics while it holds this"));
    Run { sent: desk.sent, timed: desk.timed, failed: desk.failed, balance: desk.ledger.balance(), outcomes }
}

/// Stands in for the driver: keeps the account, and settles what comes out.
struct Desk {
    outputs: Vec<String>,
    ledger: Arc<Ledger>,
    out: Outputs,
    start: Instant,
    has_ended: bool,
    sent: Vec<String>,
    timed: Vec<String>,
    failed: Vec<&'static str>,
}

impl Desk {
    fn new(outputs: Vec<String>) -> Self {
        Desk {
            outputs,
            ledger: Arc::default(),
            out: Outputs::default(),
            start: Instant::now(),
            has_ended: false,
            sent: Vec::new(),
            timed: Vec::new(),
            failed: Vec::new(),
        }
    }

    fn at_moment(&mut self, act: impl FnOnce(&Moment<'_>, &mut Outputs)) {
        let (instant, time) = now();
        act(&Moment { instant, time, with: &Map::default() }, &mut self.out);
        let seconds = self.start.elapsed().as_secs_f64();
        let when = if self.has_ended { "end".to_owned() } else { format!("{seconds}s") };
        for (port, event) in self.out.drain_sent() {
            let body = json::encode(event.body()).expect("bodies are finite");
            let body = String::from_utf8(body).expect("JSON is UTF-8");
            let line = match self.outputs.get(usize::from(port)) {
                Some(name) => format!("{name}: {body}"),
                None => body,
            };
            self.timed.push(format!("{when} {line}"));
            self.sent.push(line);
            event.finish(Door::Delivered);
        }
        for (event, error) in self.out.drain_failed() {
            self.failed.push(error.reason);
            event.finish(Door::DeadLettered(error.reason));
        }
    }

    async fn until(&mut self, transform: &mut dyn Transform, end: Instant) {
        while let Some(deadline) = transform.deadline().map(Instant::from_std).filter(|at| *at <= end) {
            tokio::time::sleep_until(deadline).await;
            self.at_moment(|moment, out| transform.on_deadline(moment, out));
        }
        tokio::time::sleep_until(end).await;
    }
}

/// The paused clock, and a wall clock that goes with it.
fn now() -> (std::time::Instant, Timestamp) {
    (Instant::now().into_std(), Timestamp::UNIX_EPOCH)
}
