//! Components that tell a [`Record`] what happens to them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fieldline_compiler::Fingerprint;
use fieldline_core::connection::{Connection, Handle, Renewal, Report, Standing, Stop};
use fieldline_core::memory::Memory;
use fieldline_core::{
    Batch, BuildCx, BuildError, Built, CheckCx, Clock, ComponentError, Draft, Event, EventError, Facts, Kind,
    Meta, Moment, Outcome, Outputs, Prepare, Setting, Settings, Shape, Sink, Source, Transform, WriteError,
    downcast,
};

use super::record::{Record, Teller};

/// What commands may set of a transform; it does nothing.
pub(super) const SETTINGS: &[Setting] =
    &[Setting { name: "factor", summary: "Nothing.", shape: Shape::Count { min: 1, max: 3, unit: "times" } }];

/// Components by what they do.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Connects {
        renews: bool,
    },
    /// Gives an event each `pause`, and of every fifth batch one that has failed.
    Gives {
        pause: Duration,
    },
    Counts(Counts),
    Writes {
        host: &'static str,
    },
}

/// What a transform does beside counting its events and sending them on.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    pub(super) memory: Option<Keeps>,
    /// Events fail whose number this divides.
    pub(super) fails: Option<i64>,
    /// Whether every second event goes to its other output.
    pub(super) splits: bool,
    pub(super) blocks: bool,
}

/// How a transform keeps its count.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Keeps {
    /// Versions with the same one go on with it.
    pub(super) key: Option<u8>,
    /// Whether it holds an event back, which it sends on at its end.
    pub(super) is_sent: bool,
}

impl Part {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Part::Connects { .. } => Kind::Connection,
            Part::Gives { .. } => Kind::Source,
            Part::Counts { .. } => Kind::Transform,
            Part::Writes { .. } => Kind::Sink,
        }
    }

    pub(super) fn memory(&self) -> Option<Memory> {
        let Part::Counts(Counts { memory: Some(keeps), .. }) = self else { return None };
        let key = keeps.key.map(|key| key.to_string());
        Some(Memory { is_sent: keeps.is_sent, ..Memory::of("its count").with_key(key) })
    }
}

/// A component and the record it tells.
pub(super) struct Config {
    pub(super) part: Part,
    pub(super) version: Fingerprint,
    pub(super) record: Record,
}

impl Prepare for Config {
    fn check(&self, _: &mut CheckCx<'_>) {}

    fn facts(&self) -> Facts {
        let main = Facts { outputs: vec!["main".into()], ..Facts::default() };
        match &self.part {
            Part::Connects { renews } => Facts { renews: *renews, ..main },
            Part::Gives { .. } => main,
            Part::Counts(counts) => Facts {
                outputs: vec!["main".into(), "second".into(), "response".into()],
                settings: Settings::from([("factor", 1.into())]),
                blocking: counts.blocks,
                ..main
            },
            Part::Writes { host } => Facts { peer: Some(format!("{host}:1883")), ..main },
        }
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let connection = cx.connections.values().next().and_then(number);
        let teller = self.record.build(cx.node, self.version, connection);
        Ok(match &self.part {
            Part::Connects { .. } => Built::Connection(Box::new(Connects(teller))),
            Part::Gives { pause } => Built::Source(Box::new(Gives { teller, pause: *pause, given: 0 })),
            Part::Counts(counts) => Built::Transform(Box::new(CountsEvents {
                teller,
                counts: counts.clone(),
                with: cx.with.to_vec(),
                count: 0,
                held: None,
            })),
            Part::Writes { .. } => Built::Sink(Box::new(Writes { teller, count: 0 })),
        })
    }
}

/// The instance of a connection.
fn number(handle: &Handle) -> Option<usize> {
    handle.downcast_ref().copied()
}

struct Connects(Teller);

#[async_trait]
impl Connection for Connects {
    fn handle(&self) -> Handle {
        Arc::new(self.0.number)
    }

    fn renewal(&self, running: &Handle, _: &Clock) -> Result<Renewal, ComponentError> {
        let running = number(running).ok_or_else(|| ComponentError::permanent("handle", "it is another"))?;
        let record = self.0.record().clone();
        Ok(Box::new(move || record.renewed(running)))
    }

    async fn run(self: Box<Self>, _: Clock, report: Report, stop: Stop) -> Result<(), ComponentError> {
        self.0.works(0);
        report(Standing::Up);
        stop.await;
        self.0.tell(|instance| instance.is_closed = true);
        Ok(())
    }
}

struct Gives {
    teller: Teller,
    pause: Duration,
    given: i64,
}

#[async_trait]
impl Source for Gives {
    async fn next(&mut self, clock: &Clock) -> Result<Option<Batch>, ComponentError> {
        tokio::time::sleep(self.pause).await;
        if self.teller.record().is_over() {
            return Ok(None);
        }
        self.given += 1;
        self.teller.works(self.given);
        let draft = || Draft { body: self.teller.body(0), meta: Meta::new(clock.time(), "".into()) };
        let failed = (self.given % 5 == 0).then(|| (draft(), EventError::new("unreadable", "it is made so")));
        let token = self.teller.gives();
        Ok(Some(Batch {
            token,
            events: vec![draft()],
            failed: failed.into_iter().collect(),
            ..Batch::default()
        }))
    }

    async fn settle(&mut self, token: u64, outcome: Outcome) -> Result<(), ComponentError> {
        self.teller.settled(token, outcome);
        Ok(())
    }

    async fn close(&mut self) {
        self.teller.tell(|instance| instance.is_closed = true);
    }
}

struct CountsEvents {
    teller: Teller,
    counts: Counts,
    /// The names of the values beside its events.
    with: Vec<String>,
    count: i64,
    held: Option<Event>,
}

impl CountsEvents {
    fn send(&self, mut event: Event, out: &mut Outputs) {
        let port = if self.counts.splits { u16::from(self.count % 2 != 0) } else { 0 };
        event.replace_body(self.teller.body(port));
        out.send_to(port, event);
    }

    fn key(&self) -> Option<u8> {
        self.counts.memory.as_ref()?.key
    }

    fn holds(&self) -> bool {
        self.counts.memory.as_ref().is_some_and(|keeps| keeps.is_sent)
    }
}

impl Transform for CountsEvents {
    fn apply(&mut self, event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        self.count += 1;
        self.teller.works(self.count);
        self.teller.hears(event.body());
        self.teller.hears_beside(&self.with, moment.with);
        if self.counts.fails.is_some_and(|n| self.count % n == 0) {
            return out.fail(event, EventError::new("told_to", "it is made so"));
        }
        let sent = if self.holds() { self.held.replace(event) } else { Some(event) };
        if let Some(event) = sent {
            self.send(event, out);
        }
    }

    fn finish(&mut self, _: &Moment<'_>, out: &mut Outputs) {
        let held = self.held.take();
        self.teller.tell(|instance| (instance.is_finished, instance.is_sent) = (true, held.is_some()));
        if let Some(event) = held {
            self.send(event, out);
        }
    }

    fn take_over(
        &mut self,
        before: Box<dyn Transform>,
        _: &Moment<'_>,
        out: &mut Outputs,
    ) -> Result<(), BuildError> {
        let mut before = downcast::<CountsEvents>(before)?;
        if self.key() != before.key() {
            return Err(BuildError::new("it was kept under another key"));
        }
        self.count = before.count;
        self.teller.tell(|instance| {
            instance.took_over = Some(before.teller.number);
            (instance.began, instance.count) = (before.count, before.count);
        });
        match before.held.take() {
            Some(event) if self.holds() => self.held = Some(event),
            Some(event) => self.send(event, out),
            None => {}
        }
        Ok(())
    }
}

struct Writes {
    teller: Teller,
    count: i64,
}

#[async_trait]
impl Sink for Writes {
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        tokio::task::yield_now().await;
        self.count += events.len() as i64;
        self.teller.works(self.count);
        events.iter().for_each(|event| self.teller.hears(event.body()));
        Ok(())
    }

    async fn close(&mut self) {
        self.teller.tell(|instance| instance.is_closed = true);
    }
}
