//! The log on a real file system, and its death by SIGKILL in a real process.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use fieldline_store::{Checkpoint, DiskStorage, Log, Options, PAGE_SIZE, Saved, StoreError, WhenFull};

use crate::support::{payloads, read_all, small, store};

/// Tells the copy of this test binary that it is the one to be killed, and where to write.
const VICTIM: &str = "FIELDLINE_STORE_VICTIM";
const ROUNDS: u64 = 3;
const SYNCS_PER_ROUND: usize = 40;

fn open_on_disk(directory: &std::path::Path, options: Options) -> Result<Log, StoreError> {
    Log::open(Arc::new(DiskStorage), directory, options).map(|(log, _)| log)
}

#[test]
fn a_log_on_disk_creates_its_directory_and_keeps_under_its_cap() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("buffers").join("telemetry");
    let mut log = open_on_disk(&path, small(WhenFull::DropOldest)).expect("opens");
    for n in 0..3_000u32 {
        store(&mut log, &[n as u8; 1000]);
    }
    log.sync().expect("synced");
    let files = std::fs::read_dir(&path).expect("listed");
    let on_disk: u64 = files
        .map(|entry| {
            entry.and_then(|entry| entry.metadata()).expect("readable").len().next_multiple_of(PAGE_SIZE)
        })
        .sum();
    assert!(
        on_disk <= log.bytes_used() && log.bytes_used() <= 1024 * 1024,
        "{on_disk} of {}",
        log.bytes_used()
    );
    let before = payloads(&mut log);
    drop(log);
    assert_eq!(payloads(&mut open_on_disk(&path, small(WhenFull::DropOldest)).expect("opens")), before);
}

#[test]
fn a_directory_on_disk_has_one_owner() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let log = open_on_disk(directory.path(), Options::default()).expect("opens");
    let second = open_on_disk(directory.path(), Options::default());
    assert!(matches!(second, Err(StoreError::InUse { .. })));
    drop(log);
    assert!(open_on_disk(directory.path(), Options::default()).is_ok());
}

#[test]
fn a_checkpoint_on_disk_is_replaced() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let checkpoint = Checkpoint::new(Arc::new(DiskStorage), directory.path().join("state").join("sequence"));
    for version in 1..3 {
        checkpoint.save(version, b"state").expect("saved");
    }
    let expected = Saved { version: 2, payload: b"state".to_vec() };
    assert_eq!(checkpoint.load().expect("readable"), Some(expected));
}

/// The process that gets killed: appends and syncs for ever, and prints every durable sequence. Does nothing
/// when it is run as a test.
#[test]
fn the_victim_appends_until_it_is_killed() {
    let Some(directory) = std::env::var_os(VICTIM) else { return };
    let mut log = open_on_disk(directory.as_ref(), Options::default()).expect("opens");
    let mut output = std::io::stdout();
    loop {
        for _ in 0..7 {
            let stamp = log.stats().appended;
            store(&mut log, format!("{} {stamp}", std::process::id()).as_bytes());
        }
        let durable = log.sync().expect("synced");
        if writeln!(output, "durable {durable}").and_then(|()| output.flush()).is_err() {
            return;
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_that_was_durable() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut last_before = 0;
    for _ in 0..ROUNDS {
        let program = std::env::current_exe().expect("this test has a path");
        let mut victim = Command::new(program)
            .args(["--exact", "disk::the_victim_appends_until_it_is_killed", "--nocapture"])
            .env(VICTIM, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test binary starts");
        let lines = BufReader::new(victim.stdout.take().expect("piped")).lines();
        let durable: u64 = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("durable ")?.parse().ok())
            .take(SYNCS_PER_ROUND)
            .last()
            .expect("the victim syncs");
        victim.kill().expect("killed");
        victim.wait().expect("reaped");

        let mut log = open_on_disk(directory.path(), Options::default()).expect("opens");
        let sequences: Vec<u64> = read_all(&mut log).iter().map(|record| record.sequence).collect();
        let this_round: Vec<u64> =
            sequences.iter().copied().filter(|sequence| *sequence > last_before).collect();
        let first = this_round[0];
        assert!(first <= durable);
        assert!(this_round.iter().copied().eq(first..first + this_round.len() as u64), "no gap");
        assert!(sequences.last() >= Some(&durable), "{:?} of {durable}", sequences.last());
        assert!(this_round.len() >= 7 * SYNCS_PER_ROUND);
        last_before = *sequences.last().expect("there are records");
    }
}
