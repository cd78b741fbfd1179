//! Where the acknowledged part of a log ends and what lies behind it, in a file of two slots a page apart.
//!
//! A slot is `magic | version u32 | generation u64 | head u64 | end u64 | durable end u64 | records u64 | boot u128 |
//! crc32 u32`; the intact one with the later generation counts, and after the last generation comes 0. Version 1 had
//! the head alone. Writes always go to the slot that isn't known to be durable, so a torn or failed write costs the
//! newest position and never the one before: a crash repeats records, and loses none.

use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::frame::{u32_at, u64_at};
use crate::segment;
use crate::storage::{PAGE_SIZE, Storage, StorageFile, read_fully, write_again};

/// What the file occupies at most.
pub(crate) const FILE_SIZE: u64 = 2 * PAGE_SIZE;

/// The name of the file in the directory of the log.
pub(crate) const FILE_NAME: &str = "cursor";

/// Bytes of one slot.
pub(crate) const SLOT_SIZE: usize = 68;

/// Bytes of one slot of version 1.
const SIZE_OF_VERSION_1: usize = 28;

const MAGIC: [u8; 4] = *b"FLCU";
const VERSION: u32 = 2;

/// What a log holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The first sequence that isn't settled.
    pub(crate) head: u64,
    /// One after the last sequence that was written.
    pub(crate) end: u64,
    /// One after the last sequence that survives a power cut.
    pub(crate) durable_end: u64,
    /// How many records lie between the head and the end.
    pub(crate) records: u64,
    /// The boot of the machine in which they were written: while it lasts, all of them are there.
    pub(crate) boot: Option<u128>,
}

impl Position {
    /// One after the last sequence that must be there in the boot `boot`, and how many records lie before it.
    pub(crate) fn owed(&self, boot: Option<u128>) -> (u64, u64) {
        if boot.is_some() && self.boot == boot {
            return (self.end, self.records);
        }
        // What no sync has reached comes last, and without a gap.
        let durable_end = self.durable_end.max(self.head);
        (durable_end, self.records.saturating_sub(self.end - durable_end))
    }
}

/// The cursor file of one log.
pub(crate) struct Cursor {
    file: Box<dyn StorageFile>,
    path: PathBuf,
    generation: u64,
    durable_slot: u64,
    durable: Option<Position>,
    newest: Option<Position>,
    is_lost: bool,
}

impl Cursor {
    /// Opens or creates the file and makes durable what it says.
    pub(crate) fn open(storage: &dyn Storage, directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE_NAME);
        let mut file =
            storage.open(&path, true).map_err(|error| StoreError::from_io("open", &path, error))?;
        let mut best: Option<(u64, u64, Position)> = None;
        let (mut is_blank, mut short) = (true, Vec::new());
        for slot in 0..2 {
            let mut bytes = [0; SLOT_SIZE];
            // A slot that can't be read is as good as a damaged one.
            let read = read_fully(file.as_ref(), &mut bytes, slot * PAGE_SIZE);
            is_blank &= read.is_ok() && bytes.iter().all(|byte| *byte == 0);
            short.extend(matches!(read, Ok(0)).then_some(slot));
            let read = &bytes[..read.unwrap_or(0)];
            if let Some((generation, position)) = decode(&path, read)?
                && best.is_none_or(|(known, ..)| is_later(generation, known))
            {
                best = Some((generation, slot, position));
            }
        }
        // With its room taken, a position can be written on a full disk; if that can't be had, all else can go on.
        for slot in &short {
            drop(file.write_at(&[0; SLOT_SIZE], slot * PAGE_SIZE));
        }
        if !short.is_empty() {
            drop(file.sync());
        }
        if let Some((_, slot, _)) = best {
            // The other slot is about to be overwritten.
            let start = slot * PAGE_SIZE;
            write_again(file.as_mut(), start, start + SLOT_SIZE as u64)
                .map_err(|error| StoreError::from_io("sync", &path, error))?;
        }
        let is_lost = best.is_none() && !is_blank;
        let (generation, durable_slot, durable) = match best {
            Some((generation, slot, position)) => (generation, slot, Some(position)),
            None => (0, 1, None),
        };
        Ok(Self { file, path, generation, durable_slot, durable, newest: durable, is_lost })
    }

    /// The position that survives a crash; `None` if there is none.
    pub(crate) fn durable(&self) -> Option<Position> {
        self.durable
    }

    /// Whether the file was not empty when it was opened and yet had no position.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Writes a position where the end of the process leaves it, and a power cut may or may not. Returns how many bytes
    /// that took: none where it is there already.
    pub(crate) fn note(&mut self, position: Position) -> Result<usize, StoreError> {
        if self.newest == Some(position) {
            return Ok(0);
        }
        self.write(position)
    }

    /// Makes a position the one that survives a crash. Returns how many bytes that took.
    pub(crate) fn save(&mut self, position: Position) -> Result<usize, StoreError> {
        let slot = 1 - self.durable_slot;
        let bytes = self.write(position)?;
        self.file.sync().map_err(|error| StoreError::from_io("sync", &self.path, error))?;
        self.generation = self.generation.wrapping_add(1);
        self.durable_slot = slot;
        self.durable = Some(position);
        Ok(bytes)
    }

    fn write(&mut self, position: Position) -> Result<usize, StoreError> {
        let bytes = encode(self.generation.wrapping_add(1), position);
        // Half of it may be there if this fails.
        self.newest = None;
        self.file
            .write_at(&bytes, (1 - self.durable_slot) * PAGE_SIZE)
            .map_err(|error| StoreError::from_io("write", &self.path, error))?;
        self.newest = Some(position);
        Ok(bytes.len())
    }
}

/// Whether a generation follows another one, by fewer than half of all there are.
fn is_later(generation: u64, known: u64) -> bool {
    generation.wrapping_sub(known).wrapping_sub(1) < u64::MAX / 2
}

fn encode(generation: u64, position: Position) -> Vec<u8> {
    let Position { head, end, durable_end, records, boot } = position;
    let mut slot = Vec::with_capacity(SLOT_SIZE);
    slot.extend_from_slice(&MAGIC);
    slot.extend_from_slice(&VERSION.to_le_bytes());
    for number in [generation, head, end, durable_end, records] {
        slot.extend_from_slice(&number.to_le_bytes());
    }
    slot.extend_from_slice(&boot.unwrap_or(0).to_le_bytes());
    slot.extend_from_slice(&crc32fast::hash(&slot).to_le_bytes());
    slot
}

/// Generation and position of a slot; `None` if it is empty, torn or damaged, or has numbers that no log can have.
fn decode(path: &Path, slot: &[u8]) -> Result<Option<(u64, Position)>, StoreError> {
    let is_intact =
        |size: usize| slot.len() >= size && crc32fast::hash(&slot[..size - 4]) == u32_at(slot, size - 4);
    if !slot.starts_with(&MAGIC) || !(is_intact(SIZE_OF_VERSION_1) || is_intact(SLOT_SIZE)) {
        return Ok(None);
    }
    let version = u32_at(slot, 4);
    let (generation, head) = (u64_at(slot, 8), u64_at(slot, 16));
    let position = match version {
        1 => Position { head, end: head, durable_end: head, records: 0, boot: None },
        VERSION if is_intact(SLOT_SIZE) => {
            let boot = u128::from(u64_at(slot, 48)) | u128::from(u64_at(slot, 56)) << 64;
            let (end, durable_end, records) = (u64_at(slot, 24), u64_at(slot, 32), u64_at(slot, 40));
            Position { head, end, durable_end, records, boot: (boot != 0).then_some(boot) }
        }
        VERSION => return Ok(None),
        found => return Err(StoreError::Version { path: path.to_owned(), found, supported: VERSION }),
    };
    let Position { end, durable_end, records, .. } = position;
    let is_possible = [head, end].iter().all(|sequence| segment::SEQUENCES.contains(sequence))
        && head.max(durable_end) <= end
        && records <= end - head;
    Ok(is_possible.then_some((generation, position)))
}
