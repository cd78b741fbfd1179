//! What several tests need: a log in memory and payloads that tell who they are.

use std::sync::Arc;
use std::time::Duration;

use fieldline_store::testing::MemoryStorage;
use fieldline_store::{
    Appended, Log, MIN_MAX_SIZE, Oldest, Options, Record, Recovered, StoreError, WhenFull,
};

pub(crate) const DIRECTORY: &str = "/buffer";

/// The smallest log there is.
pub(crate) fn small(when_full: WhenFull) -> Options {
    Options { max_size: MIN_MAX_SIZE, when_full, max_age: None }
}

pub(crate) fn try_open(storage: &MemoryStorage, options: Options) -> Result<(Log, Recovered), StoreError> {
    Log::open(Arc::new(storage.clone()), DIRECTORY, options)
}

pub(crate) fn open(storage: &MemoryStorage, options: Options) -> Log {
    try_open(storage, options).expect("the log opens").0
}

/// The age of a record by a clock that shows `now`, in milliseconds.
pub(crate) fn by_clock(now: u64) -> impl Fn(Oldest) -> Duration {
    move |record| Duration::from_millis(now.saturating_sub(record.appended_at))
}

/// Appends a payload that must find room; returns its sequence.
pub(crate) fn store(log: &mut Log, payload: &[u8]) -> u64 {
    match log.append(payload, 0).expect("the record is stored") {
        Appended::Stored { sequence, .. } => sequence,
        Appended::Dropped => panic!("the record was dropped"),
    }
}

pub(crate) fn read_all(log: &mut Log) -> Vec<Record> {
    log.read_after(0, usize::MAX, usize::MAX).expect("the log can be read")
}

pub(crate) fn payloads(log: &mut Log) -> Vec<Vec<u8>> {
    read_all(log).into_iter().map(|record| record.payload).collect()
}

/// The equation that [`fieldline_store::Stats`] promises.
pub(crate) fn assert_balanced(log: &Log) {
    let stats = log.stats();
    let settled = stats.acked + stats.evicted.records + stats.expired + stats.damaged;
    assert_eq!(stats.recovered + stats.appended, settled + log.len(), "{stats:?}, {} waiting", log.len());
}
