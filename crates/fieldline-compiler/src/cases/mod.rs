//! [`TestCase`]: what a `tests:` block says, as plain data. Whoever runs it needs no YAML.

pub(crate) mod lower;

mod feed;

mod expect;

use std::path::PathBuf;
use std::time::Duration;

use fieldline_core::condition::Condition;
use fieldline_core::{FieldPath, Map, Value};
use jiff::Timestamp;

use crate::request::Overrides;
use crate::text::files::Span;

/// One case of one pipeline. A case with a table (`each:`) has become one for each of its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct TestCase {
    /// The pipeline it tests.
    pub pipeline: String,
    /// The file of the pipeline, which is what to compile again where the case has overrides.
    pub file: PathBuf,
    /// Its name; for a row of a table, `case / row`.
    pub name: String,
    /// Where its name is written.
    pub span: Span,
    /// What time it is when it begins; 2000-01-01T00:00:00Z without it.
    pub at: Option<Timestamp>,
    /// The params and environment it sets. Where there are any, use [`compile_case`](crate::compile_case).
    pub overrides: Overrides,
    /// Sources that run as they are, such as a timer. All others that are not fed are silent.
    pub run: Vec<String>,
    /// What goes in first, in the order in which it is written.
    pub feed: Vec<Feed>,
    /// What happens then.
    pub steps: Vec<Step>,
    /// What must have come out in the end.
    pub expect: Vec<Expectation>,
    /// What the accounts of nodes must say in the end.
    pub ledger: Vec<Account>,
}

/// Events for one node, as if they came from it (a source or a transform) or to it (a sink).
#[derive(Clone, Debug, PartialEq)]
pub struct Feed {
    /// The node.
    pub node: String,
    /// Where it is written.
    pub span: Span,
    /// The events.
    pub events: Recording,
    /// How fast they come.
    pub pace: Pace,
    /// How many times they come, one time after the other.
    pub repeat: u64,
    /// Metadata they all have: `topic`, and fields by any other name.
    pub meta: Map,
}

/// How fast events come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pace {
    /// All in the same moment.
    AtOnce,
    /// The first at once, each other this long after the one before.
    Every(Duration),
    /// With the pauses between the times that stand in this field, each with its own time.
    Recorded(FieldPath),
}

/// Events, written out or in a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Recording {
    /// Bodies, in order.
    Bodies(Vec<Value>),
    /// A file with one JSON text a line, or a CSV file with a line of names.
    File(PathBuf),
}

/// Something that happens at some time.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where it is written.
    pub span: Span,
    /// When it happens.
    pub when: When,
    /// What happens.
    pub actions: Vec<Action>,
}

/// When a step happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// This long after the case began.
    At(Duration),
    /// This long after the step before.
    After(Duration),
}

/// What happens in a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Events come.
    Feed(Feed),
    /// A connection is down for a while.
    Down {
        /// The connection.
        connection: String,
        /// How long.
        lasts: Duration,
    },
    /// A source or sink fails.
    Fail {
        /// The node.
        node: String,
        /// How many times in a row.
        times: u64,
        /// The reason it gives.
        message: String,
    },
}

/// What must have come out of a node, or to a sink.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The node.
    pub node: String,
    /// One of its outputs; the main one without it.
    pub port: Option<String>,
    /// Where it is written.
    pub span: Span,
    /// What.
    pub events: Expected,
    /// How long after the beginning of the case each event comes; empty where that is not said.
    pub times: Vec<Duration>,
}

/// What events are expected.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// Exactly these, in order; none for `absent` and for an empty list.
    Patterns(Vec<Pattern>),
    /// So many, whatever they are.
    Count(u64),
    /// What stands in this file, one JSON text a line, which `--update` writes.
    Golden(PathBuf),
}

/// What one event must look like.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// The question it must pass.
    pub condition: Condition,
    /// The pattern as it was written, to be shown beside the event.
    pub value: Value,
    /// Where it is written.
    pub span: Span,
}

/// What the account of a node must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The node.
    pub node: String,
    /// Where it is written.
    pub span: Span,
    /// Counters, by their names in `fieldline_core::Balance`, and what they must be.
    pub counts: Vec<(&'static str, u64)>,
}
