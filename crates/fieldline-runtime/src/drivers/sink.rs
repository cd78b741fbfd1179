//! The sink driver: takes events into the sink's buffer and, beside it, lets the [`Writer`] bring batches to
//! their end, so that a sink that is down does not keep the buffer from filling.

use std::collections::BTreeSet;
use std::sync::Arc;

use fieldline_compiler::NodeId;
use fieldline_core::{Clock, Event};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use super::until;
use super::writer::Writer;
use crate::buffer::Buffer;
use crate::build::NodeHandle;
use crate::outlet::Parcel;
use crate::supervise::{OwnThread, drive_on};

/// How many events a disk buffer stores at one visit, if they are there.
const GATHER: usize = 256;

/// Runs one sink until its inbox is closed and its buffer is empty, or safe on disk.
pub(crate) struct SinkDriver {
    pub(crate) handle: Arc<NodeHandle>,
    pub(crate) inbox: mpsc::Receiver<Parcel>,
    pub(crate) buffer: Buffer,
    pub(crate) clock: Clock,
    /// Read at the end: a disk buffer of a sink that goes on in the next plan is left to it as it is.
    pub(crate) carry: watch::Receiver<BTreeSet<NodeId>>,
    /// Tells the writer not to try again what is safe on disk.
    pub(crate) leave: watch::Sender<bool>,
    /// Turns whenever a source stands still until something is settled.
    pub(crate) rush: watch::Receiver<u64>,
    /// Where the writer runs, if its sink blocks; the buffer fills meanwhile.
    pub(crate) thread: Option<OwnThread>,
}

/// A batch on its way: ends with the writer and whether all was written.
type Delivery = BoxFuture<'static, (Writer, bool)>;

impl SinkDriver {
    /// Works until there is nothing left to write, or what is left is safe and the sink does not take it now.
    pub(crate) async fn run(mut self, writer: Writer) {
        let most = self.handle.node.policy.batch.max_events;
        let mut idle: Option<Writer> = None;
        let greeting = writer.greet().map(|writer| (writer, true));
        let mut delivery: Option<Delivery> = Some(drive_on(self.thread.as_ref(), greeting));
        let mut open = true;
        let mut is_refused = false;
        let mut writer = loop {
            if let Some(writer) = idle.take() {
                if !open && (is_refused || self.goes_on()) && self.buffer.may_leave() {
                    break writer;
                }
                match self.buffer.take(most, self.clock.time()).await {
                    Some(batch) => delivery = Some(drive_on(self.thread.as_ref(), writer.deliver(batch))),
                    None if open || !self.buffer.may_leave() => idle = Some(writer),
                    None => break writer,
                }
            }
            let due = self.buffer.due();
            tokio::select! {
                (writer, is_done) = async { delivery.as_mut().expect("checked by the branch").await }, if delivery.is_some() => {
                    delivery = None;
                    idle = Some(writer);
                    is_refused = !is_done;
                    if is_done {
                        self.buffer.delivered();
                    } else {
                        self.buffer.given_up();
                        // What only memory has is worth every try until the deadline.
                        self.leave.send_replace(self.buffer.may_leave());
                    }
                }
                parcel = self.inbox.recv(), if open && self.buffer.has_room() => match parcel {
                    Some(parcel) => {
                        let events = self.gather(parcel);
                        self.buffer.put(events).await;
                    }
                    None => {
                        open = false;
                        self.leave.send_replace(self.buffer.is_disk() || self.buffer.may_leave());
                    }
                },
                () = until(due), if due.is_some() => self.buffer.upkeep().await,
                Ok(()) = self.rush.changed() => self.buffer.hasten(),
            }
        };
        drive_on(self.thread.as_ref(), async move { writer.sink.close().await }).await;
        self.buffer.close().await;
    }

    /// Whether the next plan has this sink too, which finds the buffer as it is left.
    fn goes_on(&self) -> bool {
        self.buffer.is_disk() && self.carry.borrow().contains(&self.handle.node.id)
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
