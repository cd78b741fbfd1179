//! What several tests need: a log in memory and payloads that tell who they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fieldline_store::testing::MemoryStorage;
use fieldline_store::{
    Appended, Log, MIN_MAX_SIZE, Oldest, Options, Record, Recovered, Storage, StoreError, WhenFull,
};

pub(crate) const DIRECTORY: &str = "/buffer";
/// Bytes before the first record of a segment, and those of a record besides its payload.
pub(crate) const HEADER: u64 = 36;
pub(crate) const OVERHEAD: u64 = 24;

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

pub(crate) fn segment_files(storage: &MemoryStorage) -> Vec<PathBuf> {
    let entries = storage.list(Path::new(DIRECTORY)).expect("listed");
    entries.into_iter().map(|entry| entry.path).filter(|path| path.extension().is_some()).collect()
}

/// Where the header and the records of a segment end, without the end of the last one.
pub(crate) fn ends_of_records(storage: &MemoryStorage, path: &Path) -> Vec<u64> {
    let file = storage.open(path, false).expect("it is there");
    let length = file.length().expect("it has one");
    let end_of_next = |end: &u64| {
        let mut size = [0; 4];
        file.read_at(&mut size, *end).expect("it can be read");
        Some(end + OVERHEAD + u64::from(u32::from_le_bytes(size)))
    };
    std::iter::successors(Some(HEADER), end_of_next).take_while(|end| *end < length).collect()
}
