//! Any steps with a log whose files are damaged in between: nothing panics, the account of the log is right, and what
//! is read was written.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fieldline_store::testing::{MemoryStorage, PowerCut};
use fieldline_store::{Checkpoint, Log, MIN_MAX_SIZE, Options, Storage as _, WhenFull};
use libfuzzer_sys::fuzz_target;

const DIRECTORY: &str = "/buffer";
/// The most bytes that the files have together: memory for each of several copies.
const CAPACITY: u64 = 4 << 20;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let when_full = [WhenFull::Block, WhenFull::DropOldest, WhenFull::DropNewest];
    let when_full = when_full[usize::from(input.byte()) % when_full.len()];
    let storage = MemoryStorage::new();
    storage.set_capacity(Some(CAPACITY));
    let mut written = BTreeSet::new();
    let mut checkpoints = BTreeSet::new();
    while !input.0.is_empty() {
        if !session(&storage, when_full, &mut input, &mut written) {
            return;
        }
        checkpoint(&storage, &mut checkpoints, &mut input);
        for _ in 0..input.byte() % 4 {
            damage(&storage, &mut input);
        }
    }
});

/// The bytes that decide; all zero when they have run out.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    fn below(&mut self, limit: u64) -> u64 {
        let number = u64::from(self.byte()) << 16 | u64::from(self.byte()) << 8 | u64::from(self.byte());
        number % limit.max(1)
    }
}

/// One opening of the log, until the input has it closed; whether it could be opened.
fn session(
    storage: &MemoryStorage,
    when_full: WhenFull,
    input: &mut Input<'_>,
    written: &mut BTreeSet<Vec<u8>>,
) -> bool {
    let options = Options { max_size: MIN_MAX_SIZE, when_full, max_age: None };
    let Ok((mut log, _)) = Log::open(Arc::new(storage.clone()), DIRECTORY, options) else { return false };
    let mut read = BTreeMap::new();
    loop {
        assert_balanced(&log);
        match input.byte() % 8 {
            0 => return true,
            1 | 2 => {
                let size = 4 + usize::from(input.byte()) * usize::from(input.byte()) % 60_000;
                let mut payload = vec![input.byte(); size];
                payload[..4].copy_from_slice(&(written.len() as u32).to_le_bytes());
                drop(log.append(&payload, 0));
                written.insert(payload);
            }
            3 => drop(log.sync()),
            4 => drop(log.checkpoint()),
            5 => {
                let upto = log.oldest().ok().flatten().map_or(0, |oldest| oldest.sequence);
                log.ack(upto + u64::from(input.byte()));
            }
            6 => {
                let after = if input.byte() % 2 == 0 { 0 } else { input.below(1 << 24) };
                let Ok(records) = log.read_after(after, usize::from(input.byte()), 1 << 18) else { continue };
                for record in records {
                    assert!(record.sequence > after);
                    assert!(written.contains(&record.payload), "nobody wrote this record");
                    let before = read.insert(record.sequence, record.payload.clone());
                    assert!(before.is_none_or(|before| before == record.payload), "one number, two records");
                }
            }
            _ => drop(log.evict_oldest()),
        }
    }
}

/// What [`fieldline_store::Stats`] promises.
fn assert_balanced(log: &Log) {
    let stats = log.stats();
    let settled = stats.acked + stats.evicted.records + stats.expired + stats.damaged;
    assert_eq!(stats.recovered + stats.appended, settled + log.len(), "{stats:?}");
}

/// A checkpoint is what was saved, or is refused.
fn checkpoint(storage: &MemoryStorage, saved: &mut BTreeSet<Vec<u8>>, input: &mut Input<'_>) {
    let checkpoint = Checkpoint::new(Arc::new(storage.clone()), Path::new(DIRECTORY).join("state"));
    if let Ok(Some(state)) = checkpoint.load() {
        assert!(saved.contains(&state.payload), "nobody saved this state");
    }
    if input.byte() % 2 == 0 {
        let state = vec![input.byte(); usize::from(input.byte())];
        drop(checkpoint.save(1, &state));
        saved.insert(state);
    }
}

/// What a card does to a file, or a person. No chosen bytes, which could make a checksum right, but in the cursor.
fn damage(storage: &MemoryStorage, input: &mut Input<'_>) {
    let entries = storage.list(Path::new(DIRECTORY)).expect("a list");
    let Some(entry) = entries.get(usize::from(input.byte()) % entries.len().max(1)) else { return };
    let mut file = storage.open(&entry.path, false).expect("it is there");
    let at = input.below(entry.length);
    let kind = input.byte();
    let result = match kind % 8 {
        0 => Ok(storage.flip_bit(&entry.path, at * 8 + u64::from(input.byte() % 8))),
        1 => file.set_length(at),
        2 => file.set_length(entry.length + u64::from(input.byte()) * 64),
        3 => file.write_at(&vec![0; usize::from(input.byte()) * 16], at),
        4 => file.write_at(&vec![0xff; usize::from(input.byte()) * 16], at),
        // A block that comes back, or lands elsewhere.
        5 => {
            let mut block = vec![0; usize::from(input.byte()) * 16];
            let count = file.read_at(&mut block, at).expect("it can be read");
            file.write_at(&block[..count], input.below(entry.length))
        }
        6 => storage.rename(&entry.path, &segment(input)),
        _ if kind >= 128 => write_cursor(storage, input),
        _ => copy(storage, &entry.path, &segment(input)),
    };
    drop(result);
    if input.byte() % 4 == 0 {
        let kept_bytes = input.below(1 << 16);
        storage.cut_power(PowerCut { kept_bytes, flipped_bit: None, kept_names: u64::from(input.byte()) });
    }
}

/// A slot of the cursor with any numbers and a right checksum.
fn write_cursor(storage: &MemoryStorage, input: &mut Input<'_>) -> std::io::Result<()> {
    let mut slot = b"FLCU".to_vec();
    let (version, numbers) = if input.byte() % 2 == 0 { (1_u32, 2) } else { (2, 7) };
    slot.extend(version.to_le_bytes());
    for _ in 0..numbers {
        let number = [0, 1 << 20, u64::MAX / 4, u64::MAX / 2, u64::MAX - 255][usize::from(input.byte() % 5)];
        slot.extend((number + input.below(256)).to_le_bytes());
    }
    slot.extend(crc32fast::hash(&slot).to_le_bytes());
    let page = u64::from(input.byte() % 2) * 4096;
    storage.open(&Path::new(DIRECTORY).join("cursor"), true)?.write_at(&slot, page)
}

/// The name of a segment.
fn segment(input: &mut Input<'_>) -> PathBuf {
    let number = [1, 2, 1 << 20, u64::MAX / 2 - 1][usize::from(input.byte() % 4)] + input.below(256) - 1;
    Path::new(DIRECTORY).join(format!("{number:020}.segment"))
}

fn copy(storage: &MemoryStorage, from: &Path, to: &Path) -> std::io::Result<()> {
    let from = storage.open(from, false)?;
    let mut bytes = vec![0; from.length()? as usize];
    from.read_at(&mut bytes, 0)?;
    let mut to = storage.open(to, true)?;
    to.set_length(0)?;
    to.write_at(&bytes, 0)
}
