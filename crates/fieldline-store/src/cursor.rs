//! Where the acknowledged part of a log ends, in a file of two slots a page apart.
//!
//! A slot is `magic | version u32 | generation u64 | head u64 | crc32 u32`; the intact one with the later
//! generation counts, and after the last generation comes 0. Writes always go to the slot that isn't known to be durable,
//! so a torn or failed write costs the newest position and never the one before: a crash repeats records, and loses none.

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
pub(crate) const SLOT_SIZE: usize = 28;

const MAGIC: [u8; 4] = *b"FLCU";
const VERSION: u32 = 1;

/// The cursor file of one log.
pub(crate) struct Cursor {
    file: Box<dyn StorageFile>,
    path: PathBuf,
    generation: u64,
    durable_slot: u64,
    durable_head: Option<u64>,
    is_lost: bool,
}

impl Cursor {
    /// Opens or creates the file and makes durable what it says.
    pub(crate) fn open(storage: &dyn Storage, directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE_NAME);
        let mut file =
            storage.open(&path, true).map_err(|error| StoreError::from_io("open", &path, error))?;
        let mut best: Option<(u64, u64, u64)> = None;
        for slot in 0..2 {
            let mut bytes = [0; SLOT_SIZE];
            // A slot that can't be read is as good as a damaged one.
            let read = read_fully(file.as_ref(), &mut bytes, slot * PAGE_SIZE).unwrap_or(0);
            if read == SLOT_SIZE
                && let Some((generation, head)) = decode(&path, &bytes)?
                && best.is_none_or(|(known, ..)| is_later(generation, known))
            {
                best = Some((generation, slot, head));
            }
        }
        if let Some((_, slot, _)) = best {
            // The other slot is about to be overwritten.
            let start = slot * PAGE_SIZE;
            write_again(file.as_mut(), start, start + SLOT_SIZE as u64)
                .map_err(|error| StoreError::from_io("sync", &path, error))?;
        }
        let length = file.length().map_err(|error| StoreError::from_io("read", &path, error))?;
        let is_lost = best.is_none() && length > 0;
        let (generation, durable_slot, durable_head) = match best {
            Some((generation, slot, head)) => (generation, slot, Some(head)),
            None => (0, 1, None),
        };
        Ok(Self { file, path, generation, durable_slot, durable_head, is_lost })
    }

    /// The position that survives a crash; `None` if there is none.
    pub(crate) fn durable_head(&self) -> Option<u64> {
        self.durable_head
    }

    /// Whether the file was not empty when it was opened and yet had no position.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Writes `head` where the end of the process leaves it, and a power cut may or may not.
    pub(crate) fn note(&mut self, head: u64) -> Result<(), StoreError> {
        let bytes = encode(self.generation.wrapping_add(1), head);
        self.file
            .write_at(&bytes, (1 - self.durable_slot) * PAGE_SIZE)
            .map_err(|error| StoreError::from_io("write", &self.path, error))
    }

    /// Makes `head` the position that survives a crash.
    pub(crate) fn save(&mut self, head: u64) -> Result<(), StoreError> {
        let slot = 1 - self.durable_slot;
        self.note(head)?;
        self.file.sync().map_err(|error| StoreError::from_io("sync", &self.path, error))?;
        self.generation = self.generation.wrapping_add(1);
        self.durable_slot = slot;
        self.durable_head = Some(head);
        Ok(())
    }
}

/// Whether a generation follows another one, by fewer than half of all there are.
fn is_later(generation: u64, known: u64) -> bool {
    generation.wrapping_sub(known).wrapping_sub(1) < u64::MAX / 2
}

fn encode(generation: u64, head: u64) -> Vec<u8> {
    let mut slot = Vec::with_capacity(SLOT_SIZE);
    slot.extend_from_slice(&MAGIC);
    slot.extend_from_slice(&VERSION.to_le_bytes());
    slot.extend_from_slice(&generation.to_le_bytes());
    slot.extend_from_slice(&head.to_le_bytes());
    slot.extend_from_slice(&crc32fast::hash(&slot).to_le_bytes());
    slot
}

/// Generation and head of a slot; `None` if it is empty, torn or damaged, or has a head that no record can have.
fn decode(path: &Path, slot: &[u8; SLOT_SIZE]) -> Result<Option<(u64, u64)>, StoreError> {
    if slot[..4] != MAGIC || crc32fast::hash(&slot[..24]) != u32_at(slot, 24) {
        return Ok(None);
    }
    let version = u32_at(slot, 4);
    if version != VERSION {
        return Err(StoreError::Version { path: path.to_owned(), found: version, supported: VERSION });
    }
    let head = u64_at(slot, 16);
    Ok(segment::SEQUENCES.contains(&head).then(|| (u64_at(slot, 8), head)))
}
