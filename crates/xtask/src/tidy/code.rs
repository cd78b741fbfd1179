//! [`product_code`]: the text of a file with blanks for comments, literals and tests, so that a rule reads code only.
//! Every line keeps its number.

const TEST_ONLY: &str = "#[cfg(test)]";
const FILE_OF_TESTS: &str = "#![cfg(test)]";

/// The code of the product in `text`: comments, literals and every item under `#[cfg(test)]` are blank, and the whole
/// of a file under `#![cfg(test)]`.
pub(super) fn product_code(text: &str) -> String {
    let mut code = text.as_bytes().to_vec();
    let mut at = 0;
    while at < text.len() {
        let length = text.get(at..).and_then(comment_or_literal);
        if let Some(length) = length {
            blank(&mut code[at..at + length]);
        }
        at += length.unwrap_or(1);
    }
    let mut code = String::from_utf8_lossy(&code).into_owned();
    if code.contains(FILE_OF_TESTS) {
        return code.chars().filter(|character| *character == '\n').collect();
    }
    while let Some(start) = code.find(TEST_ONLY) {
        let end = start + TEST_ONLY.len() + item(&code[start + TEST_ONLY.len()..]);
        let mut bytes = code.into_bytes();
        blank(&mut bytes[start..end]);
        code = String::from_utf8_lossy(&bytes).into_owned();
    }
    code
}

fn blank(code: &mut [u8]) {
    code.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

/// The length of the comment or literal that begins `text`.
fn comment_or_literal(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    if let Some(inside) = text.strip_prefix('"') {
        return Some(1 + quoted(inside, '"'));
    }
    if let Some(inside) = text.strip_prefix('\'') {
        return character(inside).map(|length| 1 + length);
    }
    raw_string(text)
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of what `quote` ends, with the quote.
fn quoted(inside: &str, quote: char) -> usize {
    let mut characters = inside.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == quote {
            return at + 1;
        }
    }
    inside.len()
}

/// The length of a character literal behind its first quote; `None` for a lifetime.
fn character(inside: &str) -> Option<usize> {
    let mut characters = inside.char_indices();
    let (_, first) = characters.next()?;
    let (second, quote) = characters.next()?;
    match first {
        '\\' => Some(quoted(inside, '\'')),
        _ => (quote == '\'').then_some(second + 1),
    }
}

fn raw_string(text: &str) -> Option<usize> {
    let behind = text.strip_prefix('r')?;
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    let inside = behind[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let opening = text.len() - inside.len();
    Some(inside.find(&end).map_or(text.len(), |length| opening + length + end.len()))
}

/// The length of the item that begins `code`: to its semicolon, or to the end of its block.
fn item(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in code.char_indices() {
        match character {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(character, ';' | '}') {
            return at + 1;
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of the code in `text`.
    fn words(text: &str) -> String {
        product_code(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_are_no_code() {
        assert_eq!(words("a // b\nc /* d /* e */ f */ g"), "a c g");
        assert_eq!(words("//! a\n/// b"), "");
    }

    #[test]
    fn literals_are_no_code() {
        assert_eq!(words(r#"a("b \" c", 'd', '\'', '"', b"e") f"#), "a( , , , , b ) f");
        assert_eq!(words(r####"a(r"b\", br#"c " d"#) e"####), "a( , b ) e");
        assert_eq!(words("fn a<'b>(c: &'b str, d: r#type)"), "fn a<'b>(c: &'b str, d: r#type)");
    }

    #[test]
    fn tests_are_no_product() {
        assert_eq!(words("a\n#[cfg(test)]\nmod tests {\n    fn b() { [1] }\n}\nc"), "a c");
        assert_eq!(words("#[cfg(test)]\nuse a::b;\n#[cfg(test)]\nmod c;\nd"), "d");
        assert_eq!(words("//! A.\n\n#![cfg(test)]\n\nfn a() {}\n"), "");
        assert_eq!(words("#[cfg(test)]\nfn a() -> [u8; 2] { [0; 2] }\nb"), "b");
    }

    #[test]
    fn every_byte_stays_at_its_place() {
        let text = "a \"ü\n\" /* ä\n */ b\n#[cfg(test)]\nmod tests {\n}\nc";
        let code = product_code(text);
        assert_eq!(code.len(), text.len());
        assert_eq!(code.find('c'), text.rfind('c'));
        assert_eq!(code.lines().count(), text.lines().count());
    }
}
