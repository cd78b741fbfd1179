//! Where events wait for a sink: in memory, or on a disk that survives a crash.

use std::time::Duration;

use fieldline_core::Event;
use jiff::Timestamp;
use tokio::time::Instant;

pub(crate) mod in_hand;

pub(crate) mod wear;

pub(crate) mod meter;

pub(crate) mod memory;

pub(crate) mod record;

mod pending;

mod reserve;

pub(crate) mod store;

pub(crate) mod unused;

mod visit;

pub(crate) mod disk;

use disk::DiskBuffer;
use in_hand::InHand;
use memory::MemoryBuffer;

/// How soon a disk buffer syncs for a source that stands still: long enough for a sink that works to make it
/// unnecessary.
const HASTE: Duration = Duration::from_millis(50);

/// A sink's buffer. One batch at a time is out of it; events come out in the order in which they went in.
pub(crate) enum Buffer {
    /// Gone with the process.
    Memory(MemoryBuffer),
    /// Survives it.
    Disk(Box<DiskBuffer>),
}

impl Buffer {
    /// Whether to take more events from the inbox: always, when a full buffer drops.
    pub(crate) fn has_room(&self) -> bool {
        match self {
            Buffer::Memory(memory) => memory.has_room(),
            Buffer::Disk(disk) => disk.has_room(),
        }
    }

    /// Takes events in; where there is no room, some are dropped as the policy says.
    pub(crate) async fn put(&mut self, events: Vec<Event>) {
        match self {
            Buffer::Memory(memory) => memory.put(events),
            Buffer::Disk(disk) => disk.put(events).await,
        }
    }

    /// The oldest events, at most `most`; those that are too old are let go first.
    pub(crate) async fn take(&mut self, most: usize, now: Timestamp) -> Option<InHand> {
        match self {
            Buffer::Memory(memory) => memory.take(most, now),
            Buffer::Disk(disk) => disk.take(most, now).await,
        }
    }

    /// The batch that was taken has come to its end.
    pub(crate) fn delivered(&mut self) {
        match self {
            Buffer::Memory(memory) => memory.delivered(),
            Buffer::Disk(disk) => disk.delivered(),
        }
    }

    /// The batch that was taken was given up; it is on disk still.
    pub(crate) fn given_up(&mut self) {
        match self {
            Buffer::Memory(memory) => memory.delivered(),
            Buffer::Disk(disk) => disk.given_up(),
        }
    }

    /// When [`Buffer::upkeep`] has something to do.
    pub(crate) fn due(&self) -> Option<Instant> {
        match self {
            Buffer::Memory(_) => None,
            Buffer::Disk(disk) => disk.due(),
        }
    }

    /// Makes safe what waits for it, and tries again what failed.
    pub(crate) async fn upkeep(&mut self) {
        if let Buffer::Disk(disk) = self {
            disk.upkeep().await;
        }
    }

    /// Some source stands still; if it waits for this buffer, the next sync comes soon.
    pub(crate) fn hasten(&mut self) {
        if let Buffer::Disk(disk) = self {
            disk.hasten();
        }
    }

    /// Whether this is a buffer that keeps what is not delivered.
    pub(crate) fn is_disk(&self) -> bool {
        matches!(self, Buffer::Disk(_))
    }

    /// Whether the driver may end without a loss.
    pub(crate) fn may_leave(&self) -> bool {
        match self {
            Buffer::Memory(memory) => memory.is_empty(),
            Buffer::Disk(disk) => disk.may_leave(),
        }
    }

    /// Makes everything safe at the end.
    pub(crate) async fn close(&mut self) {
        if let Buffer::Disk(disk) = self {
            disk.close().await;
        }
    }
}
