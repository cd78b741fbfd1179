//! Over random pairs of programs: what was forecast of a change is what happens, node by node, state by state.

mod actors;
mod program;
mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fieldline_compiler::change::{Backlog, Change, Fate, Losses, NodeChange, State};
use fieldline_compiler::{Beside, Fingerprint, Input, Node, NodeId, Plan};
use fieldline_core::{Kind, Outcome};
use fieldline_runtime::{Applied, Runtime, Status};
use proptest::prelude::*;

use self::actors::{Counts, Keeps};
use self::program::{Program, chain, edit, program};
use self::record::{Events, Instance, Record, Values};
use crate::bench_plan::{assert_balanced, finished};
use crate::card::Card;

/// How long a program is looked at first: every source has given an event that failed.
const PERIOD: Duration = Duration::from_millis(20);

/// How long at most: every node has heard of all that it reads.
const LONGEST: Duration = Duration::from_secs(2);

/// A program as it is seen at work.
struct Seen {
    plan: Plan,
    /// What works, and has heard something, by node.
    instances: BTreeMap<String, Instance>,
    /// The sink that failed events come to; the file without it.
    dead_letter: Option<String>,
}

/// What can be seen of a node, and follows from the plan.
#[derive(Debug, PartialEq)]
struct Observed {
    version: Fingerprint,
    connection: Option<usize>,
    events: Events,
    beside: Values,
    takes_commands: bool,
}

/// The program that runs once it rests from a change. It is as planned: one instance of every node, with the
/// connection, the inputs and the values that it should have, and nothing else. Events that wait for a value may take a
/// while to pass.
async fn seen(runtime: &Runtime, record: &Record) -> Seen {
    let plan = runtime.plan().clone();
    let mut period = PERIOD;
    loop {
        record.clear_heard();
        let commands = commands(&runtime.view().status());
        tokio::time::sleep(period).await;
        let instances = record.at_work();
        if period == PERIOD {
            assert_no_old_values(&plan, &instances);
        }
        let planned = planned(&plan, &instances);
        let found = found(&instances, &runtime.view().status(), &commands);
        let (hearing, dead_letter) = (hearing(&instances), plan.dead_letter("p").map(NodeId::node));
        // A letter that was on its way at the change may still come to the sink before.
        if planned == found && hearing == Vec::from_iter(dead_letter) {
            let dead_letter = dead_letter.map(str::to_owned);
            return Seen { plan, instances, dead_letter };
        }
        if period > LONGEST {
            assert_eq!(hearing, Vec::from_iter(dead_letter));
            assert_eq!(found.keys().collect::<Vec<_>>(), planned.keys().collect::<Vec<_>>());
            for (name, planned) in &planned {
                assert_eq!(&found[name], planned, "{name}");
            }
        }
        period *= 2;
    }
}

/// The nodes that failed events come to.
fn hearing(instances: &BTreeMap<String, Instance>) -> Vec<&str> {
    let hears_letters = |instance: &&Instance| !instance.heard.letters.is_empty();
    instances.values().filter(hears_letters).map(|instance| &*instance.node).collect()
}

/// From the change on, the values beside events come from where `plan` says.
fn assert_no_old_values(plan: &Plan, instances: &BTreeMap<String, Instance>) {
    for node in &plan.nodes {
        let value = |beside: &Beside| (beside.name.to_string(), output(&beside.input));
        let planned: BTreeSet<(String, String)> = node.with.iter().map(value).collect();
        let values = instances.get(node.id.node()).map(|instance| &instance.heard.beside_at_all);
        assert!(values.is_none_or(|values| values.is_subset(&planned)), "{}: {values:?}", node.id);
    }
}

fn output(input: &Input) -> String {
    format!("{}.{}", input.from.node(), input.port)
}

/// The nodes of `plan`, where these instances run it.
fn planned(plan: &Plan, instances: &BTreeMap<String, Instance>) -> BTreeMap<String, Observed> {
    let number = |id: &NodeId| instances.get(id.node()).map_or(usize::MAX, |instance| instance.number);
    let feeds = |input: &Input| (output(input), number(&input.from));
    let node = |node: &Node| Observed {
        version: node.text_fingerprint,
        connection: node.connection.as_ref().map(number),
        events: node.inputs.iter().map(feeds).collect(),
        beside: node.with.iter().map(|beside| (beside.name.to_string(), feeds(&beside.input))).collect(),
        takes_commands: !node.controls.is_empty(),
    };
    plan.nodes.iter().map(|planned| (planned.id.node().to_owned(), node(planned))).collect()
}

/// The nodes as they were found; `commands` says how many had come to each before.
fn found(
    instances: &BTreeMap<String, Instance>,
    status: &Status,
    commands: &BTreeMap<String, u64>,
) -> BTreeMap<String, Observed> {
    let now = self::commands(status);
    let node = |instance: &Instance| Observed {
        version: instance.version,
        connection: instance.connection,
        events: instance.heard.events.clone(),
        beside: instance.heard.beside.clone(),
        takes_commands: now.get(&instance.node) != commands.get(&instance.node),
    };
    instances.iter().map(|(name, instance)| (name.clone(), node(instance))).collect()
}

/// How many commands each node has answered. All are refused: events name no setting.
fn commands(status: &Status) -> BTreeMap<String, u64> {
    let refused = ("filtered", "unknown_setting");
    let nodes = status.nodes.iter();
    nodes.filter_map(|node| Some((node.id.node().to_owned(), *node.balance.reasons.get(&refused)?))).collect()
}

/// What became of a node, as far as its components tell.
fn fate(id: &NodeId, before: &Seen, after: &Seen) -> Fate {
    match (before.instances.get(id.node()), after.instances.get(id.node())) {
        (_, None) => Fate::Stop,
        (None, _) => Fate::Start,
        (Some(old), Some(new)) if old.number != new.number => {
            if new.took_over == Some(old.number) {
                Fate::Inherit
            } else {
                Fate::Restart
            }
        }
        (Some(old), Some(new)) if old.renewals != new.renewals => Fate::Renew,
        (Some(old), Some(new)) if old.task != new.task => Fate::Move,
        (Some(old), Some(new)) => {
            let inputs = |one: &Instance| -> Vec<String> { one.heard.events.keys().cloned().collect() };
            let beside = |one: &Instance| -> Vec<(String, String)> {
                one.heard.beside.iter().map(|(name, (input, _))| (name.clone(), input.clone())).collect()
            };
            let is_same = inputs(old) == inputs(new) && beside(old) == beside(new);
            if is_same { Fate::Keep } else { Fate::Rewire }
        }
    }
}

/// What became of the state of a transform that has ended.
fn state(old: &Instance, new: Option<&Instance>, before: &Plan) -> Option<State> {
    let what = before.node(&NodeId::new("p", &old.node))?.memory.as_ref()?.what;
    let is_taken_over = new.is_some_and(|new| new.took_over == Some(old.number));
    Some(match (is_taken_over, old.is_sent) {
        (true, _) => State::Inherited(what),
        (false, true) => State::Sent(what),
        (false, false) => State::Lost(what),
    })
}

fn assert_came_true(forecast: &Change, before: &Seen, after: &Seen, record: &Record) {
    for NodeChange { id, fate: forecast, reasons, state: forecast_state, .. } in &forecast.nodes {
        let happened = fate(id, before, after);
        assert_eq!(*forecast, happened, "{id}: {reasons:?}");
        let old = before.instances.get(id.node()).map(|old| record.instance(old.number));
        let new = after.instances.get(id.node());
        let has_ended = old.as_ref().filter(|_| !happened.continues());
        assert_eq!(*forecast_state, has_ended.and_then(|old| state(old, new, &before.plan)), "{id}");
        match (&old, new) {
            (Some(old), Some(new)) if happened.continues() => {
                assert!(!new.is_finished && new.began == old.began, "{id}: {new:?}");
            }
            (Some(old), Some(new)) if happened == Fate::Inherit => {
                assert!(!old.is_finished && new.began == old.count, "{id}: {old:?}, {new:?}");
            }
            (_, Some(new)) => assert!(new.began == 0 && new.took_over.is_none(), "{id}: {new:?}"),
            _ => {}
        }
        if let Some(old) = has_ended {
            let is_transform = before.plan.node(id).is_some_and(|node| node.kind == Kind::Transform);
            let has_closed = if is_transform { old.is_dropped } else { old.is_closed };
            assert!(has_closed, "{id} has not ended: {old:?}");
            assert_eq!(old.is_finished, is_transform && happened != Fate::Inherit, "{id}: {old:?}");
        }
    }
    let goes_elsewhere = before.dead_letter != after.dead_letter;
    assert_eq!(forecast.dead_letters.is_empty(), !goes_elsewhere, "{:?}", forecast.dead_letters);
    let planned = before.plan.nodes.iter().chain(&after.plan.nodes).map(|node| &node.id);
    let named: BTreeSet<&NodeId> = forecast.nodes.iter().map(|node| &node.id).collect();
    assert_eq!(named, planned.collect(), "every node has a forecast");
    assert_eq!(named.len(), forecast.nodes.len(), "and only one");
}

fn assert_agrees(applied: &Applied, forecast: &Change) {
    let with = |fate: Fate| forecast.with(fate).cloned().collect::<Vec<_>>();
    assert_eq!(applied.cut_off, []);
    assert_eq!(applied.kept, forecast.kept.iter().cloned().collect::<Vec<_>>());
    assert_eq!(applied.started, forecast.starting);
    assert_eq!(applied.stopped, forecast.leaving.iter().cloned().collect::<Vec<_>>());
    assert_eq!(applied.moved, with(Fate::Move));
    assert_eq!(applied.inherited, with(Fate::Inherit));
    assert_eq!(applied.renewed, with(Fate::Renew));
    for id in applied.carried.keys() {
        let node = forecast.node(id).expect("every node has a forecast");
        let is_taken_over = node.kind == Kind::Transform || node.backlog == Some(Backlog::CarriedOver);
        assert!(is_taken_over && !node.fate.continues() || node.fate == Fate::Move, "{node:?}");
    }
}

/// Lets the program come to its end: every batch was settled once, but those of a source whose connection ended with it.
async fn assert_settled(mut runtime: Runtime, record: &Record, has_controls: bool) {
    record.end();
    finished(&runtime).await;
    let has_ended = |number: usize| record.instance(number).is_closed;
    let cannot_hear = |one: &Instance| one.is_closed && one.connection.is_some_and(has_ended);
    let deaf: BTreeSet<usize> = record
        .batches()
        .iter()
        .map(|(giver, _)| giver)
        .filter(|giver| cannot_hear(giver))
        .map(|giver| giver.number)
        .collect();
    assert_eq!(runtime.stop(Duration::from_secs(600)).await.cut_off, []);
    let status = runtime.view().status();
    assert_balanced(&status);
    for node in &status.nodes {
        assert_eq!(node.balance.lost, 0, "{}: {:?}", node.id, node.balance);
    }
    for (giver, outcomes) in record.batches() {
        match outcomes.as_slice() {
            [] => assert!(deaf.contains(&giver.number), "a batch of {giver:?} was not settled"),
            // A command for a node that ends is refused for now.
            [Outcome::Retryable] => assert!(has_controls),
            outcomes => assert_eq!(outcomes, [Outcome::Delivered]),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_transform_has_its_state_before_it_is_sent_what_another_held_back() {
    let (card, record) = (Card::new(), Record::default());
    let mut runtime = card.runtime();
    let counts = |key: u8, is_sent: bool, splits: bool| {
        let memory = Some(Keeps { key: Some(key), is_sent });
        Counts { memory, fails: None, splits, blocks: false }
    };
    let before = chain(&[counts(0, true, false), counts(1, true, false)], &record);
    runtime.apply(before).await.expect("it can be built");
    tokio::time::sleep(PERIOD).await;
    // The first holds nothing back any more, so that it sends at once what it has; the second is changed too.
    let after = chain(&[counts(0, false, false), counts(1, true, true)], &record);
    let applied = runtime.apply(after).await.expect("it can be built");
    assert_eq!(applied.inherited.iter().map(|id| id.node()).collect::<Vec<_>>(), ["n1", "n2"]);
    tokio::time::sleep(PERIOD).await;
    let instances = record.at_work();
    assert_eq!(instances["n2"].began, record.instance(instances["n2"].took_over.expect("it has")).count);
    assert_settled(runtime, &record, false).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_forecast_of_a_change_is_what_happens(
        first in program(),
        edits in prop::collection::vec((program(), edit()), 1..4),
    ) {
        let single = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        single.expect("a tokio runtime").block_on(async {
            let (card, record) = (Card::new(), Record::default());
            let mut runtime = card.runtime();
            let mut program: Program = first;
            let mut has_controls = program.has_controls();
            runtime.apply(program.plan(&record)).await.expect("it can be built");
            let mut before = seen(&runtime, &record).await;
            for (other, taken) in &edits {
                program = program.edited(other, taken);
                has_controls |= program.has_controls();
                let next = program.plan(&record);
                let (forecast, refusals) = runtime.forecast(&next, Losses::Refuse);
                assert_eq!(refusals, []);
                let applied = runtime.apply(next).await.expect("it can be built");
                assert_agrees(&applied, &forecast);
                let after = seen(&runtime, &record).await;
                assert_came_true(&forecast, &before, &after, &record);
                before = after;
            }
            assert_settled(runtime, &record, has_controls).await;
        });
    }
}
