//! A card that can be broken, and sinks that keep their events on it.

use std::sync::Arc;
use std::time::Duration;

use fieldline_core::policy::{self, BufferKind, SinkPolicy, WhenFull};
use fieldline_core::{Clock, Size};
use fieldline_runtime::{Environment, Runtime, TokioTime};
use fieldline_store::testing::MemoryStorage;

/// How often what transforms remember is saved.
pub(crate) const SAVE_EVERY: Duration = Duration::from_secs(60);

/// A data directory whose disk buffers are on a file system that can be broken.
pub(crate) struct Card {
    pub(crate) storage: MemoryStorage,
    pub(crate) folder: tempfile::TempDir,
}

impl Card {
    pub(crate) fn new() -> Self {
        Card { storage: MemoryStorage::new(), folder: tempfile::tempdir().expect("a folder") }
    }

    /// Like [`runtime`], on this card.
    pub(crate) fn runtime(&self) -> Runtime {
        self.runtime_at("2026-01-01T00:00:00Z")
    }

    /// The same, with a wall clock that begins at `start`.
    pub(crate) fn runtime_at(&self, start: &str) -> Runtime {
        let clock = Clock::new(TokioTime::starting_at(start.parse().expect("a time")));
        let data_dir = self.folder.path().into();
        let environment =
            Environment { clock, data_dir, drain: Duration::from_secs(10), save_every: Some(SAVE_EVERY) };
        Runtime::with_storage(environment, Arc::new(self.storage.clone()))
    }
}

/// Checks that `written` are exactly `expected`, without printing thousands of numbers.
#[track_caller]
pub(crate) fn assert_numbers(written: &[i64], expected: std::ops::Range<i64>) {
    let first_wrong = written.iter().zip(expected.clone()).find(|(left, right)| *left != right);
    assert!(first_wrong.is_none(), "{first_wrong:?} differ, {} written", written.len());
    assert_eq!(written.len() as i64, expected.end - expected.start);
}

/// A sink policy with a disk buffer of 1 MiB.
pub(crate) fn on_disk(when_full: WhenFull) -> SinkPolicy {
    let buffer = policy::Buffer {
        kind: BufferKind::Disk,
        max_size: Some(Size(1 << 20)),
        when_full,
        ..policy::Buffer::default()
    };
    SinkPolicy { buffer, ..SinkPolicy::default() }
}
