//! The bytes of one record: `length u32 | crc32 u32 | sequence u64 | appended_at u64 | payload`, little endian.
//!
//! The checksum covers everything but itself. A frame names its own sequence, so that after damage the next
//! intact frame can be recognised wherever it starts (see `frames.rs`).

use crate::record::Record;

/// Bytes of a frame besides its payload.
pub(crate) const OVERHEAD: usize = 24;

/// What the fixed part of a frame says; worth nothing until [`decode`] has checked it.
pub(crate) struct Preamble {
    pub(crate) payload_length: u64,
    pub(crate) sequence: u64,
}

/// Appends the frame of a record to `into`.
pub(crate) fn encode(sequence: u64, appended_at: u64, payload: &[u8], into: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).expect("a payload is smaller than a segment");
    let start = into.len();
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(&[0; 4]);
    into.extend_from_slice(&sequence.to_le_bytes());
    into.extend_from_slice(&appended_at.to_le_bytes());
    into.extend_from_slice(payload);
    let crc = checksum(&into[start..]);
    into[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

/// Reads the fixed part of a frame from its first [`OVERHEAD`] bytes.
pub(crate) fn preamble(bytes: &[u8]) -> Preamble {
    Preamble { payload_length: u64::from(u32_at(bytes, 0)), sequence: u64_at(bytes, 8) }
}

/// Reads a whole frame; `None` if its checksum is wrong.
pub(crate) fn decode(frame: &[u8]) -> Option<Record> {
    (checksum(frame) == u32_at(frame, 4)).then(|| Record {
        sequence: u64_at(frame, 8),
        appended_at: u64_at(frame, 16),
        payload: frame[OVERHEAD..].to_vec(),
    })
}

/// The little-endian number at `at`; the caller has checked the length.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes were sliced"))
}

/// The little-endian number at `at`; the caller has checked the length.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were sliced"))
}

fn checksum(frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&frame[..4]);
    hasher.update(&frame[8..]);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_the_round_trip_and_no_single_bit_flip() {
        let mut frame = Vec::new();
        encode(7, 1_700_000_000_000, b"reading", &mut frame);
        let record = decode(&frame).expect("the frame is intact");
        assert_eq!((record.sequence, record.appended_at), (7, 1_700_000_000_000));
        assert_eq!(record.payload, b"reading");
        for bit in 0..frame.len() * 8 {
            frame[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&frame), None, "bit {bit}");
            frame[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn zeros_are_no_frame() {
        assert_eq!(decode(&[0; OVERHEAD]), None);
    }
}
