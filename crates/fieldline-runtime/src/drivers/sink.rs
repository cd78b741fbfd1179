//! The sink driver: takes events into the sink's buffer and, beside it, lets the [`Writer`] bring batches to
//! their end, so that a sink that is down does not keep the buffer from filling.

use std::sync::Arc;
use std::time::Duration;

use fieldline_core::{Clock, Door, Event, EventError};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::carried::Carried;
use super::leave::{Leave, Rest};
use super::writer::{LAST_WRITE, Writer};
use crate::buffer::Buffer;
use crate::buffer::in_hand::InHand;
use crate::dead_letter::{DeadLetters, Failure};
use crate::node::NodeHandle;
use crate::outlet::Parcel;
use crate::supervise::{OwnThread, drive_on};
use crate::wait::until;

/// How many events a disk buffer stores at one visit, if they are there.
const GATHER: usize = 256;

/// Runs one sink until its inbox is closed and its events are sent, safe on disk, or left to its next version.
pub(crate) struct SinkDriver {
    pub(crate) handle: Arc<NodeHandle>,
    /// Its connection, if it has one.
    pub(crate) connection: Option<Arc<NodeHandle>>,
    pub(crate) inbox: mpsc::Receiver<Parcel>,
    pub(crate) buffer: Buffer,
    /// The events of its version before, which could not send them.
    pub(crate) inherited: Vec<Event>,
    pub(crate) clock: Clock,
    pub(crate) leave: watch::Receiver<Leave>,
    /// Set while a change lets queues run empty: events are taken also beyond the bound of the buffer.
    pub(crate) overfill: watch::Receiver<bool>,
    /// Set once no write is under way and none will begin.
    pub(crate) paused: watch::Sender<bool>,
    /// Until when the writer may try what it has in hand; for ever without it.
    pub(crate) patience: watch::Sender<Option<Instant>>,
    /// Turns whenever a source stands still until something is settled.
    pub(crate) rush: watch::Receiver<u64>,
    /// Where the writer runs, if its sink blocks; the buffer fills meanwhile.
    pub(crate) thread: Option<OwnThread>,
}

/// A batch on its way: ends with the writer and the part of the batch that was not written.
type Delivery = BoxFuture<'static, (Writer, Option<InHand>)>;

impl SinkDriver {
    /// Works until nothing is left to write, or the rest is safe or taken over. Gives back the rest that the next
    /// version sends.
    pub(crate) async fn run(mut self, writer: Writer) -> Carried {
        let most = self.handle.node.policy.events_at_once();
        let mut idle: Option<Writer> = None;
        let greeting = writer.greet().map(|writer| (writer, None));
        let mut delivery: Option<Delivery> = Some(drive_on(self.thread.as_ref(), greeting));
        let mut open = true;
        let mut is_refused = false;
        let inherited = std::mem::take(&mut self.inherited);
        self.buffer.inherit(inherited).await;
        let writer = loop {
            if let Some(writer) = idle.take() {
                if !open && (self.gives_up() || self.hands_over() || is_refused && self.buffer.is_safe()) {
                    break writer;
                }
                let batch = match self.may_write() {
                    true => self.buffer.take(most, self.clock.instant()).await,
                    false => None,
                };
                match batch {
                    Some(batch) => {
                        self.handle.meter.begins(self.clock.instant());
                        delivery = Some(drive_on(self.thread.as_ref(), writer.deliver(batch)));
                    }
                    None if open || !self.buffer.is_safe() => idle = Some(writer),
                    None => break writer,
                }
            }
            let is_paused = delivery.is_none() && !self.may_write();
            self.paused.send_if_modified(|paused| std::mem::replace(paused, is_paused) != is_paused);
            let due = self.buffer.due();
            tokio::select! {
                (writer, rest) = async { delivery.as_mut().expect("checked by the branch").await }, if delivery.is_some() => {
                    delivery = None;
                    idle = Some(writer);
                    self.handle.meter.ends();
                    is_refused = rest.is_some();
                    match rest {
                        None => self.buffer.delivered(),
                        Some(rest) => self.buffer.given_up(rest).await,
                    }
                    self.be_patient(open);
                }
                parcel = self.inbox.recv(), if open && (self.buffer.has_room() || *self.overfill.borrow()) => match parcel {
                    Some(parcel) => {
                        let events = self.gather(parcel);
                        self.buffer.put(events, self.clock.instant()).await;
                    }
                    None => {
                        open = false;
                        self.be_patient(open);
                    }
                },
                Ok(()) = self.leave.changed() => self.be_patient(open),
                Ok(()) = self.overfill.changed() => {}
                result = async { idle.as_mut().expect("checked by the branch").idle().await }, if idle.is_some() && self.thread.is_none() => {
                    if let Err(error) = result {
                        let writer = idle.take().expect("it has just failed");
                        delivery = Some(writer.recover(error).map(|writer| (writer, None)).boxed());
                    }
                }
                () = until(due), if due.is_some() => self.buffer.upkeep().await,
                Ok(()) = self.rush.changed() => self.buffer.hasten(),
            }
        };
        self.end(writer).await
    }

    /// Closes the sink and its buffer; gives back what the next version is to send.
    async fn end(mut self, mut writer: Writer) -> Carried {
        let leave = self.leave.borrow().clone();
        let mut carried = Carried::default();
        if let Leave::GiveUp(rest) = leave {
            let dead_letters = writer.dead_letters.clone();
            let count = self.give_up(rest, &dead_letters).await;
            carried.given_up.insert(self.handle.node.id.clone(), count);
        }
        let waiting = self.buffer.close().await;
        if self.hands_over() && !waiting.is_empty() {
            carried.waiting.insert(self.handle.node.id.clone(), waiting);
        }
        drive_on(self.thread.as_ref(), async move { writer.close().await }).await;
        carried
    }

    /// Whether the next version of this sink takes over what waits here.
    fn hands_over(&self) -> bool {
        self.leave.borrow().hands_over(&self.handle.node.id)
    }

    /// Whether a sink of this name will find the events where they are.
    fn stays_on_disk(&self) -> bool {
        let is_sent =
            matches!(&*self.leave.borrow(), Leave::End(next) if next.sent.contains(&self.handle.node.id));
        self.buffer.is_disk() && !is_sent
    }

    fn gives_up(&self) -> bool {
        matches!(&*self.leave.borrow(), Leave::GiveUp(_))
    }

    /// Whether a write may begin.
    fn may_write(&self) -> bool {
        match &*self.leave.borrow() {
            Leave::Stay => true,
            Leave::End(succession) => !succession.events.contains(&self.handle.node.id),
            Leave::Pause | Leave::GiveUp(_) => false,
        }
    }

    /// Tells the writer how long it may try. What only memory has, and nobody takes over, is worth every try; a sink
    /// that hands over may finish a write that is likely to end soon, so that nothing is sent twice.
    fn be_patient(&self, open: bool) {
        let now = Instant::now();
        let is_urgent = !self.may_write();
        let until = if is_urgent && !self.handle.is_at_work(self.connection.as_deref()) {
            Some(now)
        } else if is_urgent {
            let written_for = self.handle.meter.written_for(self.clock.instant()).unwrap_or(Duration::ZERO);
            Some(now + LAST_WRITE.saturating_sub(written_for))
        } else if !open && self.buffer.is_safe() && self.stays_on_disk() {
            Some(now + LAST_WRITE)
        } else {
            let has_nothing = self.buffer.is_safe() && !self.handle.meter.is_writing();
            (!open && has_nothing).then_some(now)
        };
        self.patience.send_if_modified(|patience| {
            let next = match (*patience, until) {
                (Some(before), Some(until)) => Some(before.min(until)),
                (_, until) => until,
            };
            std::mem::replace(patience, next) != next
        });
    }

    /// Ends the events that are still here, and says how many those were.
    async fn give_up(&mut self, rest: Rest, dead_letters: &DeadLetters) -> u64 {
        let mut count = 0;
        let error =
            EventError::new("not_sent", "its sink was removed, or sends elsewhere now, before it was sent");
        while let Some(mut batch) = self.buffer.take(GATHER, self.clock.instant()).await {
            for event in batch.events.drain(..) {
                count += 1;
                match rest {
                    Rest::Dropped => event.finish(Door::Dropped("accepted_loss")),
                    Rest::DeadLetter => {
                        let failure = Failure { node: &self.handle.node.id, error: &error, attempts: 1 };
                        dead_letters.put(event, failure, &self.clock).await;
                    }
                }
            }
            self.buffer.delivered();
        }
        count
    }

    /// For a disk, everything that is there; a visit costs the same for one event and for many.
    fn gather(&mut self, parcel: Parcel) -> Vec<Event> {
        let mut events = parcel.events;
        while self.buffer.is_disk() && events.len() < GATHER {
            let Ok(parcel) = self.inbox.try_recv() else { break };
            events.extend(parcel.events);
        }
        events
    }
}
