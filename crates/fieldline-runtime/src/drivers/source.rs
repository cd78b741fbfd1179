//! The source driver: connects, pulls, stamps and books events, limits what is in flight, and tells the source
//! what became of its batches.

use std::sync::Arc;

use fieldline_backoff::Backoff;
use fieldline_core::policy::Retry;
use fieldline_core::{
    Batch, Built, Clock, ComponentError, Draft, Event, EventError, MAIN, Outcome, Port, Receipt, Settle,
    Source,
};
use tokio::sync::{Notify, watch};

use super::carried::Carried;
use super::occasion;
use super::retired::{Batches, Retired, settle_with};
use crate::control::desk::{Desk, Occasion};
use crate::dead_letter::{DeadLetters, Failure};
use crate::node::NodeHandle;
use crate::outlet::Outlet;
use crate::sequence::Numbering;
use crate::status::NodeState;
use crate::supervise::{guard, unless_abandoned};
use crate::wait::{Stop, sleep_or_stop, stopped};

/// How many batches of one source may be on their way at once.
const IN_FLIGHT: usize = 1024;

/// Runs one source until it finishes or is stopped.
pub(crate) struct SourceDriver {
    pub(crate) handle: Arc<NodeHandle>,
    pub(crate) source: Box<dyn Source>,
    pub(crate) outlet: Outlet,
    pub(crate) clock: Clock,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) stop: Stop,
    pub(crate) numbering: Numbering,
    /// Takes its commands, where something steers it.
    pub(crate) desk: Option<Desk>,
    /// Told when the source stands still until something is settled.
    pub(crate) rush: Arc<watch::Sender<u64>>,
    /// The last batch told of a fault.
    pub(crate) is_faulty: bool,
    /// Told when the source has come to its end.
    pub(crate) ended: Arc<Notify>,
}

/// What came in and is no event the pipeline can work with, and why.
type Unreadable = (Event, EventError);

/// Why the driver left its inner loop.
enum Left {
    Stopped,
    Finished,
    Failed(ComponentError),
}

impl SourceDriver {
    /// Works until the source has finished and all it sent is settled, or it is stopped.
    pub(crate) async fn run(mut self) -> Carried {
        let mut carried = Carried::default();
        let mut backoff = backoff();
        loop {
            let panic = match guard(self.work()).await {
                Ok(None) => return carried,
                Ok(Some(batches)) => {
                    carried.retired.push(Retired {
                        handle: self.handle,
                        source: self.source,
                        batches,
                        rush: self.rush,
                    });
                    return carried;
                }
                Err(panic) => panic,
            };
            unless_abandoned().await;
            match self.handle.rebuild(&panic) {
                Ok(Built::Source(source)) => self.source = source,
                _ => {
                    self.handle.monitor.set(NodeState::Failed(panic.message));
                    return carried;
                }
            }
            let failures = backoff.failures() + 1;
            self.handle.monitor.set(NodeState::Retrying { error: panic.message, failures });
            if sleep_or_stop(backoff.fail(fastrand::f64()), &mut self.stop).await {
                return carried;
            }
        }
    }

    /// Gives back the batches that are on their way when the source is stopped.
    async fn work(&mut self) -> Option<Batches> {
        let mut batches = Batches::new(IN_FLIGHT);
        let mut backoff = backoff();
        if let Some(desk) = &mut self.desk {
            desk.load().await;
            desk.begin(|settings| self.source.adjust(settings));
        }
        let mut ended = Outcome::Delivered;
        loop {
            let connected = tokio::select! {
                biased;
                () = stopped(&mut self.stop) => Err(Left::Stopped),
                connected = self.source.connect(&self.clock) => connected.map_err(Left::Failed),
            };
            let left = match connected {
                Ok(()) => self.pull(&mut batches, &mut backoff).await,
                Err(left) => left,
            };
            unless_abandoned().await;
            match left {
                Left::Stopped => {
                    ended = Outcome::Retryable;
                    break;
                }
                Left::Finished => {
                    self.handle.monitor.set(NodeState::Finished);
                    break;
                }
                Left::Failed(error) if error.is_retryable() => {
                    tracing::warn!(node = %self.handle.node.id, %error, "source failed, trying again");
                    let failures = backoff.failures() + 1;
                    self.handle.monitor.set(NodeState::Retrying { error: error.to_string(), failures });
                    if sleep_or_stop(backoff.fail(fastrand::f64()), &mut self.stop).await {
                        ended = Outcome::Retryable;
                        break;
                    }
                }
                Left::Failed(error) => {
                    tracing::error!(node = %self.handle.node.id, %error, "source failed for good");
                    self.handle.monitor.set(NodeState::Failed(error.to_string()));
                    break;
                }
            }
        }
        self.obey_the_last(&mut batches, ended).await;
        self.outlet = Outlet::closed();
        self.numbering.close().await;
        self.note_wait(&batches, true);
        loop {
            tokio::select! {
                biased;
                settled = batches.settled() => {
                    let Some((token, outcome)) = settled else { break };
                    settle_with(&mut *self.source, &self.handle, token, outcome).await;
                    self.note_wait(&batches, true);
                }
                () = stopped(&mut self.stop) => break,
            }
        }
        self.source.close().await;
        self.ended.notify_one();
        (batches.in_flight > 0).then_some(batches)
    }

    /// Pulls batches until something ends it.
    async fn pull(&mut self, batches: &mut Batches, backoff: &mut Backoff) -> Left {
        let mut lacked = None;
        self.handle.monitor.set(NodeState::Running);
        loop {
            self.note_lack(&mut lacked);
            let has_room = batches.in_flight < IN_FLIGHT;
            tokio::select! {
                biased;
                () = stopped(&mut self.stop) => return Left::Stopped,
                Some((token, outcome)) = batches.settled() => {
                    settle_with(&mut *self.source, &self.handle, token, outcome).await;
                    self.note_wait(batches, false);
                }
                occasion = occasion(self.desk.as_ref()) => self.obey(occasion, batches).await,
                next = self.source.next(&self.clock), if has_room => match next {
                    Ok(Some(batch)) => {
                        backoff.succeed();
                        batches.in_flight += 1;
                        self.note_wait(batches, false);
                        self.hand_on(batch, batches).await;
                    }
                    Ok(None) => return Left::Finished,
                    Err(error) => return Left::Failed(error),
                }
            }
        }
    }

    /// Tells whoever asks that the source gives only a part, or all of it again; `lacked` is what was told last.
    fn note_lack(&self, lacked: &mut Option<String>) {
        let lacks = self.source.lacks();
        if lacks == lacked.as_deref() {
            return;
        }
        *lacked = lacks.map(str::to_owned);
        self.handle.monitor.set(match lacked.clone() {
            Some(error) => NodeState::Retrying { error, failures: 1 },
            None => NodeState::Running,
        });
    }

    /// Lets those who gather events before they make them safe know whether the source waits for them.
    fn note_wait(&self, batches: &Batches, is_ending: bool) {
        let is_waiting = is_ending || batches.in_flight >= IN_FLIGHT || self.source.is_stalled();
        batches.note_wait(is_waiting);
        if is_waiting {
            self.rush.send_modify(|turn| *turn = turn.wrapping_add(1));
        }
    }

    /// Has the source change its settings, and sends the answer.
    async fn obey(&mut self, occasion: Occasion, batches: &mut Batches) {
        let Some(desk) = &mut self.desk else { return };
        let (port, mut answer) = desk.act(occasion, |settings| self.source.adjust(settings));
        unless_abandoned().await;
        desk.save().await;
        answer.depart();
        self.send(vec![(port, answer)], batches).await;
    }

    /// Obeys what came before the end; whoever commands later hears that nobody is there.
    async fn obey_the_last(&mut self, batches: &mut Batches, ended: Outcome) {
        while let Some(occasion) = self.desk.as_ref().and_then(Desk::take) {
            self.obey(occasion, batches).await;
        }
        self.desk.iter().for_each(|desk| desk.close(ended));
    }

    /// Stamps a batch and sends it on.
    async fn hand_on(&mut self, batch: Batch, batches: &mut Batches) {
        unless_abandoned().await;
        self.numbering.reserve(batch.events.len() + batch.failed.len()).await;
        self.note_fault(&batch);
        let settle = batches.settle();
        let (events, failed) = self.stamp(batch, &settle);
        for (event, error) in failed {
            self.handle.monitor.failed(&error);
            let failure = Failure { node: &self.handle.node.id, error: &error, attempts: 1 };
            self.dead_letters.put(event, failure, &self.clock).await;
        }
        self.send(events, batches).await;
    }

    /// Tells whoever asks that the source gives faults instead of readings, or gives readings again.
    fn note_fault(&mut self, batch: &Batch) {
        match &batch.fault {
            Some(fault) => self.handle.monitor.faulted(batch.events.len() as u64, fault),
            None if self.is_faulty && !batch.events.is_empty() => self.handle.monitor.reads_again(),
            None => return,
        }
        self.is_faulty = batch.fault.is_some();
    }

    /// Sends events on. Settlements are taken meanwhile: a full queue must not keep acknowledgements back.
    async fn send(&mut self, events: Vec<(Port, Event)>, batches: &mut Batches) {
        let mut sending = std::pin::pin!(self.outlet.send(events));
        loop {
            tokio::select! {
                () = &mut sending => return,
                Some((token, outcome)) = batches.settled() => {
                    settle_with(&mut *self.source, &self.handle, token, outcome).await;
                }
            }
        }
    }

    /// Books the drafts as events of this node, with sequence numbers, under one receipt: those to send on,
    /// and those that could not be read.
    fn stamp(&mut self, batch: Batch, settle: &Arc<dyn Settle>) -> (Vec<(Port, Event)>, Vec<Unreadable>) {
        let receipt = Receipt::tracked(batch.token, settle.clone());
        let mut sent = Vec::with_capacity(batch.events.len());
        for draft in batch.events {
            let mut event = self.event(draft, receipt.share());
            event.depart();
            sent.push((MAIN, event));
        }
        let failed = batch
            .failed
            .into_iter()
            .map(|(draft, error)| (self.event(draft, receipt.share()), error))
            .collect();
        receipt.settle(Outcome::Delivered);
        (sent, failed)
    }

    fn event(&mut self, draft: Draft, receipt: Receipt) -> Event {
        let mut meta = draft.meta;
        meta.source = self.handle.name.clone();
        let number = self.numbering.next();
        meta.sequence.get_or_insert(number);
        if self.clock.is_unset() {
            meta.fields.insert("clock".into(), "unset".into());
        }
        let mut event = Event::new(draft.body, meta, receipt);
        event.begin(&self.handle.ledger);
        event
    }
}

/// Sources have no `retry:`; they are tried again at its defaults.
fn backoff() -> Backoff {
    let retry = Retry::default();
    Backoff::new(retry.initial.0, retry.max.0)
}
