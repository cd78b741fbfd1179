//! Where events wait for a sink: in memory, or on a disk that survives a crash.

use std::time::Duration;

use fieldline_core::Event;
use tokio::time::Instant;

pub(crate) mod in_hand;

pub(crate) mod memory;

mod pending;

mod place;

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
    /// In memory, behind what is left of the disk buffer that the sink had before.
    Emptying(Emptying),
}

/// A memory buffer, and the disk buffer that is sent before it.
pub(crate) struct Emptying {
    disk: Box<DiskBuffer>,
    memory: MemoryBuffer,
    /// Whether the batch that is out came from the disk.
    is_disk_out: bool,
}

impl Buffer {
    /// A buffer in memory that sends first what is left on `disk`.
    pub(crate) fn emptying(disk: DiskBuffer, memory: MemoryBuffer) -> Self {
        Buffer::Emptying(Emptying { disk: Box::new(disk), memory, is_disk_out: false })
    }

    /// Whether to take more events from the inbox: always, when a full buffer drops.
    pub(crate) fn has_room(&self) -> bool {
        match self {
            Buffer::Memory(memory) | Buffer::Emptying(Emptying { memory, .. }) => memory.has_room(),
            Buffer::Disk(disk) => disk.has_room(),
        }
    }

    /// Takes events in; where there is no room, some are dropped as the policy says.
    pub(crate) async fn put(&mut self, events: Vec<Event>, now: std::time::Instant) {
        match self {
            Buffer::Memory(memory) | Buffer::Emptying(Emptying { memory, .. }) => memory.put(events, now),
            Buffer::Disk(disk) => disk.put(events).await,
        }
    }

    /// Takes in what the version before could not send, room or not.
    pub(crate) async fn inherit(&mut self, events: Vec<Event>) {
        match self {
            _ if events.is_empty() => {}
            Buffer::Memory(memory) | Buffer::Emptying(Emptying { memory, .. }) => memory.given_up(events),
            Buffer::Disk(disk) => disk.put(events).await,
        }
    }

    /// The oldest events, at most `most`; those that are too old are let go first.
    pub(crate) async fn take(&mut self, most: usize, now: std::time::Instant) -> Option<InHand> {
        match self {
            Buffer::Memory(memory) => memory.take(most, now),
            Buffer::Disk(disk) => disk.take(most).await,
            Buffer::Emptying(emptying) => emptying.take(most, now).await,
        }
    }

    /// The batch that was taken has come to its end.
    pub(crate) fn delivered(&mut self) {
        match self {
            Buffer::Emptying(Emptying { disk, is_disk_out: true, .. }) | Buffer::Disk(disk) => {
                disk.delivered()
            }
            Buffer::Memory(memory) | Buffer::Emptying(Emptying { memory, .. }) => memory.delivered(),
        }
    }

    /// Of the batch that was taken this is left, and is the next to be taken.
    pub(crate) async fn given_up(&mut self, mut rest: InHand) {
        match self {
            Buffer::Emptying(Emptying { disk, is_disk_out: true, .. }) | Buffer::Disk(disk) => {
                disk.given_up(rest).await;
            }
            Buffer::Memory(memory) | Buffer::Emptying(Emptying { memory, .. }) => {
                memory.given_up(std::mem::take(&mut rest.events));
            }
        }
    }

    /// When [`Buffer::upkeep`] has something to do.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.disk().and_then(DiskBuffer::due)
    }

    /// Makes safe what waits for it, and tries again what failed.
    pub(crate) async fn upkeep(&mut self) {
        if let Some(disk) = self.disk_mut() {
            disk.upkeep().await;
        }
    }

    /// Some source stands still; if it waits for this buffer, the next sync comes soon.
    pub(crate) fn hasten(&mut self) {
        self.disk_mut().into_iter().for_each(DiskBuffer::hasten);
    }

    /// Whether this is a buffer that keeps what is not delivered.
    pub(crate) fn is_disk(&self) -> bool {
        matches!(self, Buffer::Disk(_))
    }

    /// Whether the driver may end without a loss.
    pub(crate) fn is_safe(&self) -> bool {
        match self {
            Buffer::Memory(memory) | Buffer::Emptying(Emptying { memory, .. }) => memory.is_empty(),
            Buffer::Disk(disk) => disk.is_safe(),
        }
    }

    /// Makes safe what a disk takes, at the end; gives back the rest.
    pub(crate) async fn close(&mut self) -> Vec<Event> {
        match self {
            Buffer::Memory(memory) => memory.drain(),
            Buffer::Disk(disk) => disk.close().await,
            Buffer::Emptying(Emptying { disk, memory, .. }) => {
                let mut rest = disk.close().await;
                rest.extend(memory.drain());
                rest
            }
        }
    }

    fn disk(&self) -> Option<&DiskBuffer> {
        match self {
            Buffer::Memory(_) => None,
            Buffer::Disk(disk) | Buffer::Emptying(Emptying { disk, .. }) => Some(disk),
        }
    }

    fn disk_mut(&mut self) -> Option<&mut DiskBuffer> {
        match self {
            Buffer::Memory(_) => None,
            Buffer::Disk(disk) | Buffer::Emptying(Emptying { disk, .. }) => Some(disk),
        }
    }
}

impl Emptying {
    async fn take(&mut self, most: usize, now: std::time::Instant) -> Option<InHand> {
        let batch = self.disk.take(most).await;
        self.is_disk_out = batch.is_some();
        if batch.is_some() || !self.disk.is_empty() {
            return batch;
        }
        self.memory.take(most, now)
    }
}
