//! Rubbish for the tests of sources that read text, and a count that reads none of it: each line carries a mark, and
//! each mark must be told once, in an event or in what was refused.

use bytes::Bytes;
use fieldline_core::{Batch, MOST_LINE_BYTES, Value};

/// What lines are put together from: whole, broken and strange pieces of JSON and of tables.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"\"\"",
    b"\",",
    b",\"",
    b",",
    b"3\"",
    b"{",
    b"}",
    b"{\"a\":1}",
    b"]",
    b":",
    b"NaN",
    b"-0",
    b"1e999",
    b"9223372036854775808",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xb0C",
    b"\xff",
    b"\xc3\xa9",
    b"\\ud800",
    b"\\",
    b" ",
    b"\t",
    b"\x0b",
    b"\x0c",
    b"\xe2\x80\xa8",
    b"a",
];

/// Lines of a text; a mark is in each but the first, which has the names of a table.
const LINES: usize = 3000;

/// Bytes of a mark: `L` and six digits.
const MARK: usize = 7;

/// A text and the lines of which it was put together.
pub(super) struct Rubbish {
    pub(super) text: Vec<u8>,
    pub(super) lines: Vec<Vec<u8>>,
}

impl Rubbish {
    /// The same text for the same seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut draw = fastrand::Rng::with_seed(seed);
        let mut lines = vec![b"\xef\xbb\xbfa,b,c".to_vec()];
        while lines.len() < LINES {
            let mark = format!("L{:06}", lines.len()).into_bytes();
            let pieces: Vec<&[u8]> =
                (0..draw.usize(..8)).map(|_| PIECES[draw.usize(..PIECES.len())]).collect();
            let pieces = pieces.concat();
            lines.push(match draw.usize(..6) {
                0 => [b"{\"m\":\"", mark.as_slice(), b"\",\"v\":", &pieces, b"}"].concat(),
                1 => [b"{\"m\":\"", mark.as_slice(), b"\",\"v\":21.5}"].concat(),
                2 => [b"\"", mark.as_slice(), &pieces].concat(),
                3 => [&pieces, mark.as_slice(), b",1,"].concat(),
                _ => [&pieces, mark.as_slice(), &pieces].concat(),
            });
        }
        let huge = draw.usize(1..LINES);
        lines[huge].resize(MOST_LINE_BYTES + 1, b'x');
        let mut text = Vec::new();
        for line in &lines {
            if !text.is_empty() {
                text.extend_from_slice(
                    [b"\n".as_slice(), b"\r\n", b"\r", b"\n\n", b"\n \r\n"][draw.usize(..5)],
                );
            }
            text.extend_from_slice(line);
        }
        Rubbish { text, lines }
    }

    /// Fails unless `batches` tell each line with a mark once, and what was refused as it came.
    pub(super) fn account_for(&self, batches: &[Batch]) {
        let mut told = Vec::new();
        for batch in batches {
            told.extend(batch.events.iter().flat_map(|draft| marks(format!("{:?}", draft.body).as_bytes())));
            for (draft, error) in &batch.failed {
                let text = refused(&draft.body);
                let Some(line) = marks(&text).first().copied() else { continue };
                let whole = &self.lines[line];
                let is_whole = text == *whole || (whole.len() > MOST_LINE_BYTES && whole.starts_with(&text));
                assert!(is_whole, "{error}: {} of {}", text.escape_ascii(), whole.escape_ascii());
                told.push(line);
            }
        }
        told.sort_unstable();
        assert_eq!(told, (1..LINES).collect::<Vec<_>>());
    }
}

/// The bytes of a body that was refused.
fn refused(body: &Value) -> Bytes {
    let members = body.as_map().expect("what was refused is a map");
    match (members.get("text"), members.get("payload")) {
        (Some(Value::Text(text)), None) => Bytes::copy_from_slice(text.as_bytes()),
        (None, Some(Value::Bytes(bytes))) => bytes.clone(),
        _ => panic!("{body:?}"),
    }
}

/// The numbers of the marks in `text`.
fn marks(text: &[u8]) -> Vec<usize> {
    let number = |window: &[u8]| {
        let digits = std::str::from_utf8(window.strip_prefix(b"L")?).ok()?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    text.windows(MARK).filter_map(number).collect()
}
