//! What becomes of each event of an example: the example is run, and every event has an account of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldline_core::Plain;
use fieldline_core::{
    BuildCx, Built, Clock, Definition, Door, Event, Example, FileError, Files, Ledger, Map, Meta, Moment,
    Outputs, Receipt, Transform, Value, json,
};
use fieldline_runtime::SystemTime;
use jiff::Timestamp;

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// It came out, or something in its place.
    Passes,
    /// It came out at another output than the main one.
    Aside,
    /// It is part of what comes out later.
    Gathered,
    /// It was taken out, for this reason.
    TakenOut(&'static str),
    /// It could not be processed, for this reason.
    Failed(&'static str),
}

/// What becomes of the events of an example, which come one a second.
#[expect(clippy::disallowed_methods, reason = "any moment will do to count from")]
pub(super) fn fates(definition: &Definition, example: &Example) -> Vec<Fate> {
    let mut run = Run { transform: built(definition, example), now: Instant::now(), out: Outputs::default() };
    let mut ledgers = Vec::new();
    for line in example.input.lines() {
        run.wait(Duration::from_secs(1));
        let ledger = Arc::new(Ledger::default());
        let meta = Meta::new(Timestamp::UNIX_EPOCH, "in".into());
        let body = json::decode(line.as_bytes()).expect("examples are JSON lines");
        let mut event = Event::new(body, meta, Receipt::untracked());
        event.enter(&ledger);
        run.at_moment(|transform, moment, out| transform.apply(event, moment, out));
        ledgers.push(ledger);
    }
    run.at_moment(|transform, moment, out| transform.finish(moment, out));
    ledgers.iter().map(|ledger| fate(ledger)).collect()
}

fn built(definition: &Definition, example: &Example) -> Box<dyn Transform> {
    let config: Value = serde_yaml::from_str(example.config).expect("examples are YAML");
    let prepared = (definition.read)(&config, &Plain).expect("examples fit");
    let cx = BuildCx {
        node: "example/node",
        files: &NoFiles,
        connections: &Default::default(),
        data_dir: "data".as_ref(),
        with: &[],
        clock: &Clock::new(SystemTime::default()),
        origins: &|_| None,
    };
    match prepared.build(&cx) {
        Ok(Built::Transform(transform)) => transform,
        _ => panic!("{} is no transform", definition.name),
    }
}

fn fate(ledger: &Ledger) -> Fate {
    let balance = ledger.balance();
    let reason = |door: &str| balance.reasons.keys().find(|(of, _)| *of == door).map(|(_, reason)| *reason);
    match (reason("dead_lettered"), reason("filtered")) {
        (Some(reason), _) => Fate::Failed(reason),
        (None, Some(reason)) => Fate::TakenOut(reason),
        (None, None) if balance.absorbed > 0 => Fate::Gathered,
        (None, None) => Fate::Passes,
    }
}

/// Examples read no files.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &Path) -> Result<bytes::Bytes, FileError> {
        Err(FileError::Missing)
    }
}

/// A transform and its time.
struct Run {
    transform: Box<dyn Transform>,
    now: Instant,
    out: Outputs,
}

impl Run {
    /// Lets time pass, with all deadlines on the way.
    fn wait(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(deadline) = self.transform.deadline().filter(|deadline| *deadline <= end) {
            self.now = deadline.max(self.now);
            self.at_moment(|transform, moment, out| transform.on_deadline(moment, out));
        }
        self.now = end;
    }

    fn at_moment(&mut self, act: impl FnOnce(&mut dyn Transform, &Moment<'_>, &mut Outputs)) {
        let moment = Moment { instant: self.now, time: Timestamp::UNIX_EPOCH, with: &Map::default() };
        act(self.transform.as_mut(), &moment, &mut self.out);
        self.out.drain_sent().for_each(|(_, event)| event.finish(Door::Delivered));
        for (event, error) in self.out.drain_failed() {
            event.finish(Door::DeadLettered(error.reason));
        }
    }
}
