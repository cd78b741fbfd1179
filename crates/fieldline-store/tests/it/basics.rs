//! Appending, reading, acknowledging, expiring and reopening when nothing goes wrong.

use std::path::Path;
use std::time::Duration;

use fieldline_store::testing::{MemoryStorage, PowerCut};
use fieldline_store::{Options, Storage, StoreError, WhenFull};

use crate::support::{
    DIRECTORY, assert_balanced, by_clock, open, payloads, read_all, small, store, try_open,
};

#[test]
fn records_come_out_in_the_order_they_went_in() {
    let mut log = open(&MemoryStorage::new(), Options::default());
    let sequences: Vec<u64> = (0..100u8).map(|n| store(&mut log, &[n])).collect();
    let records = read_all(&mut log);
    assert_eq!(records.iter().map(|r| r.sequence).collect::<Vec<_>>(), sequences);
    assert_eq!(payloads(&mut log), (0..100u8).map(|n| vec![n]).collect::<Vec<_>>());
}

#[test]
fn reading_stops_at_either_limit_and_goes_on_where_it_stopped() {
    let mut log = open(&MemoryStorage::new(), Options::default());
    for n in 0..10u8 {
        store(&mut log, &[n; 100]);
    }
    let mut read = |after, records, bytes| {
        let batch = log.read_after(after, records, bytes).expect("readable");
        batch.iter().map(|record| record.sequence).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 3, usize::MAX), [1, 2, 3]);
    assert_eq!(read(3, 10, 250), [4, 5]);
    assert_eq!(read(5, 10, 0), [6], "at least one");
    assert_eq!(read(1, 2, usize::MAX), [2, 3], "and back again");
    assert_eq!(read(9, 10, usize::MAX), [10]);
    assert!(read(10, 10, usize::MAX).is_empty());
}

#[test]
fn a_record_appended_after_a_reader_reached_the_end_is_read_next() {
    let mut log = open(&MemoryStorage::new(), Options::default());
    store(&mut log, b"first");
    assert_eq!(log.read_after(0, 10, 1000).expect("readable").len(), 1);
    store(&mut log, b"second");
    assert_eq!(log.read_after(1, 10, 1000).expect("readable")[0].payload, b"second");
}

#[test]
fn synced_records_survive_a_power_cut_and_sequences_are_not_given_again() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    store(&mut log, b"safe");
    assert_eq!(log.sync().expect("synced"), 1);
    let lost = store(&mut log, b"lost");
    drop(log);
    storage.cut_power(PowerCut::default());

    let (mut log, recovered) = try_open(&storage, Options::default()).expect("opens");
    assert_eq!(recovered.records, 1);
    assert_eq!(payloads(&mut log), [b"safe"]);
    assert!(store(&mut log, b"new") > lost);
    assert_balanced(&log);
}

#[test]
fn sequences_ascend_although_everything_was_acknowledged_and_deleted() {
    let storage = MemoryStorage::new();
    let mut last = 0;
    for _ in 0..5 {
        let mut log = open(&storage, Options::default());
        let sequence = store(&mut log, b"x");
        assert!(sequence > last);
        last = sequence;
        assert_eq!(log.ack(sequence), 1);
        log.checkpoint().expect("saved");
        drop(log);
        storage.cut_power(PowerCut::default());
    }
}

#[test]
fn a_checkpoint_decides_what_is_delivered_again_after_a_crash() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    for n in 0..4u8 {
        store(&mut log, &[n]);
    }
    log.sync().expect("synced");
    log.ack(2);
    log.checkpoint().expect("saved");
    log.ack(3);
    drop(log);
    storage.cut_power(PowerCut::default());
    assert_eq!(payloads(&mut open(&storage, Options::default())), [[2], [3]]);
}

#[test]
fn acknowledging_is_idempotent_and_knows_its_limits() {
    let mut log = open(&MemoryStorage::new(), Options::default());
    for _ in 0..4 {
        store(&mut log, b"x");
    }
    assert_eq!(log.ack(2), 2);
    assert_eq!(log.ack(2), 0);
    assert_eq!(log.ack(1), 0);
    assert_eq!(log.ack(u64::MAX), 2);
    assert!(log.is_empty());
    assert_eq!(store(&mut log, b"y"), 5);
    assert_balanced(&log);
}

#[test]
fn a_drained_log_keeps_one_segment() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, small(WhenFull::Block));
    let mut last = 0;
    while log.bytes_used() < 800_000 {
        last = store(&mut log, &[7; 1000]);
    }
    log.ack(last);
    assert!(log.bytes_used() <= 8192 + 126_976, "{}", log.bytes_used());
    assert_balanced(&log);
}

#[test]
fn only_records_older_than_max_age_expire() {
    let options = Options { max_age: Some(Duration::from_secs(10)), ..Options::default() };
    let mut log = open(&MemoryStorage::new(), options);
    for now in [1_000, 2_000, 50_000, 3_000] {
        assert!(log.append(b"x", now).is_ok());
    }
    assert_eq!(log.expire(by_clock(11_000)).expect("readable"), 0, "exactly ten seconds old is not too old");
    assert_eq!(log.expire(by_clock(11_001)).expect("readable"), 1);
    assert_eq!(log.expire(by_clock(20_000)).expect("readable"), 1, "the third record is younger");
    let oldest = log.oldest().expect("readable").expect("two are left");
    assert_eq!((oldest.sequence, oldest.appended_at), (3, 50_000));
    assert_eq!(log.len(), 2);
    assert_balanced(&log);
}

#[test]
fn a_sync_costs_nothing_when_nothing_waits() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    let sequence = store(&mut log, b"x");
    log.ack(sequence);
    let before = storage.counters();
    assert_eq!(log.sync().expect("synced"), sequence);
    assert_eq!(storage.counters(), before);
}

#[test]
fn a_second_owner_is_refused_until_the_first_is_gone() {
    let storage = MemoryStorage::new();
    let log = open(&storage, Options::default());
    assert!(matches!(try_open(&storage, Options::default()), Err(StoreError::InUse { .. })));
    drop(log);
    assert!(try_open(&storage, Options::default()).is_ok());
}

#[test]
fn a_log_under_one_mebibyte_is_refused() {
    let options = Options { max_size: 1024 * 1024 - 1, ..Options::default() };
    let error = try_open(&MemoryStorage::new(), options).err().expect("refused");
    assert_eq!(
        error.to_string(),
        "a disk buffer of 1048575 bytes is too small, the minimum is 1048576 bytes"
    );
}

#[test]
fn crashes_that_leave_empty_segments_hide_nothing() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    store(&mut log, b"first");
    log.sync().expect("synced");
    drop(log);
    for _ in 0..3 {
        let mut log = open(&storage, Options::default());
        store(&mut log, b"lost");
        drop(log);
        storage.cut_power(PowerCut::default());
    }
    let mut log = open(&storage, Options::default());
    store(&mut log, b"last");
    log.sync().expect("synced");
    drop(log);
    let mut log = open(&storage, Options::default());
    assert_eq!(payloads(&mut log), [b"first".as_slice(), b"last"]);
    assert_eq!(log.len(), 2);
}

#[test]
fn looking_at_the_oldest_record_does_not_read_the_card_every_time() {
    let storage = MemoryStorage::new();
    let options = Options { max_age: Some(Duration::from_secs(10)), ..Options::default() };
    let mut log = open(&storage, options);
    for now in 0..3 {
        assert!(log.append(b"x", now).is_ok());
    }
    assert_eq!(log.expire(by_clock(1_000)).expect("readable"), 0);
    let entries = storage.list(Path::new(DIRECTORY)).expect("listed");
    storage
        .set_unreadable(entries.into_iter().map(|entry| entry.path).find(|path| path.extension().is_some()));
    assert_eq!(log.expire(by_clock(2_000)).expect("nothing is read"), 0);
}
