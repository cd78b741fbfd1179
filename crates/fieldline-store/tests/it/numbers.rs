//! Numbers near the end of all numbers, with a right checksum or in a name: nothing overflows.

use std::path::Path;

use fieldline_store::testing::MemoryStorage;
use fieldline_store::{Options, Storage, StoreError};

use crate::support::{assert_balanced, open, payloads, read_all, store, try_open};

const FIRST_SEGMENT: &str = "/buffer/00000000000000000001.segment";

/// A slot of the cursor whose checksum is right.
fn cursor_slot(generation: u64, head: u64) -> Vec<u8> {
    let mut slot = b"FLCU".to_vec();
    slot.extend(1_u32.to_le_bytes());
    slot.extend(generation.to_le_bytes());
    slot.extend(head.to_le_bytes());
    slot.extend(crc32fast::hash(&slot).to_le_bytes());
    slot
}

fn write_cursor(storage: &MemoryStorage, slots: [(u64, u64); 2]) {
    let mut file = storage.open(Path::new("/buffer/cursor"), true).expect("opened");
    for (at, (generation, head)) in [0, 4096].into_iter().zip(slots) {
        file.write_at(&cursor_slot(generation, head), at).expect("written");
    }
}

#[test]
fn a_position_that_no_record_can_have_is_a_damaged_one() {
    for head in [0, u64::MAX / 2, u64::MAX - (1 << 20), u64::MAX - 1, u64::MAX] {
        let storage = MemoryStorage::new();
        let mut log = open(&storage, Options::default());
        store(&mut log, b"kept");
        log.sync().expect("synced");
        drop(log);
        write_cursor(&storage, [(5, head), (6, head)]);
        let (mut log, recovered) = try_open(&storage, Options::default()).expect("opens");
        assert!(recovered.is_position_lost, "{head}");
        assert_eq!(payloads(&mut log), [b"kept"], "{head}");
        store(&mut log, b"more");
        assert_eq!((log.ack(u64::MAX), log.settled()), (2, log.sync().expect("synced")));
        assert_balanced(&log);
    }
}

#[test]
fn after_the_last_generation_of_the_cursor_comes_another() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    let last = (0..4).map(|n: u8| store(&mut log, &[n])).last();
    log.sync().expect("synced");
    drop(log);
    write_cursor(&storage, [(u64::MAX - 1, 1), (u64::MAX, 2)]);
    for (waiting, expected) in [(3, 2..=4), (2, 3..=4), (1, 4..=4)] {
        let mut log = open(&storage, Options::default());
        let sequences: Vec<u64> = read_all(&mut log).iter().map(|record| record.sequence).collect();
        assert_eq!(sequences, expected.collect::<Vec<_>>());
        assert_eq!(log.len(), waiting);
        log.ack(sequences[0]);
        log.checkpoint().expect("saved");
    }
    let mut log = open(&storage, Options::default());
    assert!(last == Some(4) && payloads(&mut log).is_empty());
}

#[test]
fn a_number_that_leaves_none_for_another_record_keeps_the_log_shut() {
    let highest = u64::MAX / 2 - 1;
    let by_cursor = MemoryStorage::new();
    drop(open(&by_cursor, Options::default()));
    write_cursor(&by_cursor, [(1, highest), (2, highest)]);
    let by_name = MemoryStorage::new();
    let mut log = open(&by_name, Options::default());
    store(&mut log, b"kept");
    log.sync().expect("synced");
    drop(log);
    let named_by_hand = format!("/buffer/{highest:020}.segment");
    by_name.rename(Path::new(FIRST_SEGMENT), Path::new(&named_by_hand)).expect("renamed");
    for storage in [by_cursor, by_name] {
        let error = try_open(&storage, Options::default()).err();
        assert!(matches!(error, Some(StoreError::UsedUp { .. })), "{error:?}");
    }
}
