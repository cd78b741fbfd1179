//! Walks the frames of one segment through a small window, and finds its way again after damage.
//!
//! Where no intact frame starts, the walk moves on byte by byte until one does whose sequence is plausible and
//! whose checksum holds. So a flipped bit costs the record it is in, and neither a loop nor a panic.

use std::io;
use std::ops::Range;

use crate::frame::{self, OVERHEAD};
use crate::record::Record;
use crate::segment::HEADER_SIZE;
use crate::storage::{StorageFile, read_fully};

const WINDOW_SIZE: usize = 64 * 1024;

/// An intact frame and where it lies in its file.
pub(crate) struct Frame {
    pub(crate) record: Record,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// A position in a segment file, with the bytes around it.
pub(crate) struct Frames {
    file: Box<dyn StorageFile>,
    offset: u64,
    window: Vec<u8>,
    window_start: u64,
}

impl Frames {
    /// Starts before the first frame.
    pub(crate) fn new(file: Box<dyn StorageFile>) -> Self {
        Self { file, offset: HEADER_SIZE, window: Vec::new(), window_start: 0 }
    }

    /// The next intact frame whose sequence is in `plausible`, in a file of `length` bytes; `None` at the end.
    pub(crate) fn next(&mut self, length: u64, plausible: &Range<u64>) -> io::Result<Option<Frame>> {
        while self.offset + OVERHEAD as u64 <= length {
            if let Some(frame) = self.frame_here(length, plausible)? {
                self.offset = frame.end;
                return Ok(Some(frame));
            }
            self.offset += 1;
        }
        self.offset = self.offset.max(length);
        Ok(None)
    }

    /// Goes back to the start of a frame, which [`Self::next`] then returns again.
    pub(crate) fn step_back(&mut self, frame: &Frame) {
        self.offset = frame.start;
    }

    fn frame_here(&mut self, length: u64, plausible: &Range<u64>) -> io::Result<Option<Frame>> {
        let start = self.offset;
        let Some(bytes) = self.bytes(OVERHEAD, length)? else { return Ok(None) };
        let preamble = frame::preamble(bytes);
        let end = start + OVERHEAD as u64 + preamble.payload_length;
        if !plausible.contains(&preamble.sequence) || end > length {
            return Ok(None);
        }
        let Some(bytes) = self.bytes((end - start) as usize, length)? else { return Ok(None) };
        Ok(frame::decode(bytes).map(|record| Frame { record, start, end }))
    }

    /// `count` bytes from the current offset; `None` if the file is shorter than `length` promised.
    fn bytes(&mut self, count: usize, length: u64) -> io::Result<Option<&[u8]>> {
        let window_end = self.window_start + self.window.len() as u64;
        if self.offset < self.window_start || self.offset + count as u64 > window_end {
            self.fill(count, length)?;
        }
        let from = (self.offset - self.window_start) as usize;
        Ok(self.window.get(from..from + count))
    }

    fn fill(&mut self, count: usize, length: u64) -> io::Result<()> {
        let wanted = (count.max(WINDOW_SIZE) as u64).min(length - self.offset) as usize;
        self.window_start = self.offset;
        self.window.clear();
        self.window.resize(wanted, 0);
        let filled = read_fully(self.file.as_ref(), &mut self.window, self.offset);
        self.window.truncate(*filled.as_ref().unwrap_or(&0));
        filled.map(|_| ())
    }
}
