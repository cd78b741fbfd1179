//! A small piece of state that is replaced as a whole: sequence numbers, settings, what a transform remembers.
//!
//! Not for records (that is [`Log`](crate::Log)): every save rewrites everything and costs two fsyncs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::StoreError;
use crate::frame::u32_at;
use crate::storage::{Storage, read_fully};

const MAGIC: [u8; 4] = *b"FLCP";
const HEADER_SIZE: usize = 16;
const MAX_PAYLOAD: u64 = 16 * 1024 * 1024;

/// A file that holds the last state that was saved completely.
///
/// The bytes are `magic | version u32 | length u32 | crc32 u32 | payload`; the checksum covers version, length
/// and payload. The version is the caller's, for the shape of the payload. One owner per path.
pub struct Checkpoint {
    storage: Arc<dyn Storage>,
    path: PathBuf,
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
        Self { storage, path: path.into() }
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
        let directory = match self.path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let fresh = replacement_path(&self.path);
        let fail = |action, path: &Path| {
            let path = path.to_owned();
            move |error| StoreError::from_io(action, &path, error)
        };
        self.storage.create_directory(directory).map_err(fail("create", directory))?;
        let mut file = self.storage.open(&fresh, true).map_err(fail("open", &fresh))?;
        file.set_length(0).map_err(fail("empty", &fresh))?;
        file.write_at(&encode(version, payload), 0).map_err(fail("write", &fresh))?;
        file.sync().map_err(fail("sync", &fresh))?;
        self.storage.rename(&fresh, &self.path).map_err(fail("replace", &self.path))?;
        self.storage.sync_directory(directory).map_err(fail("sync", directory))
    }

    /// The last state that was saved; `None` if there never was one.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the bytes don't match their checksum, [`StoreError::Io`] if they can't be read.
    pub fn load(&self) -> Result<Option<Saved>, StoreError> {
        let fail = |error| StoreError::from_io("read", &self.path, error);
        let file = match self.storage.open(&self.path, false) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        // A longer file is damaged, and the bytes up to here are enough to see it.
        let length = file.length().map_err(fail)?.min(MAX_PAYLOAD + HEADER_SIZE as u64 + 1);
        let mut bytes = vec![0; length as usize];
        let read = read_fully(file.as_ref(), &mut bytes, 0).map_err(fail)?;
        bytes.truncate(read);
        decode(bytes).map(Some).ok_or_else(|| StoreError::Damaged { path: self.path.clone() })
    }
}

/// The new state is written next to the old one, so that the rename stays inside one directory.
fn replacement_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
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
