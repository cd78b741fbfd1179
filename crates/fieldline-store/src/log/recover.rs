//! What is on disk when a log is opened: finished segments, a torn last one, and things that aren't ours.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::LOCK_NAME;
use crate::cursor;
use crate::error::StoreError;
use crate::frames::Frames;
use crate::holes::Holes;
use crate::options::MAX_UNSYNCED_BYTES;
use crate::segment::{self, HEADER_SIZE, SEQUENCE_SPAN, Segment};
use crate::storage::{Entry, Storage, StorageFile, read_fully, write_again};

/// What opening a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Records that wait to be read.
    pub records: u64,
    /// Bytes of a torn last write that were cut off. They were never durable.
    pub torn_bytes: u64,
    /// Records that are not where [`Log::note`](super::Log::note) said they were, or are missing between others, as far as
    /// opening looks. They count neither here as `records` nor in [`Stats::damaged`](crate::Stats::damaged). Those that
    /// a power cut took before a sync are not among them.
    pub missing_records: u64,
    /// Segments that can't be read to their end, or with damage in their header or between their records, as far
    /// as opening looks.
    pub damaged_segments: Vec<PathBuf>,
    /// Where the acknowledged part ended can't be read: everything that is still stored is delivered again.
    pub is_position_lost: bool,
    /// Files in the directory that are none of the log's. They are left alone and not in `bytes_used`.
    pub leftovers: Vec<PathBuf>,
}

/// The segments of a directory.
#[derive(Default)]
pub(super) struct Found {
    pub(super) segments: VecDeque<Segment>,
    pub(super) holes: Holes,
    pub(super) recovered: Recovered,
}

/// A file whose name is that of a segment.
struct SegmentFile {
    entry: Entry,
    first: u64,
    /// What its header says of the segment before.
    previous: Option<Range<u64>>,
}

/// Which segments are read to their end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    /// Those whose end no header tells.
    AsNeeded,
    /// All of them.
    Everything,
}

/// Reads the headers of all segments, and the records of some.
pub(super) fn scan(storage: &dyn Storage, directory: &Path, walks: Walk) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let mut files: VecDeque<SegmentFile> = VecDeque::new();
    let entries = storage.list(directory).map_err(|error| StoreError::from_io("list", directory, error))?;
    for entry in entries {
        match segment::first_of_name(&entry.name) {
            Some(first) => {
                let previous = read_header(storage, &entry, first)?;
                if previous.is_none() && entry.length >= HEADER_SIZE {
                    found.recovered.damaged_segments.push(entry.path.clone());
                }
                files.push_back(SegmentFile { entry, first, previous });
            }
            None if entry.name == LOCK_NAME || entry.name == cursor::FILE_NAME => {}
            None => found.recovered.leftovers.push(entry.path),
        }
    }
    while let Some(file) = files.pop_front() {
        // No two segments have the same sequence, also where a file was copied under another number.
        let span = file.first + SEQUENCE_SPAN;
        let limit = files.front().map_or(span, |next| next.first.min(span));
        // The next segment may have followed another one, which was deleted while this one came back.
        let known =
            files.front().and_then(|next| next.previous.clone()).filter(|_| walks == Walk::AsNeeded).filter(
                |previous| previous.start == file.first && (file.first..=limit).contains(&previous.end),
            );
        let segment = match known {
            Some(known) => {
                Segment { first: known.start, end: known.end, bytes: file.entry.length, is_damaged: false }
            }
            None => walk(storage, &file, limit, files.is_empty(), &mut found)?,
        };
        found.segments.push_back(segment);
    }
    Ok(found)
}

fn read_header(storage: &dyn Storage, entry: &Entry, first: u64) -> Result<Option<Range<u64>>, StoreError> {
    let file = open(storage, &entry.path)?;
    let mut header = [0; HEADER_SIZE as usize];
    let read = read_fully(file.as_ref(), &mut header, 0).unwrap_or(0);
    segment::decode_header(&entry.path, first, &header[..read])
}

/// Finds the end of a segment by its records, whose sequences ascend and lie below `limit`. A torn end is cut off, and
/// what remains made durable, if this is the last segment: it is the one that was written to when the crash came.
fn walk(
    storage: &dyn Storage,
    file: &SegmentFile,
    limit: u64,
    is_last: bool,
    found: &mut Found,
) -> Result<Segment, StoreError> {
    let entry = &file.entry;
    let mut segment = Segment { first: file.first, end: file.first, bytes: entry.length, is_damaged: false };
    let fail = |action| move |error| StoreError::from_io(action, &entry.path, error);
    let mut frames = Frames::new(open(storage, &entry.path)?);
    let plausible = segment.first..limit;
    let mut intact = HEADER_SIZE.min(entry.length);
    let mut last_start = 0;
    let mut is_readable = true;
    loop {
        let frame = match frames.next(entry.length, &plausible) {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(_) => {
                // A log that can't be opened for a bad sector would need a person.
                is_readable = false;
                segment.is_damaged = true;
                break;
            }
        };
        if frame.record.sequence < segment.end {
            // A block of the file that came back at another place; reading passes over it too.
            segment.is_damaged = true;
            continue;
        }
        segment.is_damaged |= found.holes.add(segment.end..frame.record.sequence) > 0;
        segment.end = frame.record.sequence + 1;
        intact = frame.end;
        last_start = frame.start;
    }
    if segment.is_damaged && found.recovered.damaged_segments.last() != Some(&entry.path) {
        found.recovered.damaged_segments.push(entry.path.clone());
    }
    if !is_last || !is_readable {
        return Ok(segment);
    }
    segment.bytes = intact;
    found.recovered.torn_bytes = entry.length - intact;
    let mut file = open(storage, &entry.path)?;
    file.set_length(intact).map_err(fail("truncate"))?;
    // Never more than this was waiting for a sync when the process before ended.
    let start = last_start.saturating_sub(MAX_UNSYNCED_BYTES as u64);
    write_again(file.as_mut(), start, intact).map_err(fail("sync"))?;
    Ok(segment)
}

fn open(storage: &dyn Storage, path: &Path) -> Result<Box<dyn StorageFile>, StoreError> {
    storage.open(path, false).map_err(|error| StoreError::from_io("open", path, error))
}
