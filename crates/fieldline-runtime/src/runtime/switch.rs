//! The second half of a change: ends what leaves, starts what is new and publishes the wiring. The first half is in
//! `prepare.rs`, how units end in `drain.rs`.
//!
//! Sinks that hand over finish their last write while everything flows. Then the units that continue and feed a new one
//! are held, and only for as long as it takes to end those that leave and to start the new ones. Only units that continue
//! are held: holding one that leaves would keep it from running empty. Connections are exchanged last, when all flows again:
//! a broker that does not answer takes its time for a goodbye.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fieldline_compiler::change::{Change, Fate, Losses, Unit};
use fieldline_compiler::{Node, NodeId, Plan};
use fieldline_core::{Built, EventError, Kind};
use tokio::time::Instant;

use crate::dead_letter::{DeadLetters, Failure, Route};
use crate::drivers::carried::Carried;
use crate::drivers::latest::Latest;
use crate::drivers::stage::{Broken, Past};
use crate::launch::{Crew, Launcher, Member};
use crate::node::NodeHandle;
use crate::outlet::{MAIN_SLOT, Target, Wiring};
use crate::runtime::drain::end_connections;
use crate::runtime::prepare::Prepared;
use crate::runtime::{Applied, Runtime};
use crate::wiring::readers;

impl Runtime {
    /// Carries a prepared change out.
    pub(crate) async fn switch(&mut self, next: Plan, prepared: Prepared, losses: Losses) -> Applied {
        self.pause_sinks(&prepared.change, losses).await;
        let began = Instant::now();
        let is_held = self.hold(&next, &prepared);
        let mut drained = self.drain(&prepared.change, &next, losses).await;
        let mut carried = std::mem::take(&mut drained.carried);
        let change = prepared.change;
        let moved = continued(&change, Fate::Move, &carried);
        let inherited = continued(&change, Fate::Inherit, &carried);
        let of_sinks = carried.waiting.iter().filter(|(id, _)| self.handles[*id].node.kind == Kind::Sink);
        let handed_over = of_sinks.map(|(id, events)| (id.clone(), events.len() as u64)).collect();

        let given_up = std::mem::take(&mut carried.given_up);
        let (dropped, dead_lettered) = match losses {
            Losses::Accept => (given_up, BTreeMap::new()),
            _ => (BTreeMap::new(), given_up),
        };
        self.handles = prepared.handles;
        self.connections = prepared.connections;
        self.plan = next;
        let mut built = prepared.built;
        let nodes = self.plan.by_id();
        let launcher = Launcher {
            plan: &self.plan,
            nodes: &nodes,
            handles: &self.handles,
            clock: &self.environment.clock,
            storage: &self.storage,
            rush: &self.rush,
            ended: &self.ended,
            save_every: self.environment.save_every,
            emptying: &self.emptying,
        };
        for unit in &change.starting {
            let pipeline = unit.head().pipeline();
            let redactor = || self.view.redactor.clone();
            let letters = || DeadLetters::new(&self.environment.data_dir, pipeline, redactor());
            self.dead_letters.entry(pipeline.to_owned()).or_insert_with(letters);
        }
        let mut start = |unit: &Unit, all: &BTreeMap<String, DeadLetters>| {
            let crew = crew(unit, &mut built, &mut carried, &nodes, &self.handles);
            launcher.start(unit, crew, all[unit.head().pipeline()].clone())
        };
        let (connections, others): (Vec<&Unit>, Vec<&Unit>) =
            change.starting.iter().partition(|unit| matches!(unit, Unit::Connection(_)));
        for unit in others {
            self.running.insert(unit.clone(), start(unit, &self.dead_letters));
        }
        let mut readers = readers(&self.plan, &nodes, &self.handles, &self.running);
        for (unit, running) in &self.running {
            if let Some(wiring) = &running.wiring {
                let readers = readers.remove(unit.tail()).unwrap_or_default();
                wiring.send_replace(Wiring::Flow(Arc::new(readers)));
            }
            running.overfill.send_if_modified(std::mem::take);
        }
        let held = if is_held { began.elapsed() } else { Duration::ZERO };
        self.route_dead_letters();
        // The connections of the next plan may want what those before have: ports, client ids.
        end_connections(&mut drained, self.environment.drain).await;
        for unit in connections {
            self.running.insert(unit.clone(), start(unit, &self.dead_letters));
        }
        self.give_up(carried).await;
        let renewed = prepared.renewals.keys().cloned().collect();
        prepared.renewals.into_values().for_each(|renewal| renewal());
        let mut shown = self.view.shown();
        shown.generation += 1;
        shown.fingerprint = self.plan.fingerprint();
        shown.applied_at = self.environment.clock.time();
        shown.nodes = self.plan.nodes.iter().map(|node| self.handles[&node.id].clone()).collect();
        Applied {
            generation: shown.generation,
            kept: change.kept.into_iter().collect(),
            started: change.starting,
            stopped: change.leaving.into_iter().collect(),
            moved,
            inherited,
            renewed,
            cut_off: drained.cut_off,
            carried: handed_over,
            dropped,
            dead_lettered,
            held,
        }
    }

    /// Sends the events to the dead letter that waited at a node that is gone.
    async fn give_up(&self, carried: Carried) {
        let values = carried.latest.into_iter().flat_map(|(node, latest)| {
            latest.give_up().map(move |(event, error)| (node.clone(), event, error))
        });
        let error = || EventError::new("not_sent", "its node ended before it was processed");
        let waiting = carried
            .waiting
            .into_iter()
            .flat_map(|(node, events)| events.into_iter().map(move |event| (node.clone(), event, error())));
        for (node, event, error) in values.chain(waiting) {
            let Some(dead_letters) = self.dead_letters.get(node.pipeline()) else { continue };
            let failure = Failure { node: &node, error: &error, attempts: 1 };
            dead_letters.put(event, failure, &self.environment.clock).await;
        }
    }

    /// Sends failed events where the plan says.
    fn route_dead_letters(&self) {
        for (name, dead_letters) in &self.dead_letters {
            let route = self.plan.dead_letter(name).and_then(|id| {
                let inbox = self.unit_of(id)?.1.inbox.clone()?;
                let target =
                    Target { inbox, slot: MAIN_SLOT, edge: None, ledger: self.ledger_of(id).clone() };
                Some(Route::Sink(id.clone(), target))
            });
            dead_letters.set_route(route.unwrap_or(Route::File));
            let pipeline = self.plan.pipelines.iter().find(|pipeline| *pipeline.name == **name);
            dead_letters.set_file(pipeline.map(|pipeline| pipeline.letter_file.clone()).unwrap_or_default());
        }
    }
}

/// The transforms of this fate that have really come from the units before.
fn continued(change: &Change, fate: Fate, carried: &Carried) -> Vec<NodeId> {
    change.with(fate).filter(|id| carried.transforms.contains_key(id)).cloned().collect()
}

/// The components of a unit: new ones, moved ones, and for one that was cut off before it could move, a new one.
fn crew(
    unit: &Unit,
    built: &mut BTreeMap<NodeId, Built>,
    carried: &mut Carried,
    nodes: &BTreeMap<&NodeId, &Node>,
    handles: &BTreeMap<NodeId, Arc<NodeHandle>>,
) -> Crew {
    let Unit::Segment(chain) = unit else {
        let id = unit.head();
        return match built.remove(id).expect("everything that does not continue was built") {
            Built::Connection(connection) => Crew::Connection(connection),
            Built::Source(source) => Crew::Source(source),
            Built::Sink(sink) => Crew::Sink(sink, carried.waiting.remove(id).unwrap_or_default()),
            Built::Transform(_) => unreachable!("a component is built as the kind of its node"),
        };
    };
    let member = |id: &NodeId| {
        let before = carried.transforms.remove(id);
        match (built.remove(id), before) {
            (None, Some(transform)) => Member { transform, past: Past::Own },
            (new, before) => match new.map_or_else(|| handles[id].build(), Ok) {
                Ok(Built::Transform(transform)) => {
                    Member { transform, past: before.map_or(Past::OnDisk, Past::Version) }
                }
                _ => Member { transform: Box::new(Broken), past: Past::Own },
            },
        }
    };
    let members = chain.iter().map(member).collect();
    let mut latest = Latest::new(nodes.get(unit.head()).map_or(&[], |node| &node.with));
    if let Some(before) = carried.latest.remove(unit.head()) {
        latest.take_over(before);
    }
    let waiting = |(stage, id)| Some((stage, carried.waiting.remove(id)?));
    Crew::Segment(members, latest, chain.iter().enumerate().filter_map(waiting).collect())
}
