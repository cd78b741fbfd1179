//! [`Schedule`]: what a case lets happen, and when, counted from its beginning.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fieldline_compiler::FileSource;
use fieldline_compiler::cases::{Action, Feed, Pace, Recording, TestCase, When};
use fieldline_core::{Map, TimeForm, Value};
use jiff::Timestamp;

use crate::error::CaseError;
use crate::recording;

/// The most events of one case: beyond that it is no test.
const MOST_EVENTS: usize = 1_000_000;

/// What happens in a case.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// What happens to each node, in order of time.
    pub(crate) nodes: BTreeMap<String, Vec<Happening>>,
    /// When connections are down.
    pub(crate) outages: Vec<Outage>,
    /// When the last step or event is.
    pub(crate) end: Duration,
}

/// Something that happens to a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Happening {
    /// How long after the beginning.
    pub(crate) at: Duration,
    /// What.
    pub(crate) what: What,
}

/// What happens to a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// An event comes.
    Event(Fed),
    /// It fails some times in a row.
    Failure {
        /// How many times.
        times: u64,
        /// The reason it gives.
        message: String,
    },
}

/// An event that is fed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fed {
    /// Its body, the same for every time it is repeated.
    pub(crate) body: Arc<Value>,
    /// The time it carries, where that is another than the one at which it comes.
    pub(crate) time: Option<Timestamp>,
    /// Further metadata.
    pub(crate) meta: Arc<Map>,
}

/// A time during which a connection is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// The connection.
    pub(crate) connection: String,
    /// From when on.
    pub(crate) from: Duration,
    /// When it is up again.
    pub(crate) until: Duration,
}

impl Schedule {
    /// What `case` lets happen.
    pub(crate) fn of(case: &TestCase, files: &dyn FileSource) -> Result<Self, CaseError> {
        let mut schedule = Schedule::default();
        for feed in &case.feed {
            schedule.feed(feed, Duration::ZERO, files)?;
        }
        let mut now = Duration::ZERO;
        for step in &case.steps {
            now = match step.when {
                When::At(at) => at,
                When::After(pause) => now.saturating_add(pause),
            };
            schedule.end = schedule.end.max(now);
            for action in &step.actions {
                schedule.act(action, now, files)?;
            }
        }
        for happenings in schedule.nodes.values_mut() {
            happenings.sort_by_key(|happening| happening.at);
        }
        Ok(schedule)
    }

    fn act(&mut self, action: &Action, now: Duration, files: &dyn FileSource) -> Result<(), CaseError> {
        match action {
            Action::Feed(feed) => return self.feed(feed, now, files),
            Action::Down { connection, lasts } => self.outages.push(Outage {
                connection: connection.clone(),
                from: now,
                until: now.saturating_add(*lasts),
            }),
            Action::Fail { node, times, message } => {
                let what = What::Failure { times: *times, message: message.clone() };
                self.nodes.entry(node.clone()).or_default().push(Happening { at: now, what });
            }
        }
        Ok(())
    }

    fn feed(&mut self, feed: &Feed, start: Duration, files: &dyn FileSource) -> Result<(), CaseError> {
        let bodies = match &feed.events {
            Recording::Bodies(bodies) => bodies.clone(),
            Recording::File(path) => recording::read(path, files)?,
        };
        let repeat = usize::try_from(feed.repeat).unwrap_or(usize::MAX);
        let count = bodies.len().saturating_mul(repeat);
        let happenings = self.nodes.entry(feed.node.clone()).or_default();
        if count.saturating_add(happenings.len()) > MOST_EVENTS {
            return Err(CaseError::TooManyEvents { node: feed.node.clone(), most: MOST_EVENTS });
        }
        let bodies: Vec<Arc<Value>> = bodies.into_iter().map(Arc::new).collect();
        let meta = Arc::new(feed.meta.clone());
        happenings.reserve(count);
        let all = (0..repeat).flat_map(|_| &bodies);
        let mut at = start;
        let mut first = None;
        for body in all {
            let mut time = None;
            if let Pace::Recorded(field) = &feed.pace {
                let value = field.get(body).unwrap_or(&Value::Null);
                let recorded = TimeForm::default().read(value).map_err(|error| CaseError::NoTime {
                    node: feed.node.clone(),
                    field: field.clone(),
                    error,
                })?;
                let pause = recorded.duration_since(*first.get_or_insert(recorded));
                // A clock that was set back while it was recorded does not turn the case's time back.
                at = at.max(start.saturating_add(Duration::try_from(pause).unwrap_or_default()));
                time = Some(recorded);
            }
            let fed = Fed { body: body.clone(), time, meta: meta.clone() };
            happenings.push(Happening { at, what: What::Event(fed) });
            self.end = self.end.max(at);
            if let Pace::Every(every) = feed.pace {
                at = at.saturating_add(every);
            }
        }
        Ok(())
    }
}
