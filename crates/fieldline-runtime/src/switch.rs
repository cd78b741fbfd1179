//! The second half of a change: holds the frontier, drains what leaves, starts what is new and publishes the
//! wiring. The first half is in `prepare.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fieldline_compiler::plan::{Node, NodeId, Plan};
use fieldline_core::Built;

use crate::build::NodeHandle;
use crate::dead_letter::{DeadLetters, Failure, Route};
use crate::drivers::latest::Latest;
use crate::drivers::segment::Carried;
use crate::drivers::stage::{Broken, Past};
use crate::launch::{Crew, Launcher, Member, Running};
use crate::outlet::{MAIN_SLOT, Target, Wiring};
use crate::prepare::Prepared;
use crate::runtime::{Applied, Runtime};
use crate::unit::{Unit, units};

impl Runtime {
    /// Carries a prepared change out.
    pub(crate) async fn switch(&mut self, next: Plan, change: Prepared) -> Applied {
        self.hold_frontier(&change.leaving);
        let (mut carried, cut_off) = self.drain(&change, &next).await;
        let went_on = |ids: &BTreeSet<NodeId>| -> Vec<NodeId> {
            ids.iter().filter(|id| carried.transforms.contains_key(id)).cloned().collect()
        };
        let (moved, inherited) = (went_on(&change.moving), went_on(&change.inherited));

        self.handles = change.handles;
        self.connections = change.connections;
        self.plan = next;
        let mut built = change.built;
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
        };
        let mut started = Vec::new();
        for unit in units(&self.plan) {
            if change.kept.contains(&unit) {
                continue;
            }
            let crew = crew(&unit, &mut built, &mut carried, &nodes, &self.handles);
            let pipeline = unit.head().pipeline();
            let dead_letters = self.dead_letters.entry(pipeline.to_owned());
            let dead_letters = dead_letters
                .or_insert_with(|| DeadLetters::new(&self.environment.data_dir, pipeline))
                .clone();
            self.running.insert(unit.clone(), launcher.start(&unit, crew, dead_letters));
            started.push(unit);
        }
        let mut readers = launcher.readers(&self.running);
        for (unit, running) in &self.running {
            if let Some(wiring) = &running.wiring {
                let readers = readers.remove(unit.tail()).unwrap_or_default();
                wiring.send_replace(Wiring::Flow(Arc::new(readers)));
            }
        }
        self.route_dead_letters();
        self.give_up_waiting(carried.latest).await;
        let renewed = change.renewals.keys().cloned().collect();
        change.renewals.into_values().for_each(|renewal| renewal());
        let mut shown = self.view.shown();
        shown.generation += 1;
        shown.fingerprint = self.plan.fingerprint();
        shown.applied_at = self.environment.clock.time();
        shown.nodes = self.plan.nodes.iter().map(|node| self.handles[&node.id].clone()).collect();
        Applied {
            generation: shown.generation,
            kept: change.kept.into_iter().collect(),
            started,
            stopped: change.leaving.into_iter().collect(),
            moved,
            inherited,
            renewed,
            cut_off,
        }
    }

    /// Kept units that feed a leaving one wait; their queues push back on their sources.
    fn hold_frontier(&self, leaving: &BTreeSet<Unit>) {
        let heads: BTreeSet<&NodeId> = leaving.iter().map(Unit::head).collect();
        let fed = self.plan.nodes.iter().filter(|node| heads.contains(&node.id));
        let held: BTreeSet<&NodeId> = fed.flat_map(Node::reads).map(|input| &input.from).collect();
        for (unit, running) in &self.running {
            if let (Some(wiring), false, true) =
                (&running.wiring, leaving.contains(unit), held.contains(unit.tail()))
            {
                wiring.send_replace(Wiring::Hold);
            }
        }
    }

    /// Ends the leaving units, all at once, connections after those that use them, dead letter
    /// sinks after those that may still fail. Gives back what goes on, and the units that had to be cut off.
    async fn drain(&mut self, change: &Prepared, next: &Plan) -> (Carried, Vec<Unit>) {
        let leaving =
            change.leaving.iter().filter_map(|unit| Some((unit.clone(), self.running.remove(unit)?)));
        let (connections, others): (Vec<_>, Vec<_>) =
            leaving.partition(|(unit, _)| matches!(unit, Unit::Connection(_)));
        let (dead_letters, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(unit, _)| self.is_dead_letter(unit.head()));
        let mut staying: BTreeSet<NodeId> = change.moving.union(&change.inherited).cloned().collect();
        staying.extend(change.handles.values().filter(|handle| handle.has_disk()).map(|h| h.node.id.clone()));
        let mut carried = Carried::default();
        let mut cut_off = Vec::new();
        for (place, group) in [others, dead_letters, connections].into_iter().enumerate() {
            if place == 1 {
                self.hold_dead_letters(&group, next);
            }
            let deadline = tokio::time::Instant::now() + self.environment.drain;
            let tasks: Vec<_> = group
                .into_iter()
                .map(|(unit, running)| {
                    running.carry.send_replace(staying.clone());
                    running.stop.send_replace(true);
                    (unit, running.task)
                })
                .collect();
            for (unit, mut task) in tasks {
                match tokio::time::timeout_at(deadline, &mut task).await {
                    Ok(Ok(left)) => carried.extend(left),
                    Ok(Err(error)) => tracing::error!(unit = ?unit, %error, "a driver ended by itself"),
                    Err(_) => {
                        tracing::error!(unit = ?unit, "did not drain in time and is cut off");
                        task.abort();
                        let _aborted = task.await;
                        cut_off.push(unit);
                    }
                }
            }
        }
        (carried, cut_off)
    }

    /// Sends the events to the dead letter that waited for a value at a node that is gone.
    async fn give_up_waiting(&self, left: BTreeMap<NodeId, Latest>) {
        for (node, latest) in left {
            let Some(dead_letters) = self.dead_letters.get(node.pipeline()) else { continue };
            for (event, error) in latest.give_up() {
                let failure = Failure { node: &node, error: &error, attempts: 1 };
                dead_letters.put(event, failure, &self.environment.clock).await;
            }
        }
    }

    /// Whether some pipeline's failed events go to this node.
    fn is_dead_letter(&self, id: &NodeId) -> bool {
        self.plan.pipelines.iter().any(|pipeline| pipeline.dead_letter.as_ref() == Some(id))
    }

    /// Lets go of the dead letter sinks, so that they can drain: who fails now waits for the next sink, or
    /// takes the file if there will be none.
    fn hold_dead_letters(&self, leaving: &[(Unit, Running)], next: &Plan) {
        for (name, dead_letters) in &self.dead_letters {
            if leaving.iter().any(|(unit, _)| dead_letters.leads_to(unit.head())) {
                let goes_on = dead_letter_of(next, name).is_some();
                dead_letters.set_route(if goes_on { Route::Hold } else { Route::File });
            }
        }
    }

    /// Sends failed events where the plan says.
    fn route_dead_letters(&self) {
        for (name, dead_letters) in &self.dead_letters {
            let route = dead_letter_of(&self.plan, name).and_then(|id| {
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

/// The sink that a pipeline's failed events go to.
fn dead_letter_of<'p>(plan: &'p Plan, name: &str) -> Option<&'p NodeId> {
    plan.pipelines.iter().find(|pipeline| *pipeline.name == *name)?.dead_letter.as_ref()
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
        let component =
            built.remove(unit.head()).expect("everything that is not kept and does not move was built");
        return Crew::of(component);
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
    Crew::Segment(members, latest)
}
