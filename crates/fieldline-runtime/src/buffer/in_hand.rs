//! [`InHand`]: the events of a batch while they are written.

use std::sync::Arc;

use fieldline_core::Event;

use crate::node::meter::Meter;

/// Events that a sink is about to write. What is still here when it is dropped is lost if it came from memory;
/// records of a disk are there still, and stay in flight at their node.
pub(crate) struct InHand {
    pub(crate) events: Vec<Event>,
    /// How many events at its front have ended, of those it began with.
    pub(crate) ended: usize,
    disk: Option<Arc<Meter>>,
}

impl InHand {
    /// Events that exist nowhere else.
    pub(crate) fn of_memory(events: Vec<Event>) -> Self {
        InHand { events, ended: 0, disk: None }
    }

    /// Events that are on disk until they are acknowledged there; `meter` counts them as parked again if they
    /// are not written.
    pub(crate) fn of_disk(events: Vec<Event>, meter: Arc<Meter>) -> Self {
        InHand { events, ended: 0, disk: Some(meter) }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if let Some(meter) = &self.disk {
            meter.figures().parked += self.events.len() as u64;
            self.events.drain(..).for_each(|event| drop(event.park()));
        }
    }
}
