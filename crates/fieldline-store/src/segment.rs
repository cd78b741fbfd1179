//! One file of a log: its name, its header, and what the log remembers of it.
//!
//! A segment `00000000000000000042.segment` holds the records 42, 43, … of one session without a gap. Its header
//! is `magic | version u32 | first u64 | first and end of the previous segment, u64 each | crc32 u32`; the name alone
//! is enough to read it, the header saves reading the previous one to know where it ended.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::frame::{u32_at, u64_at};

/// Bytes before the first frame.
pub(crate) const HEADER_SIZE: u64 = 36;

/// More sequences than any segment can use: 4 MiB hold fewer than 175,000 frames. A new session starts this far
/// after the start of the last segment, so that what a crash took from it can't have had the same number.
pub(crate) const SEQUENCE_SPAN: u64 = 1 << 20;

/// The sequences that are taken from a name or a cursor, which leaves room for arithmetic: a person may have written it.
pub(crate) const SEQUENCES: Range<u64> = 1..u64::MAX / 2;

/// The sequences with which a session may begin. All that it gives to its records are in [`SEQUENCES`], so that they
/// are found again.
pub(crate) const BEGINNINGS: Range<u64> = 1..u64::MAX / 4;

const MAGIC: [u8; 4] = *b"FLSG";
const VERSION: u32 = 1;
const SUFFIX: &str = ".segment";

/// What the log knows of one file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    /// The sequence of its first record.
    pub(crate) first: u64,
    /// One after the sequence of its last record.
    pub(crate) end: u64,
    /// The length of the file.
    pub(crate) bytes: u64,
    /// Records were missing when it was walked at the opening of the log.
    pub(crate) is_damaged: bool,
}

/// Where a segment lies.
pub(crate) fn path(directory: &Path, first: u64) -> PathBuf {
    directory.join(format!("{first:020}{SUFFIX}"))
}

/// The first sequence a file name stands for; `None` if it names no segment.
pub(crate) fn first_of_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let is_number = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let first: u64 = if is_number { digits.parse().ok()? } else { return None };
    SEQUENCES.contains(&first).then_some(first)
}

/// The header of a segment that follows the sequences `previous`.
pub(crate) fn encode_header(first: u64, previous: &Range<u64>) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER_SIZE as usize);
    header.extend_from_slice(&MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&first.to_le_bytes());
    header.extend_from_slice(&previous.start.to_le_bytes());
    header.extend_from_slice(&previous.end.to_le_bytes());
    header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());
    header
}

/// The sequences of the previous segment by this header; `None` if the header is torn or damaged.
///
/// # Errors
/// [`StoreError::Version`] if the header is intact but not ours to read.
pub(crate) fn decode_header(path: &Path, first: u64, bytes: &[u8]) -> Result<Option<Range<u64>>, StoreError> {
    if bytes.len() < HEADER_SIZE as usize
        || bytes[..4] != MAGIC
        || crc32fast::hash(&bytes[..32]) != u32_at(bytes, 32)
        || u64_at(bytes, 8) != first
    {
        return Ok(None);
    }
    let version = u32_at(bytes, 4);
    if version != VERSION {
        return Err(StoreError::Version { path: path.to_owned(), found: version, supported: VERSION });
    }
    Ok(Some(u64_at(bytes, 16)..u64_at(bytes, 24)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_segments_are_taken_for_segments() {
        let check = |name: &str, expected: Option<u64>| assert_eq!(first_of_name(name), expected, "{name}");
        check("00000000000000000042.segment", Some(42));
        check("00000000000000000000.segment", None);
        check("18446744073709551615.segment", None);
        check("18446744073709551616.segment", None);
        check("42.segment", None);
        check("+0000000000000000042.segment", None);
        check("00000000000000000042.segment.bak", None);
    }

    #[test]
    fn a_header_of_another_version_is_refused_and_a_torn_one_is_not() {
        let mut header = encode_header(9, &(2..5));
        let path = Path::new("x");
        assert_eq!(decode_header(path, 9, &header).ok(), Some(Some(2..5)));
        assert_eq!(decode_header(path, 9, &header[..35]).ok(), Some(None));
        assert_eq!(decode_header(path, 8, &header).ok(), Some(None));
        header[4] = 2;
        let crc = crc32fast::hash(&header[..32]);
        header[32..].copy_from_slice(&crc.to_le_bytes());
        assert!(matches!(decode_header(path, 9, &header), Err(StoreError::Version { found: 2, .. })));
    }
}
