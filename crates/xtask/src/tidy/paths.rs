//! Which paths the code of a file names: in its imports, and in its text from `crate`, `super` or `self` on.

/// A path that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// Its parts as they are written.
    pub(super) path: Vec<String>,
    /// The name it has from then on, where it is an import.
    pub(super) name: Option<String>,
    /// The line, counted from 1.
    pub(super) line: usize,
}

/// A word, or a sign; `::` is one.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// The names of the modules that `code` declares in files of their own.
pub(super) fn submodules(code: &str) -> impl Iterator<Item = String> {
    let tokens = tokens(code);
    let declared = tokens.windows(3).filter(|window| window[0].text == "mod" && window[2].text == ";");
    declared.map(|window| window[1].text.to_owned()).collect::<Vec<_>>().into_iter()
}

/// Every path that `code` names, in the order of the text. The code must be free of comments and literals.
pub(super) fn mentions(code: &str) -> Vec<Mention> {
    let tokens = tokens(code);
    let mut mentions = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1).map(|token| token.text);
        match token.text {
            // `use<'a>` is a bound.
            "use" if next != Some("<") => at = import(&tokens, at + 1, &[], &mut mentions),
            "crate" | "super" | "self" if next == Some("::") => {
                let (path, end) = path(&tokens, at);
                mentions.push(Mention { path, name: None, line: token.line });
                at = end;
            }
            _ => at += 1,
        }
    }
    mentions
}

/// Reads one branch of an import; returns where it ends.
fn import(tokens: &[Token<'_>], start: usize, before: &[String], mentions: &mut Vec<Mention>) -> usize {
    let (path, mut at) = path(tokens, start);
    let path = [before, &path].concat();
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    if text(at) == "{" {
        while !matches!(text(at), "}" | "") {
            at = if text(at + 1) == "}" { at + 1 } else { import(tokens, at + 1, &path, mentions) };
        }
        return at + 1;
    }
    let last = path.iter().rfind(|part| *part != "self").map(String::as_str);
    let (name, end) = match text(at) {
        "as" => (Some(text(at + 1)), at + 2),
        "*" => (None, at + 1),
        _ => (last, at),
    };
    let name = name.map(str::to_owned);
    if let Some(token) = tokens.get(start) {
        mentions.push(Mention { path, name, line: token.line });
    }
    end.max(start + 1)
}

/// The parts of the path that begins at `start`, and where it ends: a `::` before a brace or a star belongs to it.
fn path(tokens: &[Token<'_>], start: usize) -> (Vec<String>, usize) {
    let mut at = start + usize::from(tokens.get(start).is_some_and(|token| token.text == "::"));
    let mut path = Vec::new();
    while let Some(token) = tokens.get(at).filter(|token| is_word(token.text)) {
        path.push(token.text.to_owned());
        at += 1;
        match tokens.get(at) {
            Some(sign) if sign.text == "::" => at += 1,
            _ => break,
        }
    }
    (path, at)
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (index, mut rest) in code.lines().enumerate() {
        while let Some(first) = rest.trim_start().chars().next() {
            rest = rest.trim_start();
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                _ => word,
            };
            tokens.push(Token { text: &rest[..length], line: index + 1 });
            rest = &rest[length..];
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(code: &str) -> Vec<String> {
        let one = |mention: &Mention| {
            let name = mention.name.as_ref().map(|name| format!(" as {name}")).unwrap_or_default();
            format!("{} {}{name}", mention.line, mention.path.join("::"))
        };
        mentions(code).iter().map(one).collect()
    }

    #[test]
    fn an_import_names_every_leaf_of_its_tree() {
        assert_eq!(named("pub use crate::a::B;"), ["1 crate::a::B as B"]);
        assert_eq!(
            named("use crate::{\n    a::{self, B as C},\n    d::*,\n};\nuse super::e;"),
            ["2 crate::a::self as a", "2 crate::a::B as C", "3 crate::d", "5 super::e as e"]
        );
        assert_eq!(named("use ::std::{fmt, io::{Read as _}};").len(), 2);
    }

    #[test]
    fn a_path_in_the_text_is_named_without_an_import() {
        let code = "pub(crate) fn a(b: crate::c::D) -> impl E + use<'_> {\n    super::f::<G>(self.h)\n}";
        assert_eq!(named(code), ["1 crate::c::D", "2 super::f"]);
    }

    #[test]
    fn modules_in_files_are_told_from_modules_in_the_text() {
        let code = "mod a;\npub mod b;\nmod c { }\nfn modest() {}";
        assert_eq!(submodules(code).collect::<Vec<_>>(), ["a", "b"]);
    }
}
