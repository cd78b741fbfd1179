//! The memory buffer: bounded by count and by bytes, gone with the process.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use fieldline_core::policy::{Buffer as Settings, WhenFull};
use fieldline_core::{Door, Event};

use super::in_hand::InHand;
use crate::node::meter::Meter;

/// Bytes an event takes beside its body and its further metadata.
const OVERHEAD: usize = 256;

/// The most events of a buffer that does not say.
const MAX_EVENTS: usize = 1000;

/// The most bytes of a buffer that does not say.
const MAX_BYTES: usize = 4 << 20;

/// Events in the order they came.
pub(crate) struct MemoryBuffer {
    settings: Settings,
    max_events: usize,
    max_bytes: usize,
    waiting: VecDeque<(Event, usize)>,
    bytes: usize,
    in_hand: (usize, usize),
    meter: Arc<Meter>,
}

impl MemoryBuffer {
    /// A buffer bounded as `settings` say: 1,000 events and 4 MiB if they say nothing.
    pub(crate) fn new(settings: &Settings, meter: Arc<Meter>) -> Self {
        MemoryBuffer {
            settings: settings.clone(),
            max_events: settings.max_events.unwrap_or(MAX_EVENTS),
            max_bytes: settings
                .max_size
                .map_or(MAX_BYTES, |size| usize::try_from(size.0).unwrap_or(usize::MAX)),
            waiting: VecDeque::new(),
            bytes: 0,
            in_hand: (0, 0),
            meter,
        }
    }

    /// Whether to take more events from the inbox: always, when a full buffer drops.
    pub(crate) fn has_room(&self) -> bool {
        self.settings.when_full != WhenFull::Block || !self.is_full()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes events in; where there is no room, some are dropped as the settings say.
    pub(crate) fn put(&mut self, events: Vec<Event>, now: Instant) {
        for mut event in events {
            event.wait_since(now);
            if self.is_full() {
                match self.settings.when_full {
                    WhenFull::Block => {}
                    WhenFull::DropNewest => {
                        event.finish(Door::Dropped("drop_newest"));
                        continue;
                    }
                    WhenFull::DropOldest => {
                        if let Some((oldest, weight)) = self.waiting.pop_front() {
                            self.bytes -= weight;
                            oldest.finish(Door::Dropped("drop_oldest"));
                        }
                    }
                }
            }
            let weight = weight(&event);
            self.bytes += weight;
            self.waiting.push_back((event, weight));
        }
        self.measure();
    }

    /// The oldest events, at most `most`; those that are too old are let go first.
    pub(crate) fn take(&mut self, most: usize, now: Instant) -> Option<InHand> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < most {
            let Some((event, weight)) = self.waiting.pop_front() else { break };
            self.bytes -= weight;
            if self.is_expired(&event, now) {
                event.finish(Door::Expired);
                continue;
            }
            bytes += weight;
            batch.push(event);
        }
        self.in_hand = (batch.len(), bytes);
        self.measure();
        (!batch.is_empty()).then(|| InHand::of_memory(batch))
    }

    /// The batch that was taken has come to its end.
    pub(crate) fn delivered(&mut self) {
        self.in_hand = (0, 0);
        self.measure();
    }

    /// The batch that was taken has not come to its end: it waits again, before all others.
    pub(crate) fn given_up(&mut self, rest: Vec<Event>) {
        self.in_hand = (0, 0);
        self.restore(rest);
        self.measure();
    }

    /// The bytes of everything that is in it or being written.
    pub(crate) fn bytes(&self) -> u64 {
        (self.bytes + self.in_hand.1) as u64
    }

    /// Everything that waits, to be put elsewhere or given back by [`MemoryBuffer::restore`].
    pub(crate) fn drain(&mut self) -> Vec<Event> {
        self.bytes = 0;
        let events = self.waiting.drain(..).map(|(event, _)| event).collect();
        self.measure();
        events
    }

    /// Puts back what was drained, before anything that came since.
    pub(crate) fn restore(&mut self, events: Vec<Event>) {
        for event in events.into_iter().rev() {
            let weight = weight(&event);
            self.bytes += weight;
            self.waiting.push_front((event, weight));
        }
    }

    fn measure(&self) {
        let mut figures = self.meter.figures();
        figures.records = self.waiting.len() as u64;
        figures.bytes = self.bytes();
        figures.oldest = self.waiting.front().map(|(event, _)| event.meta().time);
    }

    fn is_full(&self) -> bool {
        let (events, bytes) = self.in_hand;
        self.waiting.len() + events >= self.max_events || self.bytes + bytes >= self.max_bytes
    }

    /// By the time that has gone by since it came, whatever the wall clock was set to meanwhile.
    fn is_expired(&self, event: &Event, now: Instant) -> bool {
        let (Some(limit), Some(since)) = (self.settings.max_age, event.waiting_since()) else { return false };
        now.saturating_duration_since(since) > limit.0
    }
}

/// About how many bytes of memory an event takes.
fn weight(event: &Event) -> usize {
    let fields = event.meta().fields.iter().map(|(key, value)| 40 + key.len() + value.weight());
    OVERHEAD + event.body().weight() + fields.sum::<usize>()
}
