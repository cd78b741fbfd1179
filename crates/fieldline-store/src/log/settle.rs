//! The far end: records leave by acknowledgement, by age, or because the card is full.

use std::io;
use std::time::Duration;

use super::Log;
use crate::cursor::Position;
use crate::error::StoreError;
use crate::record::{Oldest, Tally};
use crate::segment;

const EXPIRY_BATCH: usize = 256;
const EXPIRY_BATCH_BYTES: usize = 64 * 1024;

impl Log {
    /// Settles every record up to and including the sequence `upto`, and deletes the segments that are done.
    /// Returns how many records that settled; what was settled before doesn't count again. Later sequences than
    /// the last one are taken for the last one.
    ///
    /// It can't fail: a segment that can't be deleted now counts in
    /// [`Stats::failed_removals`](crate::Stats::failed_removals) and is tried again. The position survives the end
    /// of the process after [`Self::note`], and a power cut after [`Self::checkpoint`].
    pub fn ack(&mut self, upto: u64) -> u64 {
        let acked = self.settle_before(upto.saturating_add(1).min(self.next));
        self.stats.acked += acked;
        acked
    }

    /// Writes down what the log holds, without a sync: acknowledgements then survive the end of the process, and records
    /// that somebody takes away meanwhile are missed at the next opening. Costs nothing if nothing has changed. What
    /// turned out to be lost is written down with a sync, so that it is missed once.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::ReadOnly`] or [`StoreError::Io`]; it is as if it had not been called.
    pub fn note(&mut self) -> Result<(), StoreError> {
        if self.is_note_urgent {
            self.save(self.position())?;
            self.is_note_urgent = false;
            return Ok(());
        }
        let bytes = self.cursor.note(self.position())?;
        self.stats.bytes_written += bytes as u64;
        Ok(())
    }

    /// Drops the records at the head whose `age` is more than `max_age`, and returns how many. Stops at the first
    /// younger one, whatever lies behind it.
    ///
    /// # Errors
    /// As for [`Self::read_after`]; what expired before the failure is in [`Log::stats`].
    pub fn expire(&mut self, age: impl Fn(Oldest) -> Duration) -> Result<u64, StoreError> {
        let Some(max_age) = self.options.max_age else { return Ok(0) };
        let is_too_old = |record: Oldest| age(record) > max_age;
        let mut total = 0;
        while self.oldest()?.is_some_and(is_too_old) {
            let records = self.read_front(EXPIRY_BATCH, EXPIRY_BATCH_BYTES)?;
            let expired = records.iter().take_while(|record| is_too_old(Oldest::of(record)));
            // While a failed sync isn't made good, the oldest record may be known and yet not be readable.
            let Some(last) = expired.last() else { break };
            let expired = self.settle_before(last.sequence + 1);
            self.stats.expired += expired;
            total += expired;
        }
        Ok(total)
    }

    /// Drops the oldest segment with every record in it, to give space back to others on the same card. Does
    /// nothing if there is only one. Returns the victims.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`] or [`StoreError::Io`]; the records stay then.
    pub fn evict_oldest(&mut self) -> Result<Tally, StoreError> {
        if self.segments.len() < 2 {
            return Ok(Tally::default());
        }
        let evicted = self.evict_front()?;
        self.sync_directory()?;
        Ok(evicted)
    }

    /// Makes the acknowledgements so far survive a crash, with one fsync, and deletes what is done.
    /// Costs nothing if there were none since the last time.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::ReadOnly`] or [`StoreError::Io`]; the position of the last
    /// success stays.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        if self.cursor.durable().is_none_or(|durable| durable.head != self.head) {
            self.save(self.position())?;
        }
        self.remove_settled()
    }

    /// Moves the head to `end` and returns how many records that passes.
    fn settle_before(&mut self, end: u64) -> u64 {
        if end <= self.head {
            return 0;
        }
        let settled = self.count(self.head..end);
        self.move_head(end);
        self.stats.failed_removals += u64::from(self.remove_settled().is_err());
        settled
    }

    /// Sets the head, passing over holes and the gaps between segments.
    pub(super) fn move_head(&mut self, to: u64) {
        self.head = to;
        while let Some(segment) = self.segments.iter().find(|segment| segment.end > self.head) {
            let at = self.holes.skip(self.head.max(segment.first));
            if at == self.head {
                break;
            }
            self.head = at;
        }
        if self.segments.back().is_none_or(|last| last.end <= self.head) {
            self.head = self.next;
        }
        self.holes.forget_before(self.head);
    }

    /// Deletes the segments before the head, except the last one.
    pub(super) fn remove_settled(&mut self) -> Result<(), StoreError> {
        while self.segments.len() > 1 && self.segments[0].end <= self.head {
            self.save_before_removal(self.position())?;
            self.remove_front()?;
        }
        // Space counts as free when a power cut can't bring the file back.
        if self.has_unsynced_removals { self.sync_directory() } else { Ok(()) }
    }

    /// Deletes the oldest segment and returns the records that were still waiting in it. The caller syncs the
    /// directory.
    pub(super) fn evict_front(&mut self) -> Result<Tally, StoreError> {
        let Some(segment) = self.segments.front().copied() else { return Ok(Tally::default()) };
        let evicted = self.tally_front(segment.end);
        let is_last = self.segments.len() == 1;
        let head = if is_last { self.next } else { self.head.max(segment.end) };
        let records = self.count(head..self.next);
        self.save_before_removal(Position { head, records, ..self.position() })?;
        if is_last {
            self.active = None;
        }
        self.remove_front()?;
        self.move_head(head);
        self.stats.evicted.add(evicted);
        Ok(evicted)
    }

    /// Counts the records from the head to `end`. What can't be read any more is damaged, not evicted.
    fn tally_front(&mut self, end: u64) -> Tally {
        let mut tally = Tally::default();
        let mut front = self.front.take();
        let mut after = self.head.saturating_sub(1);
        while let Ok(records) = self.read_with(&mut front, after, EXPIRY_BATCH, EXPIRY_BATCH_BYTES)
            && let Some(last) = records.last().map(|record| record.sequence)
        {
            for record in records.iter().filter(|record| record.sequence < end) {
                tally.add(Tally { records: 1, bytes: record.payload.len() as u64 });
            }
            after = last;
            if last >= end {
                break;
            }
        }
        self.lose(after.max(self.head.saturating_sub(1)).saturating_add(1)..end);
        tally
    }

    fn remove_front(&mut self) -> Result<(), StoreError> {
        let Some(segment) = self.segments.front() else { return Ok(()) };
        let first = segment.first;
        let path = segment::path(&self.directory, first);
        match self.storage.remove(&path) {
            // Somebody was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(|error| StoreError::from_io("delete", &path, error))?,
        }
        self.has_unsynced_removals = true;
        self.segments.pop_front();
        self.stream.take_if(|reader| reader.first == first);
        self.front.take_if(|reader| reader.first == first);
        Ok(())
    }

    /// Makes it known that what lies before the head of `position` is not missed: a power cut must not leave the file
    /// deleted and an earlier position that asks for it.
    fn save_before_removal(&mut self, position: Position) -> Result<(), StoreError> {
        if self.cursor.durable().is_some_and(|durable| durable.head >= position.head) {
            return Ok(());
        }
        match self.save(position) {
            // Nothing but the removal can free the card. The last name alone has to stay: it keeps sequences from being
            // given twice, and after it the cursor has to.
            Err(StoreError::DiskFull { .. }) if self.segments.len() > 1 => Ok(()),
            saved => saved,
        }
    }

    fn save(&mut self, position: Position) -> Result<(), StoreError> {
        self.stats.syncs += 1;
        let bytes = self.cursor.save(position)?;
        self.stats.pages_written += 1;
        self.stats.bytes_written += bytes as u64;
        Ok(())
    }
}
