//! What the memory file system holds: names and contents, each as seen and as durable.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{Counters, PowerCut};
use crate::storage::{Entry, PAGE_SIZE, Space, whole_pages};

const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
const EIO: i32 = 5;

/// Names by path; the value is the number of the file's [`Content`].
type Names = BTreeMap<PathBuf, u64>;

#[derive(Default)]
pub(super) struct State {
    pub(super) capacity: Option<u64>,
    pub(super) is_read_only: bool,
    pub(super) failing_syncs: u32,
    pub(super) failing_directory_syncs: u32,
    pub(super) unreadable: Option<PathBuf>,
    pub(super) counters: Counters,
    pub(super) peak: u64,
    names: Names,
    durable_names: Names,
    contents: BTreeMap<u64, Content>,
    locks: BTreeMap<PathBuf, u64>,
    last_number: u64,
    power_cuts: u64,
}

#[derive(Default)]
struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    dirty_pages: BTreeSet<u64>,
}

enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLength(usize),
}

impl State {
    pub(super) fn list(&self, directory: &Path) -> Vec<Entry> {
        let inside = self.names.iter().filter(|(path, _)| path.parent() == Some(directory));
        inside
            .map(|(path, id)| Entry {
                name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                path: path.clone(),
                length: self.contents[id].seen.len() as u64,
            })
            .collect()
    }

    pub(super) fn open(&mut self, path: &Path, create: bool) -> io::Result<u64> {
        if let Some(id) = self.names.get(path) {
            return Ok(*id);
        }
        if !create {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.check_writable()?;
        let id = self.number();
        self.contents.insert(id, Content::default());
        self.names.insert(path.to_owned(), id);
        Ok(id)
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.check_writable()?;
        self.names.remove(path).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.check_writable()?;
        let id = self.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.names.insert(to.to_owned(), id);
        Ok(())
    }

    pub(super) fn sync_directory(&mut self, directory: &Path) -> io::Result<()> {
        self.counters.syncs += 1;
        if self.failing_directory_syncs > 0 {
            self.failing_directory_syncs -= 1;
            return Err(io::Error::from_raw_os_error(EIO));
        }
        self.counters.pages_written += 1;
        let is_inside = |path: &Path| path.parent() == Some(directory);
        self.durable_names.retain(|path, _| !is_inside(path));
        let inside = self.names.iter().filter(|(path, _)| is_inside(path));
        self.durable_names.extend(inside.map(|(path, id)| (path.clone(), *id)));
        Ok(())
    }

    pub(super) fn read(&self, id: u64, path: &Path, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.unreadable.as_deref() == Some(path) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        let rest = self.contents[&id].seen.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    pub(super) fn write(&mut self, id: u64, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.check_writable()?;
        let length = self.length(id);
        let growth = (offset + bytes.len() as u64).saturating_sub(length);
        let room = self.space().free;
        let fitting = bytes.len() - growth.saturating_sub(room).min(bytes.len() as u64) as usize;
        self.counters.bytes_written += fitting as u64;
        self.change(id, Change::Write { offset: offset as usize, bytes: bytes[..fitting].to_vec() });
        if fitting < bytes.len() { Err(io::Error::from_raw_os_error(ENOSPC)) } else { Ok(()) }
    }

    pub(super) fn set_length(&mut self, id: u64, length: u64) -> io::Result<()> {
        self.check_writable()?;
        self.change(id, Change::SetLength(length as usize));
        Ok(())
    }

    pub(super) fn length(&self, id: u64) -> u64 {
        self.contents[&id].seen.len() as u64
    }

    pub(super) fn sync(&mut self, id: u64) -> io::Result<()> {
        self.counters.syncs += 1;
        let content = self.contents.entry(id).or_default();
        let changes = std::mem::take(&mut content.unsynced);
        let pages = std::mem::take(&mut content.dirty_pages).len() as u64;
        if self.failing_syncs > 0 {
            self.failing_syncs -= 1;
            return Err(io::Error::from_raw_os_error(EIO));
        }
        self.counters.pages_written += pages;
        for change in &changes {
            change.apply(&mut content.durable);
        }
        Ok(())
    }

    pub(super) fn flip_bit(&mut self, path: &Path, bit: u64) {
        let Some(content) = self.names.get(path).and_then(|id| self.contents.get_mut(id)) else { return };
        for bytes in [&mut content.seen, &mut content.durable] {
            flip(bytes, (bit / 8) as usize, bit % 8);
        }
    }

    /// A file system without a limit has more room than anybody needs.
    pub(super) fn space(&self) -> Space {
        let written: u64 = self.names.values().map(|id| self.length(*id)).sum();
        let total = self.capacity.unwrap_or(u64::MAX);
        Space { free: total.saturating_sub(written), total }
    }

    pub(super) fn boot(&self) -> u128 {
        1 + u128::from(self.power_cuts)
    }

    pub(super) fn occupied(&self) -> u64 {
        self.names.values().map(|id| whole_pages(self.length(*id))).sum()
    }

    pub(super) fn take_lock(&mut self, path: &Path) -> Option<u64> {
        if self.locks.contains_key(path) {
            return None;
        }
        let token = self.number();
        self.locks.insert(path.to_owned(), token);
        Some(token)
    }

    pub(super) fn release_lock(&mut self, path: &Path, token: u64) {
        if self.locks.get(path) == Some(&token) {
            self.locks.remove(path);
        }
    }

    pub(super) fn cut_power(&mut self, power_cut: PowerCut) {
        self.locks.clear();
        self.power_cuts += 1;
        let mut names = Names::new();
        let paths: BTreeSet<PathBuf> = self.names.keys().chain(self.durable_names.keys()).cloned().collect();
        let mut choices = power_cut.kept_names;
        for path in paths {
            let (seen, durable) = (self.names.get(&path), self.durable_names.get(&path));
            let is_kept = seen == durable || choices & 1 == 1;
            if seen != durable {
                choices >>= 1;
            }
            if let Some(id) = if is_kept { seen } else { durable } {
                names.insert(path, *id);
            }
        }
        self.contents.retain(|id, _| names.values().any(|kept| kept == id));
        for content in self.contents.values_mut() {
            content.cut_power(power_cut);
        }
        self.durable_names = names.clone();
        self.names = names;
        self.peak = self.peak.max(self.occupied());
    }

    fn check_writable(&self) -> io::Result<()> {
        if self.is_read_only { Err(io::Error::from_raw_os_error(EROFS)) } else { Ok(()) }
    }

    fn change(&mut self, id: u64, change: Change) {
        let content = self.contents.entry(id).or_default();
        change.apply(&mut content.seen);
        content.dirty_pages.extend(change.pages());
        content.unsynced.push(change);
        self.peak = self.peak.max(self.occupied());
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

impl Content {
    fn cut_power(&mut self, power_cut: PowerCut) {
        let total: usize = self.unsynced.iter().map(Change::weight).sum();
        let mut left = (power_cut.kept_bytes % (total as u64 + 1)) as usize;
        let mut arrived: Vec<Range<usize>> = Vec::new();
        for change in self.unsynced.drain(..) {
            let kept = change.first(left);
            left -= kept.weight();
            kept.apply(&mut self.durable);
            if let Change::Write { offset, bytes } = kept {
                arrived.push(offset..offset + bytes.len());
            }
            if left == 0 {
                break;
            }
        }
        let arrived_bytes: usize = arrived.iter().map(Range::len).sum();
        if let Some(bit) = power_cut.flipped_bit
            && arrived_bytes > 0
        {
            let mut at = (bit / 8) as usize % arrived_bytes;
            for range in arrived {
                if at < range.len() {
                    flip(&mut self.durable, range.start + at, bit % 8);
                    break;
                }
                at -= range.len();
            }
        }
        self.seen = self.durable.clone();
        self.dirty_pages.clear();
    }
}

fn flip(bytes: &mut [u8], at: usize, bit: u64) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << bit;
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::SetLength(length) => content.resize(*length, 0),
            Self::Write { bytes, .. } if bytes.is_empty() => {}
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                content.resize(content.len().max(end), 0);
                content[*offset..end].copy_from_slice(bytes);
            }
        }
    }

    fn pages(&self) -> Range<u64> {
        match self {
            Self::Write { offset, bytes } if !bytes.is_empty() => {
                *offset as u64 / PAGE_SIZE..((offset + bytes.len()) as u64).div_ceil(PAGE_SIZE)
            }
            _ => 0..0,
        }
    }

    /// What this change counts for when a power cut decides how much of everything arrived.
    fn weight(&self) -> usize {
        match self {
            Self::Write { bytes, .. } => bytes.len(),
            Self::SetLength(_) => 1,
        }
    }

    /// The part of this change that arrives when `left` bytes still do.
    fn first(self, left: usize) -> Self {
        match self {
            Self::Write { offset, bytes } => {
                Self::Write { offset, bytes: bytes[..left.min(bytes.len())].to_vec() }
            }
            Self::SetLength(_) if left == 0 => Self::Write { offset: 0, bytes: Vec::new() },
            Self::SetLength(length) => Self::SetLength(length),
        }
    }
}
