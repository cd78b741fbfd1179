//! The SD card's budget for a day offline, counted by the storage and not by the log.

use fieldline_store::testing::{Counters, MemoryStorage};
use fieldline_store::{
    DEFAULT_CHECKPOINT_INTERVAL, DEFAULT_SYNC_INTERVAL, Log, Options, PAGE_SIZE, Record, WhenFull,
};

use crate::support::{assert_balanced, open, small, store};

const DAY: u64 = 86_400;
const READING: [u8; 200] = [b'r'; 200];

/// A day of one reading per second while nothing can be delivered; returns what that cost.
fn offline_for_a_day(storage: &MemoryStorage, log: &mut Log) -> Counters {
    let before = storage.counters();
    for second in 1..=DAY {
        store(log, &READING);
        log.note().expect("noted");
        if second % DEFAULT_SYNC_INTERVAL.as_secs() == 0 {
            log.sync().expect("synced");
        }
        if second % DEFAULT_CHECKPOINT_INTERVAL.as_secs() == 0 {
            log.checkpoint().expect("saved");
        }
    }
    let after = storage.counters();
    Counters {
        bytes_written: after.bytes_written - before.bytes_written,
        pages_written: after.pages_written - before.pages_written,
        syncs: after.syncs - before.syncs,
    }
}

fn drain(log: &mut Log) -> u64 {
    let mut drained = 0;
    loop {
        let records: Vec<Record> = log.read_after(0, 100, usize::MAX).expect("readable");
        let Some(last) = records.last() else { return drained };
        assert!(records.iter().all(|record| record.payload == READING));
        drained += log.ack(last.sequence);
    }
}

#[test]
fn a_day_offline_stays_within_50_megabytes_and_3000_syncs() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    let cost = offline_for_a_day(&storage, &mut log);
    let notes = 68 * DAY;
    assert!(cost.bytes_written < 20_000_000 + notes, "{cost:?}");
    // All notes between two syncs are one page, which the system writes when it likes.
    let page_of_notes = DAY / DEFAULT_SYNC_INTERVAL.as_secs();
    assert!((cost.pages_written + page_of_notes) * PAGE_SIZE < 44_000_000, "{cost:?}");
    assert!(cost.syncs < 2_900, "{cost:?}");

    let before = storage.counters();
    assert_eq!(drain(&mut log), DAY);
    log.checkpoint().expect("saved");
    let draining = storage.counters();
    assert!(draining.syncs - before.syncs < 10);
    assert!(
        draining.bytes_written - before.bytes_written < 30 * (DAY / 100 + 10),
        "a position for each batch"
    );
    assert_balanced(&log);
}

#[test]
fn a_day_in_the_smallest_log_keeps_the_newest_readings_under_the_cap() {
    let storage = MemoryStorage::new();
    let options = small(WhenFull::DropOldest);
    let mut log = open(&storage, options.clone());
    let cost = offline_for_a_day(&storage, &mut log);
    assert!(storage.peak() <= options.max_size, "{}", storage.peak());
    assert!(cost.bytes_written < 20_000_000 + 68 * DAY, "{cost:?}");
    assert!(log.len() > 3_900, "seven of eight segments are always full: {}", log.len());
    assert_eq!(log.stats().evicted.bytes, 200 * log.stats().evicted.records);
    assert_balanced(&log);
    assert_eq!(drain(&mut log) + log.stats().evicted.records, DAY);
}

#[test]
fn the_log_counts_its_wear_as_the_storage_does() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, small(WhenFull::DropOldest));
    let before = (storage.counters(), log.stats());
    offline_for_a_day(&storage, &mut log);
    let after = (storage.counters(), log.stats());
    assert_eq!(
        after.1.bytes_written - before.1.bytes_written,
        after.0.bytes_written - before.0.bytes_written
    );
    assert_eq!(after.1.syncs - before.1.syncs, after.0.syncs - before.0.syncs);
    assert_eq!(
        after.1.pages_written - before.1.pages_written,
        after.0.pages_written - before.0.pages_written
    );
}
