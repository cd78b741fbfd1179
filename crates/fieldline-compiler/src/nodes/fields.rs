//! [`Fields`]: where the fields of a node were written.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use fieldline_core::report::Place;
use fieldline_core::{FieldPath, Origin, ReadCx, Step};

use crate::nodes::spec::NodeSpec;
use crate::text::files::{FileSet, Span};
use crate::text::node::{Content, Node};
use crate::text::origin;

/// Knows where the fields of a node were written.
pub(crate) struct Fields<'n> {
    pub(crate) node: &'n Node,
    pub(crate) files: &'n FileSet,
    pub(crate) paths: RefCell<BTreeMap<String, PathBuf>>,
    /// What was read as a secret.
    pub(crate) concealed: RefCell<Vec<&'n Node>>,
}

impl<'n> Fields<'n> {
    pub(crate) fn of(node: &'n Node, files: &'n FileSet) -> Self {
        Fields { node, files, paths: RefCell::default(), concealed: RefCell::default() }
    }

    /// Where `place` is, and the value there; `around` is the place of the whole. One in a file of its own is not known here.
    pub(crate) fn place(&self, around: Span, place: &Place) -> (Span, Option<&'n Node>) {
        match place {
            Place::Field(field) if field.steps().is_empty() => (around, None),
            Place::Field(field) => self.value_in(around, field),
            Place::Key(field) => (self.key_in(around, field), None),
            Place::Text { field, line, column } => {
                (self.inside(around, field, *line, *column), self.node.at(field))
            }
            Place::File { .. } => (around, None),
        }
    }

    /// The value of `field`, or the nearest that was written of what should contain it.
    pub(crate) fn value(&self, spec: &NodeSpec, field: &FieldPath) -> (Span, Option<&'n Node>) {
        self.value_in(spec.span, field)
    }

    fn value_in(&self, around: Span, field: &FieldPath) -> (Span, Option<&'n Node>) {
        let mut node = self.node;
        let mut span = around;
        for step in field.steps() {
            let next = match (step, &node.content) {
                (Step::Key(key), Content::Map(members)) => members.get(key).map(|member| &member.value),
                (Step::Index(index), Content::List(list)) => list.get(*index),
                _ => None,
            };
            let Some(next) = next else { return (span, None) };
            node = next;
            span = next.span;
        }
        (span, Some(node))
    }

    /// The name of `field`, or of the nearest field around it that was written.
    pub(crate) fn key(&self, spec: &NodeSpec, field: &FieldPath) -> Span {
        self.key_in(spec.span, field)
    }

    fn key_in(&self, around: Span, field: &FieldPath) -> Span {
        let mut node = self.node;
        let mut span = around;
        for step in field.steps() {
            let (at, next) = match (step, &node.content) {
                (Step::Key(key), Content::Map(members)) => match members.get(key) {
                    Some(member) => (member.key, &member.value),
                    None => return span,
                },
                (Step::Index(index), Content::List(list)) => match list.get(*index) {
                    Some(element) => (element.span, element),
                    None => return span,
                },
                _ => return span,
            };
            node = next;
            span = at;
        }
        span
    }

    /// A place inside the text of `field`; line and column from 1.
    fn inside(&self, around: Span, field: &FieldPath, line: usize, column: usize) -> Span {
        let (span, node) = self.value_in(around, field);
        let Some(Content::Text(text, style)) = node.map(|node| &node.content) else { return span };
        let file = self.files.file(span.file);
        let at = origin::locate(file, span, *style, text, line, column);
        Span::new(span.file, at, at + file.width(at))
    }

    /// Where each text of the node was written.
    pub(crate) fn origins(&self) -> BTreeMap<FieldPath, Origin> {
        let mut origins = BTreeMap::new();
        self.collect_origins(self.node, FieldPath::root(), &mut origins);
        origins
    }

    fn collect_origins(&self, node: &Node, path: FieldPath, origins: &mut BTreeMap<FieldPath, Origin>) {
        match &node.content {
            Content::Text(text, style) => {
                let file = self.files.file(node.span.file);
                let (line, indent) = origin::start(file, node.span, *style, text);
                origins.insert(path, Origin { file: file.path.clone(), line, indent });
            }
            Content::List(list) => {
                for (index, element) in list.iter().enumerate() {
                    self.collect_origins(element, path.index(index), origins);
                }
            }
            Content::Map(members) => {
                for (key, member) in members {
                    self.collect_origins(&member.value, path.key(key), origins);
                }
            }
            _ => {}
        }
    }
}

impl ReadCx for Fields<'_> {
    fn resolve(&self, field: &FieldPath, path: &str) -> PathBuf {
        let file = self.node.at(field).unwrap_or(self.node).span.file;
        let resolved = self.files.join(file, path);
        self.paths.borrow_mut().insert(field.to_string(), resolved.clone());
        resolved
    }

    fn is_variable(&self, field: &FieldPath) -> bool {
        let node = self.node.at(field);
        node.and_then(|node| node.filled.as_ref()).is_some_and(|filled| filled.variable)
    }

    fn written(&self, field: &FieldPath) -> Option<&str> {
        let node = self.node.at(field)?;
        matches!(node.content, Content::Int(_) | Content::Float(_)).then(|| self.files.text(node.span))
    }

    fn conceal(&self, field: &FieldPath) {
        self.concealed.borrow_mut().extend(self.node.at(field));
    }
}
