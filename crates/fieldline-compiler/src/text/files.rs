//! [`FileSet`]: the text of every file that was read, and [`Span`]: a place in one of them.
//!
//! Spans are byte ranges; lines and columns are worked out only when somebody looks.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A file of a [`FileSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A range of bytes in a file, end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end` of `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let byte = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file, start: byte(start), end: byte(end.max(start)) }
    }

    /// The start of `file`.
    pub fn start_of(file: FileId) -> Self {
        Span { file, start: 0, end: 0 }
    }

    /// The range as indexes into the file's text.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A place as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Column in UTF-16 units, from 0, as editors count.
    pub utf16: usize,
}

/// One file that was read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Its path as it was asked for.
    pub path: PathBuf,
    /// Its text; empty where there is none.
    pub text: String,
    line_starts: Vec<u32>,
}

impl SourceFile {
    fn new(path: PathBuf, text: String) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = newlines.map(|(offset, _)| u32::try_from(offset + 1).unwrap_or(u32::MAX));
        let line_starts = std::iter::once(0).chain(starts).collect();
        SourceFile { path, text, line_starts }
    }

    /// Where byte `offset` is; the end of the text for one that lies behind it.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset.min(self.text.len()));
        let line = self.line_starts.partition_point(|start| *start as usize <= offset);
        let before = &self.text[self.line_starts[line - 1] as usize..offset];
        Position {
            line,
            column: before.chars().count() + 1,
            utf16: before.chars().map(char::len_utf16).sum(),
        }
    }

    /// The text of line `line`, counted from 1, without its end; empty behind the last.
    pub fn line(&self, line: usize) -> &str {
        let Some(start) = line.checked_sub(1).and_then(|index| self.line_starts.get(index)) else {
            return "";
        };
        let end = self.line_starts.get(line).map_or(self.text.len(), |end| *end as usize);
        self.text[*start as usize..end].trim_end_matches(['\n', '\r'])
    }

    /// How many bytes the character at byte `at` has; none at the end of a line.
    pub(crate) fn width(&self, at: usize) -> usize {
        self.text[at..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8)
    }

    /// The byte at `line` and `column`, both from 1, the column in characters; clipped to the line.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let line = line.clamp(1, self.line_starts.len());
        let text = self.line(line);
        let within = text.char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
        self.line_starts[line - 1] as usize + within
    }
}

/// The files a compilation has read, for rendering.
#[derive(Clone, Debug, Default)]
pub struct FileSet {
    files: Vec<SourceFile>,
    by_path: HashMap<PathBuf, FileId>,
}

impl FileSet {
    /// Adds a file.
    pub fn add(&mut self, path: PathBuf, text: String) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.by_path.entry(path.clone()).or_insert(id);
        self.files.push(SourceFile::new(path, text));
        id
    }

    /// The file of this id.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The path of a file.
    pub fn path(&self, id: FileId) -> &Path {
        &self.file(id).path
    }

    /// The file of this path, if it was added.
    pub fn find(&self, path: &Path) -> Option<FileId> {
        self.by_path.get(path).copied()
    }

    /// `path` as written in `file`: a relative one starts at the folder of the file.
    pub(crate) fn join(&self, file: FileId, path: &str) -> PathBuf {
        let folder = self.path(file).parent().unwrap_or(Path::new(""));
        normal(&folder.join(path))
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).text.get(span.range()).unwrap_or("")
    }

    /// Overwrites the text of a span with asterisks, so that a secret written in a file is never shown.
    pub(crate) fn mask(&mut self, span: Span) {
        let text = &mut self.files[span.file.0 as usize].text;
        let Some(secret) = text.get(span.range()) else { return };
        let stars = secret.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect::<String>();
        text.replace_range(span.range(), &stars);
    }
}

/// `path` without `.` and, where that is possible, without `..`.
pub(crate) fn normal(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let joined: PathBuf = parts.iter().collect();
    if joined.as_os_str().is_empty() { PathBuf::from(".") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_lines_from_one() {
        let mut files = FileSet::default();
        let id = files.add("a.yaml".into(), "é: x\nbé: 𝄞y\n".into());
        let file = files.file(id);
        let at = file.position("é: x\nbé: 𝄞".len());
        assert_eq!((at.line, at.column, at.utf16), (2, 6, 6));
        assert_eq!(file.offset(2, 6), "é: x\nbé: 𝄞".len());
        assert_eq!(file.line(2), "bé: 𝄞y");
        assert_eq!(file.position(1000).line, 3);
    }

    #[test]
    fn a_path_loses_its_detours() {
        assert_eq!(normal(Path::new("a/./b/../c.yaml")), Path::new("a/c.yaml"));
        assert_eq!(normal(Path::new("../x/../../y")), Path::new("../../y"));
        assert_eq!(normal(Path::new("a/..")), Path::new("."));
    }
}
