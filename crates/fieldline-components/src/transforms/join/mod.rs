//! The `join` transform: makes one event of several that belong together. Here is its config; [`joiner`] is
//! what runs and [`waiting`] what waits for its partners.

mod joiner;

mod waiting;

use std::collections::BTreeMap;

use fieldline_core::condition::Condition;
use fieldline_core::memory::Memory;
use fieldline_core::suggest::nearest;
use fieldline_core::{BuildCx, BuildError, Built, CheckCx, Config, Event, Example, Files, Kind, Period};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use self::joiner::{Joiner, Rules};
use crate::fields::check_not_zero;
use crate::lookup::Lookup;
use crate::transforms::checks::check_positive;
use crate::transforms::keyed::default_max_keys;
use crate::transforms::timing::{Timing, nanos};

/// The fields of a `join`.
///
/// A result holds the body of one event of each side, under the side's name; its metadata is that of the first side's
/// event. An event is part of one result at most, and is settled towards its source with it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinConfig {
    /// What is joined: a name for each side and how its events are told, by the `input` they come by, their `source`,
    /// or `where` with a condition on the body. An event is of the first side that fits; one that fits none is taken out.
    #[schemars(with = "BTreeMap<String, Side>")]
    sides: IndexMap<String, Side>,
    /// Joins only events with the same value here, such as `machine` or `meta.topic`.
    by: Option<Lookup>,
    /// Joins only events that are less than this apart. Those of a side are joined in the order of their time.
    within: Period,
    /// What becomes of an event that finds no partners.
    #[serde(default)]
    mode: Mode,
    /// Which time counts.
    #[serde(default)]
    time: Timing,
    /// How long an event waits for its partners, by the clock; as long as `within` if not given. More is needed where
    /// sides arrive with different delay.
    wait: Option<Period>,
    /// The most events that wait, of all keys together. One that would be more goes to the dead letter.
    #[serde(default = "default_max_events")]
    max_events: usize,
    /// The most keys there are events for. A new one ends the waiting of the key that was silent for longest.
    #[serde(default = "default_max_keys")]
    max_keys: usize,
}

/// How the events of a side are told.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Side {
    /// The input they come by, written as under `inputs`: `node`, or `node.output`.
    input: Option<String>,
    /// The source that brought them in, through whatever they came since: `node` of any pipeline, or `pipeline/node`.
    source: Option<String>,
    /// A condition on the body.
    r#where: Option<Condition>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// It is taken out.
    #[default]
    Inner,
    /// One of the first side passes alone, the other sides being null; others are taken out.
    Left,
    /// It passes alone, the other sides being null.
    Outer,
}

fn default_max_events() -> usize {
    10_000
}

impl Config for JoinConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "join";
    const SUMMARY: &'static str =
        "Makes one event of several that come close together and have the same key.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "The air and the motor of the same machine",
            config: "sides:\n  air: { where: { t: { present: true } } }\n  motor: { where: { rpm: { present: true } } }\nby: machine\nwithin: 5s",
            input: "{\"machine\":1,\"t\":20}\n{\"machine\":2,\"t\":30}\n{\"machine\":1,\"rpm\":1500}",
            output: "3s {\"air\":{\"machine\":1,\"t\":20},\"motor\":{\"machine\":1,\"rpm\":1500}}",
        },
        Example {
            title: "An order without a result within two seconds passes alone",
            config: "sides:\n  order: { where: { order: { present: true } } }\n  result: { source: in }\nwithin: 2s\nmode: left",
            input: "{\"order\":1}\n{\"ok\":true}\n{\"order\":2}\n{\"order\":3}\n{\"order\":4}",
            output: "2s {\"order\":{\"order\":1},\"result\":{\"ok\":true}}\n5s {\"order\":{\"order\":2},\"result\":null}\nend {\"order\":{\"order\":3},\"result\":null}\nend {\"order\":{\"order\":4},\"result\":null}",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        if self.sides.len() < 2 {
            cx.error("missing-field", "sides", "a join needs at least two sides")
                .help("write for example `sides: { air: { input: bme }, motor: { input: plc } }`");
        }
        for (name, side) in &self.sides {
            side.check_input(name, cx);
            if side.input.is_none() && side.source.is_none() && side.r#where.is_none() {
                let message = format!("nothing says which events are of the side `{name}`");
                cx.error("missing-field", &format!("sides.{name}"), message)
                    .help("write `input: node`, `source: node`, or `where:` with a condition on the body");
            }
        }
        check_not_zero(cx, "within", self.within);
        self.wait.into_iter().for_each(|wait| check_not_zero(cx, "wait", wait));
        check_positive(cx, "max_events", self.max_events);
        check_positive(cx, "max_keys", self.max_keys);
    }

    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        let is_sent = self.mode != Mode::Inner;
        Some(Memory { is_sent, ..Memory::of("what waits for its counterpart") })
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let rules = Rules {
            names: self.sides.keys().cloned().collect(),
            sides: self.sides.values().cloned().collect(),
            mode: self.mode,
            within: nanos(self.within.0),
            wait: self.wait.unwrap_or(self.within).0,
            max_events: self.max_events,
        };
        let joiner = Joiner::new(rules, self.time.clone(), self.by.clone(), self.max_keys);
        Ok(Built::Transform(Box::new(joiner)))
    }
}

impl Side {
    /// Complains about an input that the node does not have, or has alone, so that it tells nothing.
    fn check_input(&self, name: &str, cx: &mut CheckCx<'_>) {
        let Some(input) = &self.input else { return };
        let (inputs, field) = (cx.inputs().to_vec(), format!("sides.{name}.input"));
        if !inputs.contains(input) {
            let help = match nearest(input, inputs.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("its inputs are {}", inputs.join(", ")),
            };
            cx.error("unknown-input", &field, format!("`{input}` is no input of this node")).help(help);
        } else if inputs.len() == 1 {
            cx.error("conflicting-fields", &field, "the only input tells no side from another")
                .help("tell the sides by `where`, or read both branches: `inputs: [first, second]`");
        }
    }

    fn holds(&self, event: &Event) -> bool {
        let source = &*event.meta().source;
        let from = |wanted: &String| {
            source == wanted || source.rsplit_once('/').is_some_and(|(_, node)| node == wanted)
        };
        let came_by = |input: &String| event.edge().is_some_and(|edge| edge.is(input));
        self.input.as_ref().is_none_or(came_by)
            && self.source.as_ref().is_none_or(from)
            && self.r#where.as_ref().is_none_or(|condition| condition.holds(event.body()))
    }
}
