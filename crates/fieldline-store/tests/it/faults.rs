//! One test per fault that a card, a file system or a person can cause.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fieldline_store::testing::{MemoryStorage, PowerCut};
use fieldline_store::{Appended, Log, Options, Storage, StoreError, Tally, WhenFull};

use crate::support::{
    HEADER, OVERHEAD, assert_balanced, by_clock, ends_of_records, open, payloads, segment_files, small,
    store, try_open,
};

const FIRST_SEGMENT: &str = "/buffer/00000000000000000001.segment";

/// Appends records of 1,000 bytes, each filled with its number, until `segments` files are in use.
fn fill(log: &mut Log, storage: &MemoryStorage, segments: usize) -> u64 {
    let count = || segment_files(storage).len();
    let mut last = 0;
    while count() < segments {
        last = store(log, &[(log.len() % 251) as u8; 1000]);
    }
    last
}

#[test]
fn a_torn_last_record_is_cut_off_and_reported_once() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    store(&mut log, b"whole");
    store(&mut log, b"torn");
    drop(log);
    let torn = 11;
    storage.cut_power(PowerCut { kept_bytes: HEADER + OVERHEAD + 5 + torn, ..PowerCut::default() });

    let (mut log, recovered) = try_open(&storage, Options::default()).expect("opens");
    assert_eq!((recovered.records, recovered.torn_bytes, recovered.missing_records), (1, torn, 0));
    assert_eq!(payloads(&mut log), [b"whole"]);
    drop(log);
    let (_, recovered) = try_open(&storage, Options::default()).expect("opens");
    assert_eq!(recovered.torn_bytes, 0);
}

#[test]
fn a_flipped_bit_in_the_middle_costs_the_record_it_is_in() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, small(WhenFull::Block));
    let last = fill(&mut log, &storage, 3);
    log.sync().expect("synced");
    for offset in [0, 9, 500] {
        // Length, sequence and payload of three different records.
        storage.flip_bit(
            Path::new(FIRST_SEGMENT),
            8 * (HEADER + (OVERHEAD + 1000) * (10 + offset / 5) + offset),
        );
    }
    let found = payloads(&mut log);
    assert_eq!(found.len() as u64, last - 3);
    assert_eq!((log.stats().damaged, log.len()), (3, last - 3));
    assert_eq!(log.ack(u64::MAX), last - 3);
    assert_balanced(&log);
}

#[test]
fn a_segment_damaged_from_end_to_end_is_passed_over() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, small(WhenFull::Block));
    let last = fill(&mut log, &storage, 3);
    log.sync().expect("synced");
    let in_first = (126_976 - HEADER) / (OVERHEAD + 1000);
    for record in 0..in_first {
        storage.flip_bit(Path::new(FIRST_SEGMENT), 8 * (HEADER + (OVERHEAD + 1000) * record + 200));
    }
    let records = log.read_after(0, 1, 0).expect("readable");
    assert_eq!(records[0].sequence, in_first + 1);
    assert_eq!((log.stats().damaged, log.len()), (in_first, last - in_first));
    log.ack(records[0].sequence);
    assert_eq!(segment_files(&storage).len(), 2, "the damaged file is gone");
    assert_balanced(&log);
}

#[test]
fn a_damaged_header_is_named_and_costs_nothing() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, small(WhenFull::Block));
    fill(&mut log, &storage, 3);
    log.sync().expect("synced");
    let before = payloads(&mut log);
    let files = segment_files(&storage);
    drop(log);
    storage.flip_bit(&files[1], 3);
    let (mut log, recovered) = try_open(&storage, small(WhenFull::Block)).expect("opens");
    assert_eq!(recovered.damaged_segments, [files[1].clone()]);
    assert_eq!(payloads(&mut log), before);
}

#[test]
fn both_cursor_slots_damaged_means_duplicates_and_no_loss() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    for n in 0..3u8 {
        store(&mut log, &[n]);
    }
    log.sync().expect("synced");
    for sequence in 1..=2 {
        log.ack(sequence);
        log.checkpoint().expect("saved");
    }
    drop(log);
    let cursor = Path::new("/buffer/cursor");
    storage.flip_bit(cursor, 8 * 4096 + 90);
    assert_eq!(payloads(&mut open(&storage, Options::default())), [[1], [2]], "the older slot counts");
    storage.flip_bit(cursor, 90);
    let (mut log, recovered) = try_open(&storage, Options::default()).expect("opens");
    assert!(recovered.is_position_lost);
    assert_eq!(payloads(&mut log), [[0], [1], [2]]);
}

#[test]
fn a_full_disk_fails_the_append_and_nothing_else() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    store(&mut log, b"before");
    storage.set_capacity(Some(storage.occupied().min(120)));
    let error = log.append(&[1; 500], 0).expect_err("no space");
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    assert_eq!(error.to_string(), format!("no space left on the disk of `{FIRST_SEGMENT}`"));
    storage.set_capacity(None);
    store(&mut log, b"after");
    log.sync().expect("synced");
    drop(log);
    storage.cut_power(PowerCut::default());
    let (mut log, recovered) = try_open(&storage, Options::default()).expect("opens");
    assert_eq!((recovered.torn_bytes, recovered.missing_records), (0, 0));
    assert_eq!(payloads(&mut log), [b"before".as_slice(), b"after"]);
}

#[test]
fn a_read_only_file_system_is_named_and_what_is_stored_stays_readable() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    store(&mut log, b"stored");
    storage.set_read_only(true);
    assert!(matches!(log.append(b"x", 0), Err(StoreError::ReadOnly { .. })));
    assert_eq!(payloads(&mut log), [b"stored"]);
    assert_eq!(log.ack(1), 1);
    assert!(matches!(log.checkpoint(), Err(StoreError::ReadOnly { .. })));
    drop(log);
    assert!(matches!(try_open(&storage, Options::default()), Err(StoreError::ReadOnly { .. })));
}

#[test]
fn data_is_written_again_after_a_failed_sync() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    store(&mut log, b"survivor");
    storage.fail_syncs(1);
    assert_eq!(log.sync().expect("the second attempt succeeds"), 1);
    assert_eq!(log.stats().failed_syncs, 1);
    drop(log);
    storage.cut_power(PowerCut::default());
    assert_eq!(payloads(&mut open(&storage, Options::default())), [b"survivor"]);
}

#[test]
fn a_sync_that_keeps_failing_promises_nothing_and_loses_nothing_once_it_works() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    store(&mut log, b"durable");
    log.sync().expect("synced");
    store(&mut log, b"waiting");
    storage.fail_syncs(4);
    assert!(matches!(log.sync(), Err(StoreError::SyncFailed { .. })));
    assert!(matches!(log.append(b"refused", 0), Err(StoreError::SyncFailed { .. })));
    assert_eq!(payloads(&mut log), [b"durable"], "what may differ from the medium isn't read");
    assert_eq!(log.len(), 2);
    store(&mut log, b"accepted");
    log.sync().expect("synced");
    drop(log);
    storage.cut_power(PowerCut::default());
    let mut log = open(&storage, Options::default());
    assert_eq!(payloads(&mut log), [b"durable".as_slice(), b"waiting", b"accepted"]);
}

#[test]
fn a_record_that_a_failed_sync_hides_expires_once_it_shows_again() {
    let storage = MemoryStorage::new();
    let options = Options { max_age: Some(Duration::from_secs(1)), ..Options::default() };
    let mut log = open(&storage, options);
    store(&mut log, b"old");
    assert!(log.oldest().expect("readable").is_some(), "its age is known from now on");
    storage.fail_syncs(2);
    assert!(matches!(log.sync(), Err(StoreError::SyncFailed { .. })));
    assert_eq!(log.expire(by_clock(60_000)).expect("nothing is read"), 0);
    log.sync().expect("synced");
    assert_eq!(log.expire(by_clock(60_000)).expect("readable"), 1);
    assert_balanced(&log);
}

#[test]
fn an_unreadable_segment_is_an_error_until_it_is_abandoned() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, small(WhenFull::Block));
    let last = fill(&mut log, &storage, 2);
    storage.set_unreadable(Some(PathBuf::from(FIRST_SEGMENT)));
    for _ in 0..2 {
        let error = log.read_after(0, 10, 10_000).expect_err("unreadable");
        assert_eq!(error.to_string(), format!("record 1 in `{FIRST_SEGMENT}` can't be read"));
    }
    assert_eq!(log.abandon(1).expect("given up"), last - 1);
    assert_eq!(log.read_after(0, 10, 10_000).expect("readable")[0].sequence, last);
    assert_eq!(log.len(), 1);
    assert_balanced(&log);
}

#[test]
fn abandoning_the_segment_in_use_starts_a_new_one() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    store(&mut log, b"gone");
    storage.set_unreadable(Some(PathBuf::from(FIRST_SEGMENT)));
    assert_eq!(log.abandon(1).expect("given up"), 1);
    store(&mut log, b"kept");
    assert_eq!(payloads(&mut log), [b"kept"]);
    assert_balanced(&log);
}

#[test]
fn when_full_decides_between_waiting_and_losing_old_or_new() {
    let check = |when_full, expected_evictions: bool, expected_drops: bool, expected_error: bool| {
        let storage = MemoryStorage::new();
        let mut log = open(&storage, small(when_full));
        let (mut evicted, mut dropped, mut refused) = (Tally::default(), 0, 0);
        for _ in 0..2_000 {
            match log.append(&[0; 1000], 0) {
                Ok(Appended::Stored { evicted: victims, .. }) => {
                    evicted.records += victims.records;
                    evicted.bytes += victims.bytes;
                }
                Ok(Appended::Dropped) => dropped += 1,
                Err(StoreError::Full { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(
            (evicted.records > 0, dropped > 0, refused > 0),
            (expected_evictions, expected_drops, expected_error)
        );
        assert_eq!(evicted, log.stats().evicted);
        assert_eq!(evicted.bytes, 1000 * evicted.records);
        assert_eq!(evicted.records + dropped + refused + log.len(), 2_000);
        assert!(storage.peak() <= 1024 * 1024, "{}", storage.peak());
        assert_balanced(&log);
        log.ack(u64::MAX);
        assert!(matches!(log.append(b"x", 0), Ok(Appended::Stored { .. })), "room again");
    };
    check(WhenFull::Block, false, false, true);
    check(WhenFull::DropOldest, true, false, false);
    check(WhenFull::DropNewest, false, true, false);
}

#[test]
fn a_log_opened_with_a_smaller_cap_shrinks_by_its_policy() {
    let storage = MemoryStorage::new();
    let large = Options { when_full: WhenFull::DropOldest, ..Options::default() };
    let mut log = open(&storage, large);
    for _ in 0..3_000 {
        store(&mut log, &[0; 1000]);
    }
    drop(log);
    let mut log = open(&storage, small(WhenFull::DropOldest));
    let Ok(Appended::Stored { sequence, evicted }) = log.append(b"x", 0) else { panic!("stored") };
    assert_eq!(evicted, Tally { records: 3_000, bytes: 3_000_000 });
    assert!(log.bytes_used() <= 1024 * 1024);
    drop(log);
    storage.cut_power(PowerCut::default());
    let mut log = open(&storage, small(WhenFull::DropOldest));
    assert!(store(&mut log, b"y") > sequence);
}

#[test]
fn a_record_that_can_never_fit_is_refused_for_good() {
    let mut log = open(&MemoryStorage::new(), small(WhenFull::DropOldest));
    let limit = log.max_payload();
    store(&mut log, &vec![0; limit as usize]);
    let error = log.append(&vec![0; limit as usize + 1], 0).expect_err("too large");
    assert!(matches!(error, StoreError::TooLarge { size, limit: l } if size == limit + 1 && l == limit));
}

#[test]
fn files_of_others_are_named_and_left_alone() {
    let storage = MemoryStorage::new();
    let stranger = PathBuf::from("/buffer/notes.txt");
    storage.open(&stranger, true).expect("created").write_at(b"hello", 0).expect("written");
    let (mut log, recovered) = try_open(&storage, Options::default()).expect("opens");
    assert_eq!(recovered.leftovers, std::slice::from_ref(&stranger));
    let sequence = store(&mut log, b"x");
    log.ack(sequence);
    assert_eq!(storage.open(&stranger, false).expect("still there").length().expect("known"), 5);
}

#[test]
fn a_segment_that_cannot_be_deleted_is_tried_again() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, small(WhenFull::Block));
    let last = fill(&mut log, &storage, 3);
    storage.set_read_only(true);
    assert_eq!(log.ack(last - 1), last - 1);
    assert_eq!((log.stats().failed_removals, segment_files(&storage).len()), (1, 3));
    storage.set_read_only(false);
    log.ack(last);
    assert_eq!(segment_files(&storage).len(), 1);
}

#[test]
fn a_bad_sector_in_the_last_segment_does_not_keep_the_log_shut() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, small(WhenFull::Block));
    let last = fill(&mut log, &storage, 2);
    log.sync().expect("synced");
    drop(log);
    let bad = segment_files(&storage).pop().expect("two files");
    storage.set_unreadable(Some(bad.clone()));
    let (mut log, recovered) = try_open(&storage, small(WhenFull::Block)).expect("opens");
    assert_eq!(recovered.damaged_segments, [bad]);
    assert_eq!(log.len(), last - 1);
    assert!(store(&mut log, b"new") > last);
    assert_eq!(payloads(&mut log).len() as u64, last);
}

#[test]
fn a_segment_that_was_copied_under_another_number_gives_each_record_once() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, small(WhenFull::DropOldest));
    for number in 1..=5 {
        store(&mut log, &[number]);
    }
    drop(log);
    let file = storage.open(Path::new(FIRST_SEGMENT), false).expect("it is there");
    let mut bytes = vec![0; file.length().expect("a length") as usize];
    file.read_at(&mut bytes, 0).expect("it can be read");
    let copy = Path::new("/buffer/00000000000000000003.segment");
    storage.open(copy, true).and_then(|mut copy| copy.write_at(&bytes, 0)).expect("it is copied");

    let (mut log, recovered) = try_open(&storage, small(WhenFull::DropOldest)).expect("opens");
    assert_eq!(recovered.records, 5);
    assert_eq!(payloads(&mut log), [[1], [2], [3], [4], [5]]);
    assert_eq!(log.evict_oldest().expect("evicted").records, 2);
    assert_balanced(&log);
    assert_eq!(payloads(&mut log), [[3], [4], [5]]);
}

/// Kills a process that has `kept` records, does `harm` to its files, and compares what is missed with what is gone.
fn check_harm(segments: usize, harm: impl Fn(&MemoryStorage)) -> u64 {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, small(WhenFull::Block));
    let last = fill(&mut log, &storage, segments);
    log.ack(10);
    log.note().expect("noted");
    drop(log);
    harm(&storage);
    let (mut log, recovered) = try_open(&storage, small(WhenFull::Block)).expect("opens");
    let found = payloads(&mut log).len() as u64;
    assert_eq!(recovered.missing_records + log.stats().damaged, last - 10 - found);
    assert!(store(&mut log, b"new") > last, "no number is given twice");
    assert_balanced(&log);
    log.note().expect("noted");
    drop(log);
    let (_, recovered) = try_open(&storage, small(WhenFull::Block)).expect("opens");
    assert_eq!(recovered.missing_records, 0, "it is told once");
    last - 10 - found
}

#[test]
fn a_cut_at_the_end_of_any_record_of_a_killed_log_is_missed() {
    let storage = MemoryStorage::new();
    fill(&mut open(&storage, small(WhenFull::Block)), &storage, 3);
    for number in 0..3 {
        let ends = ends_of_records(&storage, &segment_files(&storage)[number]);
        for end in ends.iter().step_by(31).chain(ends.iter().rev().take(3)) {
            check_harm(3, |storage| {
                let mut file = storage.open(&segment_files(storage)[number], false).expect("it is there");
                file.set_length(*end).expect("cut");
            });
        }
    }
}

#[test]
fn each_deleted_segment_of_a_killed_log_is_missed() {
    let remove = |storage: &MemoryStorage, numbers: &[usize]| {
        let files = segment_files(storage);
        numbers.iter().for_each(|number| storage.remove(&files[*number]).expect("removed"));
    };
    for number in 0..4 {
        assert!(check_harm(4, |storage| remove(storage, &[number])) > 0, "{number}");
    }
    assert!(check_harm(4, |storage| remove(storage, &[1, 2])) > 200);
    assert!(check_harm(4, |storage| remove(storage, &[0, 1, 2, 3])) > 300);
    assert_eq!(check_harm(4, |_| {}), 0);
}

#[test]
fn what_a_power_cut_took_before_a_sync_is_not_missed() {
    for synced in [false, true] {
        for kept_bytes in [0, 68, 136, 204] {
            let storage = MemoryStorage::new();
            let mut log = open(&storage, Options::default());
            store(&mut log, b"first");
            log.sync().expect("synced");
            log.note().expect("noted");
            store(&mut log, b"second");
            if synced {
                log.sync().expect("synced");
            }
            log.note().expect("noted");
            drop(log);
            storage.cut_power(PowerCut { kept_bytes, ..PowerCut::default() });
            let (log, recovered) = try_open(&storage, Options::default()).expect("opens");
            assert_eq!(recovered.missing_records, 0);
            assert!(log.len() > u64::from(synced));
        }
    }
}

#[test]
fn what_was_durable_is_missed_after_a_power_cut_too() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, Options::default());
    for number in 0..3 {
        store(&mut log, &[number]);
    }
    log.sync().expect("synced");
    log.note().expect("noted");
    store(&mut log, b"waits for a sync");
    log.note().expect("noted");
    drop(log);
    // Both positions arrived, the last record did not.
    storage.cut_power(PowerCut { kept_bytes: 136, ..PowerCut::default() });
    let ends = ends_of_records(&storage, Path::new(FIRST_SEGMENT));
    storage.open(Path::new(FIRST_SEGMENT), false).and_then(|mut file| file.set_length(ends[1])).expect("cut");
    let (log, recovered) = try_open(&storage, Options::default()).expect("opens");
    assert_eq!((log.len(), recovered.missing_records), (1, 2));
}

#[test]
fn a_segment_that_somebody_deleted_keeps_no_other_from_going() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, small(WhenFull::Block));
    let last = fill(&mut log, &storage, 4);
    storage.remove(&segment_files(&storage)[0]).expect("removed");
    assert_eq!(log.ack(last), last);
    assert_eq!((log.stats().failed_removals, segment_files(&storage).len()), (0, 1));
}

#[test]
fn a_block_that_came_back_at_another_place_leaves_the_account_right() {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, small(WhenFull::Block));
    for number in 1..=5 {
        store(&mut log, &[number]);
    }
    drop(log);
    let mut file = storage.open(Path::new(FIRST_SEGMENT), false).expect("it is there");
    let (mut block, size) = ([0; OVERHEAD as usize + 1], OVERHEAD + 1);
    file.read_at(&mut block, HEADER + size).expect("it can be read");
    file.write_at(&block, HEADER + 4 * size).expect("it is written");

    let mut log = open(&storage, small(WhenFull::Block));
    assert_eq!(payloads(&mut log), [[1], [2], [3], [4]]);
    assert_balanced(&log);
    assert_eq!(log.ack(u64::MAX), 4);
    assert!(log.is_empty());
    assert_balanced(&log);
}
