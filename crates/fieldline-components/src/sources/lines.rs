//! [`Lines`]: cuts a stream of bytes into lines, whatever pieces it comes in. No I/O of its own.

/// The longest line that is taken whole; of a longer one, only its end is looked for.
pub(crate) const MOST_BYTES: usize = 1 << 20;

/// A line, or that there was one too long to keep.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// The bytes without the line's end.
    Whole(Vec<u8>),
    /// More than [`MOST_BYTES`].
    TooLong,
}

/// Bytes that came and have not been handed on as lines yet.
#[derive(Default)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins in `bytes`.
    start: usize,
    /// Up to where `bytes` is known to hold no line's end.
    searched: usize,
    /// The line that is coming in is too long already.
    skipping: bool,
}

impl Lines {
    /// Takes the next bytes of the stream.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line, if it is there.
    pub(crate) fn next(&mut self) -> Option<Line> {
        let Some(end) = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            if self.searched - self.start > MOST_BYTES {
                self.skipping = true;
                self.start = self.searched;
            }
            return None;
        };
        let end = self.searched + end;
        let line = self.cut(end);
        self.start = end + 1;
        self.searched = self.start;
        Some(line)
    }

    /// The stream has ended: what is left is a line too.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        let end = self.bytes.len();
        let line = (self.start < end || self.skipping).then(|| self.cut(end));
        *self = Lines::default();
        line
    }

    fn cut(&mut self, end: usize) -> Line {
        let line = &self.bytes[self.start..end];
        if std::mem::take(&mut self.skipping) || line.len() > MOST_BYTES {
            return Line::TooLong;
        }
        Line::Whole(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
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
            found.extend(std::iter::from_fn(|| lines.next()));
        }
        found.extend(lines.finish());
        found
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.into())
    }

    #[test]
    fn the_last_line_needs_no_end() {
        assert_eq!(all(&[b"a\r\n\nb".to_vec()]), [whole("a"), whole(""), whole("b")]);
        assert_eq!(all(&[b"a\n".to_vec()]), [whole("a")]);
    }

    #[test]
    fn a_line_too_long_is_skipped_and_the_next_is_whole() {
        let piece = vec![b'x'; MOST_BYTES / 2 + 1];
        let pieces = [piece.clone(), piece.clone(), piece, b"x\nb\n".to_vec()];
        assert_eq!(all(&pieces), [Line::TooLong, whole("b")]);
        assert_eq!(all(&[vec![b'x'; MOST_BYTES + 1]]), [Line::TooLong]);
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
