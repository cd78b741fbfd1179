//! A small piece of state that is replaced as a whole: sequence numbers, settings, what a transform remembers.
//!
//! Not for records (that is [`Log`](crate::Log)): every save rewrites everything and costs two fsyncs.

use std::path::PathBuf;
use std::sync::Arc;

use crate::atomic_file::AtomicFile;
use crate::error::StoreError;
use crate::frame::u32_at;
use crate::storage::Storage;

const MAGIC: [u8; 4] = *b"FLCP";
const HEADER_SIZE: usize = 16;
const MAX_PAYLOAD: u64 = 16 * 1024 * 1024;

/// A file that holds the last state that was saved completely.
///
/// The bytes are `magic | version u32 | length u32 | crc32 u32 | payload`; the checksum covers version, length
/// and payload. The version is the caller's, for the shape of the payload. One owner per path.
pub struct Checkpoint {
    file: AtomicFile,
}

/// What a checkpoint held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The version it was saved with.
    pub version: u32,
    /// The bytes that were saved.
    pub payload: Vec<u8>,
}

impl Checkpoint {
    /// Names the file; nothing is read or written yet.
    pub fn new(storage: Arc<dyn Storage>, path: impl Into<PathBuf>) -> Self {
        Self { file: AtomicFile::new(storage, path) }
    }

    /// Replaces the state. When this returns `Ok`, the new state survives a power cut.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] over 16 MiB, [`StoreError::DiskFull`], [`StoreError::ReadOnly`] or [`StoreError::Io`]. The old state is still there,
    /// unless only the last step failed, after which a power cut decides between the old and the new one.
    pub fn save(&self, version: u32, payload: &[u8]) -> Result<(), StoreError> {
        if payload.len() as u64 > MAX_PAYLOAD {
            return Err(StoreError::TooLarge { size: payload.len() as u64, limit: MAX_PAYLOAD });
        }
        self.file.replace(&encode(version, payload))
    }

    /// The last state that was saved; `None` if there never was one.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the bytes don't match their checksum, [`StoreError::Io`] if they can't be read.
    pub fn load(&self) -> Result<Option<Saved>, StoreError> {
        // A longer file is damaged, and the bytes up to here are enough to see it.
        let Some(bytes) = self.file.read(MAX_PAYLOAD + HEADER_SIZE as u64 + 1)? else { return Ok(None) };
        let damaged = || StoreError::Damaged { path: self.file.path().to_owned() };
        decode(bytes).map(Some).ok_or_else(damaged)
    }
}

fn encode(version: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("it is under `MAX_PAYLOAD`");
    let mut bytes = Vec::with_capacity(HEADER_SIZE + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&version.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&checksum(&bytes[4..12], payload).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn decode(mut bytes: Vec<u8>) -> Option<Saved> {
    if bytes.len() < HEADER_SIZE || bytes[..4] != MAGIC {
        return None;
    }
    let payload = &bytes[HEADER_SIZE..];
    if u32_at(&bytes, 8) as usize != payload.len() || u32_at(&bytes, 12) != checksum(&bytes[4..12], payload) {
        return None;
    }
    let version = u32_at(&bytes, 4);
    bytes.drain(..HEADER_SIZE);
    Some(Saved { version, payload: bytes })
}

fn checksum(fields: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(fields);
    hasher.update(payload);
    hasher.finalize()
}
