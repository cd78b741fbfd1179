//! The reading end: records in order, holes skipped and counted, files read through a small window.

use std::ops::Range;

use super::Log;
use crate::error::StoreError;
use crate::frames::{Frame, Frames};
use crate::record::{Oldest, Record};
use crate::segment::{self, Segment};

/// A position inside one segment.
pub(super) struct Reader {
    pub(super) first: u64,
    /// No frame before this sequence is ahead.
    sequence: u64,
    frames: Frames,
}

impl Log {
    /// The records after the sequence `after`, oldest first: at most `max_records`, and no more than
    /// `max_bytes` of payload, but at least one record if there is one. Records that are settled don't appear;
    /// `read_after(0, ..)` starts with the oldest. Records that turn out to be damaged are skipped and counted
    /// in [`Stats::damaged`](crate::Stats::damaged). Reading on where the last call ended is cheap.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if the medium doesn't return the first of these records.
    pub fn read_after(
        &mut self,
        after: u64,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let mut stream = self.stream.take();
        let records = self.read_with(&mut stream, after, max_records, max_bytes);
        self.stream = stream;
        records
    }

    /// The record that has waited longest, if any.
    ///
    /// # Errors
    /// As for [`Self::read_after`].
    pub fn oldest(&mut self) -> Result<Option<Oldest>, StoreError> {
        if self.oldest.is_none_or(|oldest| oldest.sequence != self.head) {
            let first = self.read_front(1, 0)?.pop();
            self.oldest = first.as_ref().map(Oldest::of);
        }
        Ok(self.oldest)
    }

    /// Gives up the rest of the segment that holds `sequence`, because the medium doesn't return it. Returns
    /// how many records that loses; they count as damaged. What is appended afterwards goes to a new segment.
    ///
    /// # Errors
    /// As for [`Self::sync`], if the segment is still written to; nothing is given up then.
    pub fn abandon(&mut self, sequence: u64) -> Result<u64, StoreError> {
        let Some(segment) = self.segments.iter().find(|s| (s.first..s.end).contains(&sequence)).copied()
        else {
            return Ok(0);
        };
        if segment.end == self.next {
            self.commit()?;
            self.active = None;
        }
        let before = self.stats.damaged;
        self.lose(sequence.max(self.head)..segment.end);
        self.move_head(self.head);
        Ok(self.stats.damaged - before)
    }

    /// Reads from the head, without disturbing where `read_after` stands.
    pub(super) fn read_front(
        &mut self,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let mut front = self.front.take();
        let records = self.read_with(&mut front, 0, max_records, max_bytes);
        self.front = front;
        records
    }

    pub(super) fn read_with(
        &mut self,
        reader: &mut Option<Reader>,
        after: u64,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let mut records: Vec<Record> = Vec::new();
        let mut bytes = 0;
        let mut wanted = self.head.max(after.saturating_add(1));
        while records.len() < max_records {
            wanted = self.holes.skip(wanted);
            let Some(segment) =
                self.segments.iter().find(|segment| segment.end > wanted.max(segment.first)).copied()
            else {
                break;
            };
            wanted = wanted.max(segment.first);
            let readable = segment.first..segment.end.min(self.readable_end());
            if wanted >= readable.end {
                break;
            }
            let frame = match self.next_frame(reader, &segment, &readable, wanted) {
                Ok(frame) => frame,
                Err(_) if !records.is_empty() => break,
                Err(error) => return Err(error),
            };
            let Some(frame) = frame else {
                self.lose(wanted..readable.end);
                continue;
            };
            self.lose(wanted..frame.record.sequence);
            wanted = frame.record.sequence;
            if !records.is_empty() && bytes + frame.record.payload.len() > max_bytes {
                let reader = reader.as_mut().expect("it just returned a frame");
                reader.sequence = frame.record.sequence;
                reader.frames.step_back(&frame);
                break;
            }
            bytes += frame.record.payload.len();
            wanted += 1;
            records.push(frame.record);
        }
        self.move_head(self.head);
        Ok(records)
    }

    /// The first intact frame of a segment at or after `wanted`.
    fn next_frame(
        &self,
        slot: &mut Option<Reader>,
        segment: &Segment,
        readable: &Range<u64>,
        wanted: u64,
    ) -> Result<Option<Frame>, StoreError> {
        let path = segment::path(&self.directory, segment.first);
        let unreadable = |source| StoreError::Unreadable { path: path.clone(), sequence: wanted, source };
        let usable = slot.take().filter(|reader| reader.first == segment.first && reader.sequence <= wanted);
        let mut reader = match usable {
            Some(reader) => reader,
            None => {
                let file = self.storage.open(&path, false).map_err(unreadable)?;
                Reader { first: segment.first, sequence: segment.first, frames: Frames::new(file) }
            }
        };
        loop {
            let Some(frame) = reader.frames.next(segment.bytes, readable).map_err(unreadable)? else {
                reader.sequence = readable.end;
                *slot = Some(reader);
                return Ok(None);
            };
            reader.sequence = frame.record.sequence + 1;
            if frame.record.sequence >= wanted {
                *slot = Some(reader);
                return Ok(Some(frame));
            }
        }
    }

    /// While a failed sync isn't made good, the file may show something else than was written.
    fn readable_end(&self) -> u64 {
        match &self.active {
            Some(active) if active.is_suspect() => active.durable_end,
            _ => self.next,
        }
    }

    /// Counts what turned out to be missing from `range`, apart from the holes in it that are known already.
    pub(super) fn lose(&mut self, range: Range<u64>) {
        let mut from = self.holes.skip(range.start);
        while from < range.end {
            let to = self.holes.next_start(from).unwrap_or(range.end).min(range.end);
            self.stats.damaged += self.holes.add(from..to);
            self.is_note_urgent = true;
            from = self.holes.skip(to);
        }
    }
}
