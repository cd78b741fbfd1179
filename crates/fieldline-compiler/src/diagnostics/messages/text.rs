//! Wording about files and YAML.

use std::path::Path;

use fieldline_core::FileError;

use super::super::Diagnostics;
use crate::text::files::{FileId, Span};

impl Diagnostics {
    pub(crate) fn unreadable_file(&mut self, span: Span, path: &Path, reason: &FileError) {
        self.error("unreadable-file", span, format!("cannot read `{}`: {reason}", path.display()))
            .help("a relative path starts at the folder of the file that names it");
    }

    pub(crate) fn unreadable_root(&mut self, file: FileId, path: &Path, reason: &FileError) {
        let message = format!("cannot read `{}`: {reason}", path.display());
        self.error("unreadable-file", Span::start_of(file), message)
            .help("name a pipeline file or a folder of them");
    }

    pub(crate) fn empty_folder(&mut self, file: FileId, path: &Path) {
        let message = format!("there is no pipeline in the folder `{}`", path.display());
        self.error("unreadable-file", Span::start_of(file), message)
            .help("a pipeline file ends in `.yaml` or `.yml`");
    }

    pub(crate) fn too_large(&mut self, file: FileId, size: usize, limit: usize) {
        let message = format!("the file has {size} bytes; {limit} are the most");
        self.error("too-large", Span::start_of(file), message)
            .help("put recordings and tables into files of their own and name them");
    }

    pub(crate) fn yaml_too_deep(&mut self, span: Span, limit: usize) {
        self.error("too-large", span, format!("lists and maps are nested more than {limit} deep"))
            .help("no pipeline needs that; is a bracket missing?");
    }

    pub(crate) fn yaml_too_many(&mut self, span: Span, limit: usize) {
        self.error("too-large", span, format!("the file has more than {limit} values"))
            .help("each use of an alias counts with all that it repeats");
    }

    pub(crate) fn not_utf8(&mut self, span: Span, offset: usize) {
        self.error("not-utf8", span, format!("the file is no UTF-8 text: byte {offset} is wrong"))
            .help("save it as UTF-8");
    }

    pub(crate) fn nul_byte(&mut self, span: Span, offset: usize) {
        self.error("not-utf8", span, format!("the file holds a NUL at byte {offset}, so it is no text"))
            .help("was a binary file, or UTF-16, given by mistake?");
    }

    pub(crate) fn yaml_syntax(&mut self, span: Span, reason: &str, text: &str) {
        let start = span.range().start.min(text.len());
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let diagnostic = self.error("yaml-syntax", span, format!("this is no YAML: {reason}"));
        if line.contains("${") && line.contains(['{', '[']) && !line.contains("\"${") {
            diagnostic.help("put quotes around `${…}` inside `{ }` and `[ ]`");
        } else if line.trim_start().starts_with(['`', '@', '%'])
            || line.contains(": `")
            || line.contains(": @")
        {
            diagnostic.help("put quotes around a text that begins with a special character");
        } else if reason.contains("unclosed") {
            diagnostic.help("add the bracket or quote that closes it");
        } else if reason.contains("flow") {
            diagnostic.help("before this place a `,` or a closing bracket is missing");
        } else if line.matches(": ").count() > 1 {
            diagnostic.help("put quotes around a text that holds `: `");
        } else {
            diagnostic.help("check indentation, brackets and quotes up to here");
        }
    }

    pub(crate) fn yaml_tab(&mut self, span: Span) {
        self.error("yaml-syntax", span, "this is no YAML: a tab indents the line").help("indent with spaces");
    }

    pub(crate) fn yaml_not_finite(&mut self, span: Span, text: &str) {
        self.error("yaml-syntax", span, format!("`{text}` is no number that can be used here"))
            .help("write a finite number, or quotes around a text");
    }

    pub(crate) fn yaml_tag(&mut self, span: Span) {
        self.error("yaml-syntax", span, "tags such as `!name` are not used here")
            .help("leave the tag out; put quotes around a text that begins with `!`");
    }

    pub(crate) fn yaml_merge_key(&mut self, span: Span) {
        self.error("yaml-syntax", span, "`<<` belongs to YAML 1.1 and is not used here")
            .help("share parts of pipelines with `include:` or `use:`");
    }

    pub(crate) fn yaml_complex_key(&mut self, span: Span) {
        self.error("yaml-syntax", span, "a key must be a name, not a list or a map")
            .help("put quotes around a text that begins with `{` or `[`, such as \"${params.x}\"");
    }

    pub(crate) fn yaml_recursive_alias(&mut self, span: Span) {
        self.error("yaml-syntax", span, "an alias stands inside what it repeats")
            .help("an anchor must end before it is used");
    }

    pub(crate) fn yaml_second_document(&mut self, span: Span) {
        self.error("yaml-syntax", span, "a second document begins here")
            .help("write one pipeline in a file, without `---` between");
    }

    pub(crate) fn duplicate_key(&mut self, span: Span, name: &str, first: Span) {
        self.error("duplicate-key", span, format!("`{name}` is written twice"))
            .related(first, "first written here")
            .help("take one of the two out, or rename it");
    }
}
