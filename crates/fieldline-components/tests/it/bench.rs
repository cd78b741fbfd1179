//! Turns a transform by hand: readings arrive when the test says, taken when the test says, on a clock that
//! may be set.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fieldline_core::memory::LARGEST;
use fieldline_core::{
    Balance, BuildError, Built, Door, Event, Kind, Ledger, Map, Meta, Moment, Outcome, Outputs, Receipt,
    Settle, Transform, Value,
};
use jiff::{SignedDuration, Timestamp};

use crate::harness::{build, definition, read};

/// What came out: the output's name, the body, and when, counted from the beginning.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) port: String,
    pub(crate) body: serde_json::Value,
    pub(crate) after: Duration,
}

/// A transform, its account and its clocks.
pub(crate) struct Bench {
    transform: Box<dyn Transform>,
    ports: Vec<String>,
    ledger: Arc<Ledger>,
    out: Outputs,
    start: Instant,
    elapsed: Duration,
    /// How far the wall clock was set.
    set_by: SignedDuration,
    heard: Arc<Heard>,
    given: u64,
    pub(crate) sent: Vec<Sent>,
    pub(crate) failed: Vec<&'static str>,
    /// Results that are on their way, where the test wants to settle them itself.
    pub(crate) in_hand: Option<Vec<Event>>,
}

#[derive(Default)]
struct Heard(Mutex<Vec<(u64, Outcome)>>);

impl Settle for Heard {
    fn settled(&self, batch: u64, outcome: Outcome) {
        self.0.lock().expect("no test panics while it holds this").push((batch, outcome));
    }
}

impl Bench {
    #[expect(clippy::disallowed_methods, reason = "any moment will do to count from")]
    pub(crate) fn new(name: &str, yaml: &str) -> Self {
        let prepared = read(&definition(Kind::Transform, name), yaml).expect("the config fits");
        let Built::Transform(transform) = build(&prepared) else { panic!("{name} is no transform") };
        Bench {
            transform,
            ports: prepared.facts().outputs,
            ledger: Arc::default(),
            out: Outputs::default(),
            start: Instant::now(),
            elapsed: Duration::ZERO,
            set_by: SignedDuration::ZERO,
            heard: Arc::default(),
            given: 0,
            sent: Vec::new(),
            failed: Vec::new(),
            in_hand: None,
        }
    }

    /// Puts another version of the transform in its place, which takes over what it remembers.
    pub(crate) fn edit(&mut self, name: &str, yaml: &str) {
        let prepared = read(&definition(Kind::Transform, name), yaml).expect("the config fits");
        let Built::Transform(next) = build(&prepared) else { panic!("{name} is no transform") };
        let before = std::mem::replace(&mut self.transform, next);
        self.at_moment(|transform, moment, out| {
            transform.take_over(before, moment, out).expect("it can be taken over");
        });
    }

    /// Ends the program and starts it again with the same node after a `pause`: it has what was remembered, and nothing
    /// else.
    pub(crate) fn restart(&mut self, name: &str, yaml: &str, pause: Duration) {
        let prepared = read(&definition(Kind::Transform, name), yaml).expect("the config fits");
        let Built::Transform(next) = build(&prepared) else { panic!("{name} is no transform") };
        let remembered = self.remember().expect("it can be told");
        self.transform = next;
        self.elapsed += pause;
        if let Some(remembered) = remembered {
            assert!(remembered.weight() <= LARGEST);
            self.at_moment(|transform, moment, _| {
                transform.recall(&remembered, pause, moment).expect("it is understood");
            });
        }
    }

    /// What the transform says that it remembers.
    pub(crate) fn remember(&mut self) -> Result<Option<Value>, BuildError> {
        let mut remembered = Ok(None);
        self.at_moment(|transform, moment, _| remembered = transform.remember(moment));
        remembered
    }

    /// Lets time pass until so long after the beginning, with all deadlines on the way.
    pub(crate) fn until(&mut self, after: Duration) {
        while let Some(at) = self.transform.deadline().filter(|at| *at <= self.start + after) {
            self.elapsed = self.elapsed.max(at.saturating_duration_since(self.start));
            self.at_moment(|transform, moment, out| transform.on_deadline(moment, out));
        }
        self.elapsed = self.elapsed.max(after);
    }

    /// Gives a reading that was taken now.
    pub(crate) fn give(&mut self, body: serde_json::Value) {
        self.give_taken(self.wall(), body);
    }

    /// Gives a reading that was taken `millis` after 1970.
    pub(crate) fn give_taken_at(&mut self, millis: i64, body: serde_json::Value) {
        self.give_taken(Timestamp::from_millisecond(millis).expect("a time"), body);
    }

    /// Sets the wall clock forward or back.
    pub(crate) fn set_clock_by(&mut self, span: SignedDuration) {
        self.set_by += span;
    }

    /// Ends the input and gives everything that came out.
    pub(crate) fn finish(&mut self) -> Vec<Sent> {
        self.at_moment(|transform, moment, out| transform.finish(moment, out));
        assert_eq!(self.transform.deadline(), None, "nothing is due after the end");
        std::mem::take(&mut self.sent)
    }

    /// Which readings are settled, in the order in which they were.
    pub(crate) fn settled(&self) -> Vec<(u64, Outcome)> {
        self.heard.0.lock().expect("no test panics while it holds this").clone()
    }

    pub(crate) fn balance(&self) -> Balance {
        self.ledger.balance()
    }

    /// How many events were taken out for a reason.
    pub(crate) fn filtered(&self, reason: &'static str) -> u64 {
        self.balance().reasons.get(&("filtered", reason)).copied().unwrap_or(0)
    }

    fn give_taken(&mut self, time: Timestamp, body: serde_json::Value) {
        self.given += 1;
        let body: Value = serde_json::from_value(body).expect("JSON is a value");
        let receipt = Receipt::tracked(self.given, self.heard.clone());
        let mut event = Event::new(body, Meta::new(time, "test/in".into()), receipt);
        event.enter(&self.ledger);
        self.at_moment(|transform, moment, out| transform.apply(event, moment, out));
    }

    fn wall(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.elapsed).expect("tests are short");
        Timestamp::UNIX_EPOCH + elapsed + self.set_by
    }

    fn at_moment(&mut self, act: impl FnOnce(&mut dyn Transform, &Moment<'_>, &mut Outputs)) {
        let (instant, time) = (self.start + self.elapsed, self.wall());
        act(self.transform.as_mut(), &Moment { instant, time, with: &Map::default() }, &mut self.out);
        for reason in self.out.drain_withdrawn() {
            self.ledger.create();
            self.ledger.leave(Door::Filtered(reason));
        }
        for (port, event) in self.out.drain_sent() {
            self.sent.push(Sent {
                port: self.ports.get(usize::from(port)).map_or("main", String::as_str).to_owned(),
                body: serde_json::to_value(event.body()).expect("bodies are JSON"),
                after: self.elapsed,
            });
            match &mut self.in_hand {
                Some(events) => events.push(event),
                None => event.finish(Door::Delivered),
            }
        }
        for (event, error) in self.out.drain_failed() {
            self.failed.push(error.reason);
            event.finish(Door::DeadLettered(error.reason));
        }
    }
}
