//! Text to a tree in which every key and value knows its place.
//!
//! Reads the events of the parser that serde-saphyr is built on, without recursion and within limits: the text
//! may have 1 MiB, 64 levels and 100,000 nodes, those that aliases repeat counted each time. Tags, merge keys and a
//! second document are refused, because nothing here would know what they mean.

mod scalar;

use std::collections::HashMap;

use compact_str::CompactString;
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, StructureStyle};

use crate::diagnostics::Diagnostics;
use crate::text::files::{FileId, Span};
use crate::text::node::{Content, Member, Members, Node, Style};

/// The most bytes a pipeline file may have.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// The most levels of lists and maps.
pub(crate) const MAX_DEPTH: usize = 64;
/// The most values, those behind aliases counted at each use.
pub(crate) const MAX_NODES: usize = 100_000;

/// The text of a file, if it is text that may be read at all: not too large, UTF-8, without NUL.
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, Unreadable> {
    if bytes.len() > MAX_BYTES {
        return Err(Unreadable::TooLarge(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Unreadable::NotUtf8(error.valid_up_to()))?;
    match text.find('\0') {
        Some(at) => Err(Unreadable::Nul(at)),
        None => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
    }
}

/// Why bytes are not even text.
pub(crate) enum Unreadable {
    TooLarge(usize),
    NotUtf8(usize),
    Nul(usize),
}

/// Reads the one document in `text`; complains and returns `None` where there is none.
pub(crate) fn parse(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Option<Node> {
    let mut builder = Builder { text, open: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None };
    let options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH, simple_key_max_lookahead: 1024,
    };
    for item in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match item {
            Ok(item) => item,
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(text.len());
                let span = Span::new(file, at, next_char(text, at));
                if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
                    diagnostics.yaml_too_deep(span, MAX_DEPTH);
                    return None;
                }
                match tab(text, at, error.kind()) {
                    Some(tab) => diagnostics.yaml_tab(Span::new(file, tab, tab + 1)),
                    None => diagnostics.yaml_syntax(span, &error.info(), text),
                }
                return None;
            }
        };
        let range = span.byte_range().unwrap_or(0..0);
        let span = Span::new(file, range.start.min(text.len()), range.end.min(text.len()));
        builder.take(event, span, diagnostics)?;
    }
    Some(builder.root.unwrap_or_else(|| Node::new(Span::start_of(file), Content::Null)))
}

/// The tab that indents a line, where an error at `at` is about one. The parser tells the place behind it, or the begin of
/// the text that the line would continue.
fn tab(text: &str, at: usize, kind: &ErrorKind) -> Option<usize> {
    let begin = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let begins_line = text[begin..at].trim_start_matches([' ', '\t']).is_empty();
    let continues = match kind {
        ErrorKind::TabInPlainScalar | ErrorKind::TabAtBlockScalarStart => true,
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => false,
        _ if begins_line => false,
        _ => return None,
    };
    let first = text[begin..].lines().next()?;
    // Further right a tab only parts the words of a text that goes on.
    let column = if continues {
        first.len() - first.trim_start_matches([' ', '\t', '-', '?']).len()
    } else {
        usize::MAX
    };
    let mut start = begin;
    for line in text[begin..].split_inclusive('\n') {
        let content = line.trim_start_matches([' ', '\t']);
        let indent = &line[..line.len() - content.len()];
        let is_content = !content.starts_with(['#', '\r', '\n']);
        if let Some(tab) = indent.find('\t').filter(|tab| is_content && *tab <= column) {
            return Some(start + tab);
        }
        if !continues {
            return None;
        }
        start += line.len();
    }
    None
}

fn next_char(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |next| at + next.len_utf8())
}

/// A collection that has begun and not ended.
struct Open {
    span: Span,
    flow: bool,
    anchor: usize,
    children: Children,
}

enum Children {
    List(Vec<Node>),
    /// The members, and the key whose value comes next.
    Map(Members, Option<(CompactString, Span)>),
}

impl Children {
    fn are_none(&self) -> bool {
        match self {
            Children::List(list) => list.is_empty(),
            Children::Map(members, key) => members.is_empty() && key.is_none(),
        }
    }
}

struct Builder<'t> {
    text: &'t str,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    /// Takes one event in; `None` when reading must stop, which has been complained about.
    fn take(&mut self, event: Event<'_>, span: Span, diagnostics: &mut Diagnostics) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if tag.is_some() {
                    diagnostics.yaml_tag(span);
                    return None;
                }
                let node = self.scalar(&text, style, span, diagnostics);
                self.finish(node, anchor, diagnostics)
            }
            Event::SequenceStart(style, anchor, tag) => {
                let tagged = tag.is_some();
                self.begin(Children::List(Vec::new()), style, anchor, tagged, span, diagnostics)
            }
            Event::MappingStart(style, anchor, tag) => {
                let children = Children::Map(Members::default(), None);
                self.begin(children, style, anchor, tag.is_some(), span, diagnostics)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let mut open = self.open.pop()?;
                if open.flow {
                    open.span.end = span.end.max(open.span.start);
                }
                let content = match open.children {
                    Children::List(list) => Content::List(list),
                    Children::Map(members, _) => Content::Map(members),
                };
                self.finish(Node::new(open.span, content), open.anchor, diagnostics)
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor) else {
                    diagnostics.yaml_recursive_alias(span);
                    return None;
                };
                let (node, size) = (node.clone(), *size);
                self.count(size, span, diagnostics)?;
                self.finish(node, 0, diagnostics)
            }
            Event::DocumentStart(..) if self.root.is_some() => {
                diagnostics.yaml_second_document(span);
                None
            }
            _ => Some(()),
        }
    }

    fn begin(
        &mut self,
        children: Children,
        style: StructureStyle,
        anchor: usize,
        tagged: bool,
        span: Span,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        if tagged {
            diagnostics.yaml_tag(span);
            return None;
        }
        if self.open.len() >= MAX_DEPTH {
            diagnostics.yaml_too_deep(span, MAX_DEPTH);
            return None;
        }
        let flow = matches!(style, StructureStyle::Flow);
        self.open.push(Open { span, flow, anchor, children });
        Some(())
    }

    fn scalar(&self, text: &str, style: ScalarStyle, span: Span, diagnostics: &mut Diagnostics) -> Node {
        let style = match style {
            ScalarStyle::Plain => {
                let content = scalar::plain(text).unwrap_or_else(|scalar::NotFinite| {
                    diagnostics.yaml_not_finite(span, text);
                    Content::Null
                });
                return Node::new(span, content);
            }
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        Node::new(span, Content::Text(text.into(), style))
    }

    fn count(&mut self, nodes: usize, span: Span, diagnostics: &mut Diagnostics) -> Option<()> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            diagnostics.yaml_too_many(span, MAX_NODES);
            return None;
        }
        Some(())
    }

    /// A value is complete: it becomes a key, a member, an element or the root.
    fn finish(&mut self, node: Node, anchor: usize, diagnostics: &mut Diagnostics) -> Option<()> {
        self.count(1, node.span, diagnostics)?;
        if anchor > 0 {
            let size = size(&node);
            self.count(size, node.span, diagnostics)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        if !open.flow && open.children.are_none() {
            open.span = node.span;
        }
        match &mut open.children {
            Children::List(list) => list.push(node),
            Children::Map(members, next) => match next.take() {
                None => *next = Some(key(&node, self.text, diagnostics)?),
                Some((name, span)) => match members.get(&name) {
                    Some(first) => diagnostics.duplicate_key(span, &name, first.key),
                    None => drop(members.insert(name, Member { key: span, value: node })),
                },
            },
        }
        Some(())
    }
}

/// The text of a key, as it was written, so that `on:` and `1:` are just names.
fn key(node: &Node, text: &str, diagnostics: &mut Diagnostics) -> Option<(CompactString, Span)> {
    let name = match &node.content {
        Content::Text(name, _) => name.clone(),
        Content::List(_) | Content::Map(_) => {
            diagnostics.yaml_complex_key(node.span);
            return None;
        }
        _ => text.get(node.span.range()).unwrap_or_default().into(),
    };
    if name == "<<" {
        diagnostics.yaml_merge_key(node.span);
        return None;
    }
    Some((name, node.span))
}

fn size(node: &Node) -> usize {
    match &node.content {
        Content::List(list) => 1 + list.iter().map(size).sum::<usize>(),
        Content::Map(members) => 1 + members.values().map(|member| 1 + size(&member.value)).sum::<usize>(),
        _ => 1,
    }
}
