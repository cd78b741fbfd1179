//! [`DeadLetterSpec`]: `dead_letter:` of a pipeline, the name of a sink or a map with it and the settings of the file.

use std::path::PathBuf;

use compact_str::CompactString;
use fieldline_core::Size;
use fieldline_core::policy::LetterFile;
use fieldline_core::suggest::nearest;

use crate::diagnostics::Diagnostics;
use crate::text::files::Span;
use crate::text::node::{Content, Members, Node};

/// The fields of the map.
const FIELDS: [&str; 4] = ["sink", "folder", "max_size", "files"];

/// The sizes a file may be put aside at, in bytes. One that is larger could not be replayed.
const SIZES: std::ops::RangeInclusive<u64> = 4 << 10..=16 << 20;

/// The most files of one pipeline.
const MOST_FILES: u32 = 100;

/// Where failed events go, as it was written.
#[derive(Debug, Default)]
pub(crate) struct DeadLetterSpec {
    /// The sink: where it is named, and its name.
    pub(crate) sink: Option<(Span, CompactString)>,
    /// The folder of the file: where it is named, and its path.
    pub(crate) folder: Option<(Span, PathBuf)>,
    /// The file for what no sink takes.
    pub(crate) file: LetterFile,
}

/// Reads `dead_letter:`; what is wrong is complained about and left out.
pub(crate) fn read(fields: &Members, diagnostics: &mut Diagnostics) -> DeadLetterSpec {
    let mut spec = DeadLetterSpec::default();
    let Some(node) = fields.get("dead_letter").map(|member| &member.value) else { return spec };
    let Content::Map(members) = &node.content else {
        spec.sink =
            text(node, "the name of a sink, or a map", diagnostics).map(|name| (node.span, name.into()));
        return spec;
    };
    for (name, member) in members {
        let node = &member.value;
        match name.as_str() {
            "sink" => {
                spec.sink =
                    text(node, "the name of a sink", diagnostics).map(|name| (node.span, name.into()));
            }
            "folder" => {
                spec.folder =
                    text(node, "the path of a folder", diagnostics).map(|path| (node.span, path.into()));
                spec.file.folder = spec.folder.as_ref().map(|(_, path)| path.clone());
            }
            "max_size" => spec.file.max_size = size(node, diagnostics).unwrap_or(spec.file.max_size),
            "files" => spec.file.files = count(node, diagnostics).unwrap_or(spec.file.files),
            _ => diagnostics.unknown_field(member.key, name, "`dead_letter`", nearest(name, FIELDS), &FIELDS),
        }
    }
    spec
}

fn text<'n>(node: &'n Node, expected: &str, diagnostics: &mut Diagnostics) -> Option<&'n str> {
    let text = node.as_text();
    if text.is_none() {
        diagnostics.wrong_type(node, expected);
    }
    text
}

fn size(node: &Node, diagnostics: &mut Diagnostics) -> Option<Size> {
    match text(node, "a size such as `8MiB`", diagnostics)?.parse::<Size>() {
        Ok(size) if SIZES.contains(&size.0) => Some(size),
        Ok(size) => {
            let (least, most) = (Size(*SIZES.start()), Size(*SIZES.end()));
            let message = format!("a dead letter file of {size} is not offered; use {least} to {most}");
            diagnostics.bad_value(node, &message);
            None
        }
        Err(error) => {
            diagnostics.bad_value(node, &error.to_string());
            None
        }
    }
}

fn count(node: &Node, diagnostics: &mut Diagnostics) -> Option<u32> {
    let count = node.to_value().as_i64().and_then(|count| u32::try_from(count).ok());
    let count = count.filter(|count| (1..=MOST_FILES).contains(count));
    if count.is_none() {
        let message = format!("`files` is a number from 1 to {MOST_FILES}; write for example `files: 2`");
        diagnostics.bad_value(node, &message);
    }
    count
}
