//! [`Lines`]: cuts a stream of bytes into lines, whatever pieces it comes in. A line ends with LF, CR LF or CR.
//! No I/O of its own.

/// The longest line that is taken whole; of a longer one, only its beginning is kept.
pub const MOST_LINE_BYTES: usize = 1 << 20;

/// How much is kept of a line that is too long.
const KEPT_BYTES: usize = 1 << 10;

/// A line, or the beginning of one that is too long to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The bytes without the line's end.
    Whole(Vec<u8>),
    /// The first bytes of a line of more than [`MOST_LINE_BYTES`].
    TooLong(Vec<u8>),
}

/// Bytes that came and have not been handed on as lines yet.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins in `bytes`.
    start: usize,
    /// Up to where `bytes` is known to hold no line's end.
    searched: usize,
    /// The beginning of the line that is coming in, where it is too long already.
    skipping: Option<Vec<u8>>,
    /// The last line ended with CR: an LF right after it belongs to the same end.
    after_cr: bool,
}

impl Lines {
    /// Takes the next bytes of the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line, if it is there.
    pub fn next_line(&mut self) -> Option<Line> {
        if self.after_cr && self.start < self.bytes.len() {
            self.after_cr = false;
            if self.bytes[self.start] == b'\n' {
                self.start += 1;
                self.searched = self.start;
            }
        }
        let is_end = |byte: &u8| matches!(*byte, b'\n' | b'\r');
        let Some(end) = self.bytes[self.searched..].iter().position(is_end) else {
            self.searched = self.bytes.len();
            if self.searched - self.start > MOST_LINE_BYTES {
                let begun = &self.bytes[self.start..];
                self.skipping.get_or_insert_with(|| begun[..KEPT_BYTES].to_vec());
                self.start = self.searched;
            }
            return None;
        };
        let end = self.searched + end;
        let line = self.cut(end);
        self.after_cr = self.bytes[end] == b'\r';
        self.start = end + 1;
        self.searched = self.start;
        Some(line)
    }

    /// The stream has ended: what is left is a line too.
    pub fn finish(&mut self) -> Option<Line> {
        let last = self.next_line().or_else(|| {
            let end = self.bytes.len();
            (self.start < end || self.skipping.is_some()).then(|| self.cut(end))
        });
        *self = Lines::default();
        last
    }

    fn cut(&mut self, end: usize) -> Line {
        let line = &self.bytes[self.start..end];
        match self.skipping.take() {
            Some(beginning) => Line::TooLong(beginning),
            None if line.len() > MOST_LINE_BYTES => Line::TooLong(line[..KEPT_BYTES].to_vec()),
            None => Line::Whole(line.to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::proptest;

    use super::*;

    fn all(pieces: &[Vec<u8>]) -> Vec<Line> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in pieces {
            lines.feed(piece);
            found.extend(std::iter::from_fn(|| lines.next_line()));
        }
        found.extend(lines.finish());
        found
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.into())
    }

    fn too_long() -> Line {
        Line::TooLong(vec![b'x'; KEPT_BYTES])
    }

    #[test]
    fn a_line_ends_with_lf_cr_lf_or_cr() {
        assert_eq!(all(&[b"a\rb\r\n\rc\n".to_vec()]), [whole("a"), whole("b"), whole(""), whole("c")]);
        assert_eq!(all(&[b"a\r".to_vec(), b"\nb".to_vec()]), [whole("a"), whole("b")]);
        assert_eq!(all(&[b"a\r".to_vec()]), [whole("a")]);
    }

    #[test]
    fn the_last_line_needs_no_end() {
        assert_eq!(all(&[b"a\r\n\nb".to_vec()]), [whole("a"), whole(""), whole("b")]);
        assert_eq!(all(&[b"a\n".to_vec()]), [whole("a")]);
    }

    #[test]
    fn a_line_too_long_is_skipped_and_the_next_is_whole() {
        let piece = vec![b'x'; MOST_LINE_BYTES / 2 + 1];
        let pieces = [piece.clone(), piece.clone(), piece, b"x\nb\n".to_vec()];
        assert_eq!(all(&pieces), [too_long(), whole("b")]);
        assert_eq!(all(&[vec![b'x'; MOST_LINE_BYTES + 1]]), [too_long()]);
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_the_pieces_they_come_in(pieces in vec("[ab\n]{0,6}", 0..8)) {
            let text = pieces.concat();
            let expected: Vec<Line> = text.lines().map(whole).collect();
            let pieces: Vec<Vec<u8>> = pieces.into_iter().map(String::into_bytes).collect();
            assert_eq!(all(&pieces), expected);
        }
    }
}
