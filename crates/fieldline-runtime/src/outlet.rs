//! [`Outlet`]: the way from one task to those that read it. Level-triggered: it looks at the wiring as it is
//! now, `Hold` or `Flow`, so there is no order of commands to get wrong.

use std::sync::Arc;

use fieldline_core::{Edge, Event, Ledger, Port};
use tokio::sync::{mpsc, watch};

use crate::node::controlled::Controlled;

/// The slot of a unit's ordinary input; `with` inputs have the slots after it.
pub(crate) const MAIN_SLOT: u16 = 0;

/// How many parcels a unit's queue holds; each has at most what its sender had at hand.
pub(crate) const QUEUE: usize = 16;

/// Some events on their way into a unit.
pub(crate) struct Parcel {
    /// Which of its inputs.
    pub(crate) slot: u16,
    /// Which of its transforms: the first, except for events that are put in again.
    pub(crate) stage: usize,
    /// The events, booked in at that node already.
    pub(crate) events: Vec<Event>,
}

/// The queue of a unit.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) inbox: mpsc::Sender<Parcel>,
    pub(crate) slot: u16,
    /// Which of its inputs that is, where it has several.
    pub(crate) edge: Option<Arc<Edge>>,
    pub(crate) ledger: Arc<Ledger>,
}

/// One reader of an output.
#[derive(Clone)]
pub(crate) enum Reader {
    /// A unit that takes the events: where its queue is full, the sender waits.
    Flow(Target),
    /// A node that takes them as commands by the input `input`: the sender never waits.
    Commands { controlled: Arc<Controlled>, input: u16, ledger: Arc<Ledger> },
}

impl Reader {
    /// Books the event in at the reader.
    fn book(&self, event: &mut Event) {
        match self {
            Reader::Flow(target) => event.enter_by(target.edge.as_ref(), &target.ledger),
            Reader::Commands { ledger, .. } => event.enter(ledger),
        }
    }

    async fn put(&self, events: Vec<Event>) {
        match self {
            Reader::Commands { controlled, input, .. } => controlled.mailbox.put(*input, events),
            Reader::Flow(target) => {
                let parcel = Parcel { slot: target.slot, stage: 0, events };
                if target.inbox.send(parcel).await.is_err() {
                    tracing::error!("the task that reads this output is gone; its events are lost");
                }
            }
        }
    }
}

/// Where the outputs of a unit lead, by port.
#[derive(Clone)]
pub(crate) enum Wiring {
    /// Nowhere for the moment: wait.
    Hold,
    /// To these.
    Flow(Arc<Vec<Vec<Reader>>>),
}

/// A unit's outputs.
pub(crate) struct Outlet(watch::Receiver<Wiring>);

impl Outlet {
    pub(crate) fn new(wiring: watch::Receiver<Wiring>) -> Self {
        Outlet(wiring)
    }

    /// An outlet that leads nowhere: what reads it sees the end of its input.
    pub(crate) fn closed() -> Self {
        Outlet(watch::channel(Wiring::Hold).1)
    }

    /// Hands the events on, each to every reader of its port; waits where a reader's queue is full. Events
    /// are booked in at the readers before anything is awaited, so that an abort finds them on the books.
    pub(crate) async fn send(&mut self, events: impl IntoIterator<Item = (Port, Event)>) {
        let mut events = events.into_iter().peekable();
        if events.peek().is_none() {
            return;
        }
        let Some(targets) = self.flowing().await else { return };
        let mut parcels: Vec<Vec<Vec<Event>>> =
            targets.iter().map(|readers| readers.iter().map(|_| Vec::new()).collect()).collect();
        for (port, event) in events {
            let Some(readers) = targets.get(usize::from(port)).filter(|readers| !readers.is_empty()) else {
                event.go_unread();
                continue;
            };
            distribute(event, readers, &mut parcels[usize::from(port)]);
        }
        for (readers, parcels) in targets.iter().zip(parcels) {
            for (reader, events) in readers.iter().zip(parcels) {
                if !events.is_empty() {
                    reader.put(events).await;
                }
            }
        }
    }

    async fn flowing(&mut self) -> Option<Arc<Vec<Vec<Reader>>>> {
        let flowing = self.0.wait_for(|wiring| matches!(wiring, Wiring::Flow(_))).await.ok()?;
        match &*flowing {
            Wiring::Flow(targets) => Some(targets.clone()),
            Wiring::Hold => None,
        }
    }
}

/// Gives the event to the last reader and a copy to every other.
fn distribute(event: Event, readers: &[Reader], parcels: &mut [Vec<Event>]) {
    let last = readers.len() - 1;
    for (reader, parcel) in readers[..last].iter().zip(parcels.iter_mut()) {
        let mut copy = event.fork();
        reader.book(&mut copy);
        parcel.push(copy);
    }
    let mut event = event;
    readers[last].book(&mut event);
    parcels[last].push(event);
}
