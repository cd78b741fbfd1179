//! The segment driver: a plain loop over a chain of transforms, without a queue between them.

use std::sync::Arc;
use std::time::Instant;

use fieldline_compiler::NodeId;
use fieldline_core::{Clock, Door, Event, EventError, Moment, Outcome, Outputs, Port, Transform};
use tokio::sync::{mpsc, watch};

use super::carried::Carried;
use super::latest::{Latest, Step};
use super::leave::Leave;
use super::occasion;
use super::pace::Pace;
use super::stage::{Past, Stage};
use crate::control::desk::{Desk, Occasion};
use crate::dead_letter::{DeadLetters, Failure};
use crate::memory::keeper::Keeper;
use crate::outlet::{MAIN_SLOT, Outlet, Parcel};
use crate::supervise::{OwnThread, drive_on, guard_sync, unless_abandoned, with_others_relieved};
use crate::wait::until;

/// Runs one segment until its inbox is closed and empty.
pub(crate) struct SegmentDriver {
    pub(crate) stages: Vec<Stage>,
    pub(crate) inbox: mpsc::Receiver<Parcel>,
    pub(crate) outlet: Outlet,
    pub(crate) clock: Clock,
    pub(crate) dead_letters: DeadLetters,
    /// Read at the end: who takes over transforms and events.
    pub(crate) leave: watch::Receiver<Leave>,
    /// What lies beside the events of the first stage, in the order of the slots after the main one.
    pub(crate) latest: Latest,
    /// Events that waited for the version before, or wait for a thread of their own, by the place of their transform.
    pub(crate) backlog: Vec<(usize, Vec<Event>)>,
    pub(crate) work: Work,
    pub(crate) pace: Pace,
}

/// Vectors that are used again for each parcel.
#[derive(Default)]
pub(crate) struct Work {
    out: Outputs,
    current: Vec<Event>,
    sent: Vec<(Port, Event)>,
    failed: Vec<(usize, Event, EventError)>,
}

impl SegmentDriver {
    /// Works until the inbox is closed; gives back what moves. Where a transform holds the thread that all share for too
    /// long, the segment goes on on one of its own.
    pub(crate) async fn run(mut self) -> Carried {
        self.go_on().await;
        for stage in &mut self.stages {
            stage.begin().await;
        }
        // How long a start takes is another matter.
        let pace = std::mem::replace(&mut self.pace, Pace::alone());
        self.release().await;
        for (stage, events) in std::mem::take(&mut self.backlog) {
            self.take(Parcel { slot: MAIN_SLOT, stage, events }).await;
        }
        self.pace = pace;
        let mut carried = Carried::default();
        self.serve(&mut carried).await;
        let Some(hog) = self.pace.hog() else { return self.finish(carried).await };
        let node = self.stages[hog.position].handle.node.id.clone();
        let thread = OwnThread::of(&node);
        if thread.is_some() {
            let held_ms = hog.held.as_millis() as u64;
            tracing::warn!(%node, held_ms, "holds its thread for long; it goes on on one of its own");
        }
        self.pace = Pace::alone();
        let rest = async move {
            self.go_through_backlog().await;
            self.serve(&mut carried).await;
            self.finish(carried).await
        };
        drive_on(thread.as_ref(), rest).await
    }

    /// What was left where the segment was moved to its own thread: what has come furthest goes first.
    async fn go_through_backlog(&mut self) {
        for (stage, events) in std::mem::take(&mut self.backlog).into_iter().rev() {
            self.work.current = events;
            self.flow(stage);
        }
        self.pass_on().await;
    }

    /// Works until the inbox is closed, or the thread has been held for too long.
    async fn serve(&mut self, carried: &mut Carried) {
        while self.pace.hog().is_none() {
            let deadlines = self.stages.iter().filter_map(|stage| stage.transform.deadline());
            let notes = self.stages.iter().filter_map(|stage| stage.keeper.as_ref()?.due());
            let deadline = deadlines.chain(notes).chain(self.latest.deadline()).min();
            tokio::select! {
                parcel = self.inbox.recv() => match parcel {
                    Some(parcel) => match self.successor(&parcel) {
                        Some(node) => carried.waiting.entry(node).or_default().extend(parcel.events),
                        None => self.take(parcel).await,
                    },
                    None => return,
                },
                () = until(deadline.map(Into::into)), if deadline.is_some() => self.on_deadline().await,
                occasion = occasion(self.stages[0].desk.as_ref()) => self.obey(occasion).await,
            }
        }
    }

    /// The node whose next version takes these events over.
    fn successor(&self, parcel: &Parcel) -> Option<NodeId> {
        let node = &self.stages[parcel.stage].handle.node.id;
        (parcel.slot == MAIN_SLOT && self.leave.borrow().hands_over(node)).then(|| node.clone())
    }

    /// Lets each transform go on with what the version before remembers, or the program before: the last one first, since
    /// those before it may send events.
    async fn go_on(&mut self) {
        for position in (0..self.stages.len()).rev() {
            let stage = &mut self.stages[position];
            let before = match std::mem::replace(&mut stage.past, Past::Own) {
                Past::Version(before) => before,
                Past::Own => {
                    stage.keeper.iter_mut().for_each(Keeper::touch);
                    continue;
                }
                Past::OnDisk => {
                    let (instant, time) = (self.clock.instant(), self.clock.time());
                    stage.recall(&Moment { instant, time, with: self.latest.shown() }).await;
                    continue;
                }
            };
            let mut taken = Ok(());
            self.call(position, |transform, moment, out| taken = transform.take_over(before, moment, out));
            if let Err(error) = taken {
                let node = &self.stages[position].handle.node.id;
                tracing::error!(%node, %error, "what the version before remembered is lost");
            }
            self.collect(position);
            self.flow(position + 1);
        }
        self.pass_on().await;
    }

    async fn take(&mut self, parcel: Parcel) {
        if parcel.slot != MAIN_SLOT {
            for event in parcel.events {
                self.latest.learn(usize::from(parcel.slot) - 1, &event);
                event.finish(Door::Absorbed);
            }
            self.release().await;
        } else if parcel.stage == 0 && self.latest.has_rules() {
            let now = self.clock.instant();
            for event in parcel.events {
                self.latest.admit(event, now);
                self.step(now);
            }
            self.pass_on().await;
        } else {
            self.work.current = parcel.events;
            self.flow(parcel.stage);
            self.pass_on().await;
        }
    }

    /// Lets those events go on that waited for a value, as far as it is there or they cannot wait any longer.
    async fn release(&mut self) {
        self.step(self.clock.instant());
        self.pass_on().await;
    }

    fn step(&mut self, now: Instant) {
        while let Some(step) = self.latest.next(now) {
            match step {
                Step::Apply(event) => {
                    self.work.current.push(event);
                    self.flow(0);
                }
                Step::Discard(event, reason) => event.finish(Door::Filtered(reason)),
                Step::Fail(event, error) => self.work.failed.push((0, event, error)),
            }
        }
    }

    async fn on_deadline(&mut self) {
        let now = self.clock.instant();
        self.step(now);
        for position in 0..self.stages.len() {
            if self.stages[position].transform.deadline().is_some_and(|deadline| deadline <= now) {
                self.call(position, |transform, moment, out| transform.on_deadline(moment, out));
                self.collect(position);
                self.flow(position + 1);
            }
            let keeper = self.stages[position].keeper.as_ref();
            if keeper.and_then(Keeper::due).is_some_and(|due| due <= now) {
                self.save(position).await;
            }
        }
        self.pass_on().await;
    }

    /// Has what the stage at `position` remembers written to disk.
    async fn save(&mut self, position: usize) {
        let moment =
            Moment { instant: self.clock.instant(), time: self.clock.time(), with: self.latest.shown() };
        let stage = &mut self.stages[position];
        let remembered = stage.remember(&moment);
        unless_abandoned().await;
        if let Some(keeper) = &mut stage.keeper {
            keeper.save(remembered);
        }
    }

    /// Has the first stage change its settings; the answer goes on like its other events.
    async fn obey(&mut self, occasion: Occasion) {
        let stage = &mut self.stages[0];
        let Some(desk) = &mut stage.desk else { return };
        match guard_sync(|| desk.act(occasion, |settings| stage.transform.adjust(settings))) {
            Ok((port, answer)) => self.work.out.send_to(port, answer),
            Err(panic) => return stage.start_anew(&panic),
        }
        unless_abandoned().await;
        desk.save().await;
        self.collect(0);
        self.flow(1);
        self.pass_on().await;
    }

    async fn finish(mut self, mut carried: Carried) -> Carried {
        self.pace = Pace::alone();
        while let Some(occasion) = self.stages[0].desk.as_ref().and_then(Desk::take) {
            self.obey(occasion).await;
        }
        self.stages[0].desk.iter().for_each(|desk| desk.close(Outcome::Retryable));
        let succession = match &*self.leave.borrow() {
            Leave::End(succession) => succession.clone(),
            _ => Arc::default(),
        };
        let is_carried = |id: &NodeId| succession.state.contains(id);
        for position in 0..self.stages.len() {
            if !is_carried(&self.stages[position].handle.node.id) {
                self.save_at_end(position).await;
                self.call(position, |transform, moment, out| transform.finish(moment, out));
                self.collect(position);
                self.flow(position + 1);
            }
        }
        self.pass_on().await;
        for stage in &mut self.stages {
            if let Some(keeper) = &mut stage.keeper {
                keeper.settle().await;
            }
        }
        let head = self.stages[0].handle.node.id.clone();
        let stages = self.stages.into_iter().map(|stage| (stage.handle.node.id.clone(), stage.transform));
        carried.transforms.extend(stages.filter(|(id, _)| is_carried(id)));
        carried.latest.insert(head, self.latest);
        carried
    }

    /// The same for one that ends: what is written already must not be overtaken, and nothing follows that could change it.
    async fn save_at_end(&mut self, position: usize) {
        let Some(keeper) = &mut self.stages[position].keeper else { return };
        keeper.settle().await;
        if keeper.due().is_some() {
            self.save(position).await;
        }
    }

    /// Takes `work.current` through the stages from `first` on; what leaves the last is in `work.sent`.
    fn flow(&mut self, first: usize) {
        for position in first..self.stages.len() {
            if self.work.current.is_empty() {
                return;
            }
            self.apply(position);
            self.collect(position);
        }
    }

    /// One stage over all current events. Where that would hold the thread for too long, the rest waits in the backlog.
    fn apply(&mut self, position: usize) {
        while !self.work.current.is_empty() {
            if self.pace.hog().is_some() {
                self.backlog.push((position, std::mem::take(&mut self.work.current)));
                return;
            }
            self.apply_to_some(position);
        }
    }

    /// One stage over as many events as the pace allows; a panic costs the events it has taken and the stage's state.
    fn apply_to_some(&mut self, position: usize) {
        let count = self.pace.events().min(self.work.current.len());
        let moment =
            Moment { instant: self.clock.instant(), time: self.clock.time(), with: self.latest.shown() };
        let stage = &mut self.stages[position];
        let mut events = self.work.current.drain(..count);
        while let before @ 1.. = events.len() {
            let (transform, out) = (&mut stage.transform, &mut self.work.out);
            let mut apply = || guard_sync(|| transform.apply_batch(&mut events, &moment, out));
            let is_known = std::mem::replace(&mut stage.is_known, true);
            let Err(panic) = (if is_known { apply() } else { with_others_relieved(apply) }) else { break };
            if events.len() == before {
                drop(events.next());
            }
            stage.start_anew(&panic);
        }
        drop(events);
        self.pace.held(position, self.clock.instant().saturating_duration_since(moment.instant));
    }

    fn call(&mut self, position: usize, act: impl FnOnce(&mut dyn Transform, &Moment<'_>, &mut Outputs)) {
        let moment =
            Moment { instant: self.clock.instant(), time: self.clock.time(), with: self.latest.shown() };
        let stage = &mut self.stages[position];
        let (transform, out) = (&mut *stage.transform, &mut self.work.out);
        if let Err(panic) = guard_sync(|| act(transform, &moment, out)) {
            stage.start_anew(&panic);
        }
        self.pace.held(position, self.clock.instant().saturating_duration_since(moment.instant));
    }

    /// Sorts what the stage at `position` put out: to the next stage, out of the segment, or aside.
    fn collect(&mut self, position: usize) {
        self.stages[position].keeper.iter_mut().for_each(Keeper::touch);
        let created = self.work.out.take_created();
        let ledger = &self.stages[position].handle.ledger;
        ledger.create_many(created);
        ledger.leave_many(Door::Delivered, created);
        for reason in self.work.out.drain_withdrawn() {
            ledger.create();
            ledger.leave(Door::Filtered(reason));
        }
        for (event, error) in self.work.out.drain_failed() {
            self.work.failed.push((position, event, error));
        }
        let Some(next) = self.stages.get(position + 1) else {
            self.work.sent.extend(self.work.out.drain_sent());
            return;
        };
        for (port, mut event) in self.work.out.drain_sent() {
            if port == next.fed_by {
                event.enter(&next.handle.ledger);
                self.work.current.push(event);
            } else {
                event.go_unread();
            }
        }
    }

    /// Sends what left the last stage, and what failed to the dead letter: the last that a driver does once it is
    /// abandoned.
    async fn pass_on(&mut self) {
        self.outlet.send(self.work.sent.drain(..)).await;
        for (position, event, error) in self.work.failed.drain(..) {
            let handle = &self.stages[position].handle;
            handle.monitor.failed(&error);
            let node = &handle.node.id;
            self.dead_letters.put(event, Failure { node, error: &error, attempts: 1 }, &self.clock).await;
        }
        unless_abandoned().await;
    }
}
