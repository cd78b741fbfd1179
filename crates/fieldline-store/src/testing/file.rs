//! An open file of the memory file system.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::state::State;
use crate::storage::StorageFile;

pub(super) struct MemoryFile {
    state: Arc<Mutex<State>>,
    id: u64,
    path: PathBuf,
}

impl MemoryFile {
    pub(super) fn new(state: Arc<Mutex<State>>, id: u64, path: PathBuf) -> Self {
        Self { state, id, path }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageFile for MemoryFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.state().read(self.id, &self.path, buffer, offset)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.state().write(self.id, bytes, offset)
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.state().set_length(self.id, length)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.state().length(self.id))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.state().sync(self.id)
    }
}
