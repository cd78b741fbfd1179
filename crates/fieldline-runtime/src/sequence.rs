//! [`Numbering`]: the running numbers of a source's events; where asked for, they go on after a restart and no
//! number is ever given twice.
//!
//! Numbers are reserved in blocks before they are given: what is on disk is the end of the block, so a crash
//! skips the rest of it. A clean stop writes down where the numbers really ended.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fieldline_core::Clock;
use fieldline_store::{Checkpoint, Storage};

use crate::supervise::{blocking, describe};

/// How many numbers are reserved at once: at one reading a second, one write in a quarter of an hour.
const BLOCK: u64 = 1000;

/// The shape of what is saved: the last number that may have been given, little-endian.
const VERSION: u32 = 1;

/// Gives out numbers, from 1.
pub(crate) struct Numbering {
    /// The last number given; shared with the node, so that it goes on when a reload starts its source anew.
    last: Arc<AtomicU64>,
    saved: Option<Reserve>,
    clock: Clock,
}

/// The reservation on disk.
struct Reserve {
    checkpoint: Arc<Checkpoint>,
    /// No number beyond this may be given; `None` until it is read.
    end: Option<u64>,
}

impl Numbering {
    /// Numbers that go on after `last`, and begin with 1 whenever the program starts.
    pub(crate) fn passing(clock: Clock, last: Arc<AtomicU64>) -> Self {
        Numbering { last, saved: None, clock }
    }

    /// Numbers that go on where the file `path` says.
    pub(crate) fn persistent(clock: Clock, storage: Arc<dyn Storage>, path: PathBuf) -> Self {
        let checkpoint = Arc::new(Checkpoint::new(storage, path));
        Numbering { last: Arc::default(), saved: Some(Reserve { checkpoint, end: None }), clock }
    }

    /// The next number. [`Numbering::reserve`] has made sure that it may be given.
    pub(crate) fn next(&mut self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    /// Makes sure that the next `count` numbers may be given. Where the disk fails, they are given all the same,
    /// and the log says that a crash may repeat them: a source that stands still would lose more.
    pub(crate) async fn reserve(&mut self, count: usize) {
        let Some(saved) = &mut self.saved else { return };
        if saved.end.is_none() {
            self.last.store(load(saved.checkpoint.clone(), &self.clock).await, Ordering::Relaxed);
        }
        let wanted = self.last.load(Ordering::Relaxed) + count as u64;
        if saved.end.is_some_and(|end| wanted <= end) {
            return;
        }
        let end = wanted + BLOCK;
        saved.end = Some(end);
        save(saved.checkpoint.clone(), end).await;
    }

    /// Writes down where the numbers ended, so that the next start leaves no gap.
    pub(crate) async fn close(&mut self) {
        let last = self.last();
        if let Some(saved) = &mut self.saved
            && saved.end.is_some_and(|end| end != last)
        {
            saved.end = Some(last);
            save(saved.checkpoint.clone(), last).await;
        }
    }
}

/// The last number that may have been given. If that cannot be known, the wall clock in microseconds: beyond
/// everything a source has counted.
async fn load(checkpoint: Arc<Checkpoint>, clock: &Clock) -> u64 {
    let loaded = match blocking(move || checkpoint.load()).await {
        Ok(Ok(None)) => return 0,
        Ok(Ok(Some(saved))) if saved.version == VERSION => {
            saved.payload.try_into().map(u64::from_le_bytes).map_err(|_| "it is no number".to_owned())
        }
        Ok(Ok(Some(saved))) => Err(format!("it has format {}", saved.version)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(panic) => Err(panic.message),
    };
    loaded.unwrap_or_else(|error| {
        tracing::error!(error, "the saved sequence number cannot be read; numbers go on from the wall clock");
        u64::try_from(clock.time().as_microsecond()).unwrap_or(0)
    })
}

async fn save(checkpoint: Arc<Checkpoint>, end: u64) {
    let saved = blocking(move || checkpoint.save(VERSION, &end.to_le_bytes())).await;
    let error = match saved {
        Ok(Ok(())) => return,
        Ok(Err(error)) => describe(&error),
        Err(panic) => panic.message,
    };
    tracing::error!(error, "the sequence number cannot be saved; a crash may repeat numbers");
}
