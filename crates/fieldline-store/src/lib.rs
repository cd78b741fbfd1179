//! A crash-safe store-and-forward log for sink buffers, and atomically replaced files for small state: checkpoints,
//! and texts that people read.
//!
//! The crate is blocking, knows nothing of pipelines and takes the time as an argument. All I/O goes through
//! [`Storage`], so that tests can count it, cap it and break it ([`testing::MemoryStorage`]). Start reading at
//! [`Log`]; the bytes on the card are described in `frame.rs`, `segment.rs` and `cursor.rs`.

mod atomic_file;
mod checkpoint;
mod cursor;
mod error;
mod frame;
mod frames;
mod holes;
mod log;
mod options;
mod record;
mod segment;
mod stats;
mod storage;
pub mod testing;

pub use atomic_file::AtomicFile;
pub use checkpoint::{Checkpoint, Saved};
pub use error::StoreError;
pub use log::{Log, Recovered};
pub use options::{
    DEFAULT_CHECKPOINT_INTERVAL, DEFAULT_MAX_SIZE, DEFAULT_SYNC_INTERVAL, MAX_UNSYNCED_BYTES, MIN_MAX_SIZE,
    Options, WhenFull,
};
pub use record::{Appended, Oldest, Record, Tally};
pub use stats::Stats;
pub use storage::{DiskStorage, Entry, PAGE_SIZE, Space, Storage, StorageFile};
