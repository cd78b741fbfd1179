//! The writing end: append, group commit, and making room under the cap.

use super::Log;
use super::active::Active;
use crate::error::StoreError;
use crate::frame;
use crate::options::{MAX_UNSYNCED_BYTES, WhenFull};
use crate::record::Appended;
use crate::segment::{self, HEADER_SIZE, Segment};

impl Log {
    /// Stores a record at the end of the log. `now` is kept with it, in milliseconds of the Unix epoch.
    ///
    /// Syncs by itself when [`MAX_UNSYNCED_BYTES`] wait, and when it begins a new segment.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::TooLarge`], [`StoreError::DiskFull`], [`StoreError::ReadOnly`],
    /// [`StoreError::SyncFailed`] or [`StoreError::Io`]. The record is not stored, and the next append may
    /// succeed. What was evicted before the failure is in [`Log::stats`] and in the next `Appended`.
    pub fn append(&mut self, payload: &[u8], now: u64) -> Result<Appended, StoreError> {
        if payload.len() as u64 > self.max_payload() {
            return Err(StoreError::TooLarge { size: payload.len() as u64, limit: self.max_payload() });
        }
        if self.active.as_ref().is_some_and(|a| a.is_suspect() || a.unsynced_bytes() >= MAX_UNSYNCED_BYTES) {
            self.commit()?;
        }
        let mut bytes = Vec::with_capacity(frame::OVERHEAD + payload.len());
        frame::encode(self.next, now, payload, &mut bytes);
        if !self.fits_in_active(bytes.len()) {
            if !self.make_room()? {
                self.stats.dropped += 1;
                return Ok(Appended::Dropped);
            }
            self.start_segment()?;
        }
        let active = self.active.as_mut().expect("a segment was started or had room");
        active
            .append(&bytes, &mut self.stats)
            .map_err(|error| StoreError::from_io("write", &active.path, error))?;
        let segment = self.segments.back_mut().expect("the active segment is the last one");
        let sequence = self.next;
        segment.bytes += bytes.len() as u64;
        segment.end = sequence + 1;
        self.next = sequence + 1;
        self.stats.appended += 1;
        Ok(Appended::Stored { sequence, evicted: std::mem::take(&mut self.unreported) })
    }

    /// Makes every record appended so far durable with one fsync, and returns the last sequence that is durable
    /// or settled. Costs nothing if nothing was appended since, or if all of it is acknowledged already.
    ///
    /// # Errors
    /// [`StoreError::SyncFailed`]: nothing since the last success may be reported as safe. The records are kept
    /// and written again by the next call.
    pub fn sync(&mut self) -> Result<u64, StoreError> {
        if self.head < self.next {
            self.commit()?;
        }
        Ok(self.next - 1)
    }

    /// The fsync behind [`Self::sync`], unconditionally.
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        let Some(active) = &mut self.active else { return Ok(()) };
        active
            .sync(self.next, &mut self.stats)
            .map_err(|source| StoreError::SyncFailed { path: active.path.clone(), source })
    }

    fn fits_in_active(&self, frame_length: usize) -> bool {
        let Some(segment) = self.segments.back() else { return false };
        self.active.is_some() && segment.bytes + frame_length as u64 <= self.segment_size
    }

    /// Sees to it that a whole segment fits under the cap; `false` if the new record is to be dropped instead.
    ///
    /// Room is made for whole segments, so that no append inside one has to think of the cap.
    fn make_room(&mut self) -> Result<bool, StoreError> {
        self.commit()?;
        self.remove_settled()?;
        while self.segment_bytes() + self.segment_size > self.options.segment_budget() {
            match self.options.when_full {
                WhenFull::Block => {
                    let directory = self.directory.clone();
                    return Err(StoreError::Full { directory, max_size: self.options.max_size });
                }
                WhenFull::DropNewest => return Ok(false),
                WhenFull::DropOldest => {
                    let evicted = self.evict_front()?;
                    self.unreported.add(evicted);
                }
            }
        }
        Ok(true)
    }

    /// Begins a file for the next record. Its name is durable before any record carries the sequence.
    fn start_segment(&mut self) -> Result<(), StoreError> {
        // From here on nothing may go into the file before: should this attempt fail and its half-made file turn
        // up after a crash, that file's name says where the one before ended.
        self.active = None;
        let path = segment::path(&self.directory, self.next);
        // A damaged segment is better counted by its records when the log is opened again.
        let previous = self.segments.back().filter(|segment| !segment.is_damaged);
        let previous = previous.map_or(0..0, |segment| segment.first..segment.end);
        let header = segment::encode_header(self.next, &previous);
        let file =
            self.storage.open(&path, true).map_err(|error| StoreError::from_io("create", &path, error))?;
        let mut active = Active::new(path.clone(), file, self.next);
        let written = active
            .append(&header, &mut self.stats)
            .map_err(|error| StoreError::from_io("write", &path, error))
            .and_then(|()| self.sync_directory());
        if let Err(error) = written {
            // If it stays, the next attempt opens it again under the same name.
            drop(self.storage.remove(&path));
            return Err(error);
        }
        self.segments.push_back(Segment {
            first: self.next,
            end: self.next,
            bytes: HEADER_SIZE,
            is_damaged: false,
        });
        self.active = Some(active);
        Ok(())
    }
}
