//! [`Node`]: a YAML value that knows where each of its parts was written.

use std::sync::Arc;

use compact_str::CompactString;
use fieldline_core::{FieldPath, Map, Step, Value};
use indexmap::IndexMap;

use crate::text::files::Span;

/// The members of a map, in the order in which they were written.
pub(crate) type Members = IndexMap<CompactString, Member, foldhash::fast::RandomState>;

/// A value and its place. Has no `Debug`: it may hold a secret.
#[derive(Clone)]
pub(crate) struct Node {
    /// Where it was written; for a block collection, its first key or element.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) content: Content,
    /// What substitution has put into it.
    pub(crate) filled: Option<Arc<Filled>>,
}

/// What a node is.
#[derive(Clone)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(CompactString, Style),
    List(Vec<Node>),
    Map(Members),
}

/// How a text was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

/// One member of a map.
#[derive(Clone)]
pub(crate) struct Member {
    /// Where its key was written.
    pub(crate) key: Span,
    /// Its value.
    pub(crate) value: Node,
}

/// What substitution did to a node.
#[derive(Clone, Default)]
pub(crate) struct Filled {
    /// Where the param was used, when the node is the value of a param as a whole.
    pub(crate) used: Option<Span>,
    /// The params inside the text: name, and where the value was set.
    pub(crate) set: Vec<(CompactString, Span)>,
    /// Text of it came from the environment, so that the field decides what it means.
    pub(crate) variable: bool,
    /// Text of it is secret.
    pub(crate) secret: bool,
    /// Something could not be put in, so that it is as it was written, or holds a value that stands in for a param.
    pub(crate) missing: bool,
}

impl Node {
    pub(crate) fn new(span: Span, content: Content) -> Self {
        Node { span, content, filled: None }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text, _) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_map(&self) -> Option<&Members> {
        match &self.content {
            Content::Map(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Node]> {
        match &self.content {
            Content::List(list) => Some(list),
            _ => None,
        }
    }

    /// The member `key` of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key).map(|member| &member.value)
    }

    /// The node at `path`.
    pub(crate) fn at(&self, path: &FieldPath) -> Option<&Node> {
        path.steps().iter().try_fold(self, |node, step| match (step, &node.content) {
            (Step::Key(key), Content::Map(members)) => members.get(key).map(|member| &member.value),
            (Step::Index(index), Content::List(list)) => list.get(*index),
            _ => None,
        })
    }

    /// Its kind in a user's words, as [`Value::kind`] says it.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.content {
            Content::Null => "nothing",
            Content::Bool(_) => "a boolean",
            Content::Int(_) => "an integer",
            Content::Float(_) => "a number",
            Content::Text(..) => "a string",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }

    /// The value without its places.
    pub(crate) fn to_value(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(truth) => Value::Bool(*truth),
            Content::Int(number) => Value::Int(*number),
            Content::Float(number) => Value::Float(*number),
            Content::Text(text, _) => Value::Text(text.clone()),
            Content::List(list) => Value::List(list.iter().map(Node::to_value).collect()),
            Content::Map(members) => Value::Map(values(members)),
        }
    }

    /// Whether a secret is anywhere in it.
    pub(crate) fn is_secret(&self) -> bool {
        self.filled.as_ref().is_some_and(|filled| filled.secret)
            || match &self.content {
                Content::List(list) => list.iter().any(Node::is_secret),
                Content::Map(members) => members.values().any(|member| member.value.is_secret()),
                _ => false,
            }
    }

    /// Whether something is missing anywhere in it, so that nobody can say yet what it will be.
    pub(crate) fn is_open(&self) -> bool {
        self.filled.as_ref().is_some_and(|filled| filled.missing)
            || match &self.content {
                Content::List(list) => list.iter().any(Node::is_open),
                Content::Map(members) => members.values().any(|member| member.value.is_open()),
                _ => false,
            }
    }

    /// The byte behind the last of all that is in it.
    pub(crate) fn end(&self) -> u32 {
        let within = match &self.content {
            Content::List(list) => list.iter().map(Node::end).max(),
            Content::Map(members) => {
                members.values().map(|member| member.key.end.max(member.value.end())).max()
            }
            _ => None,
        };
        self.span.end.max(within.unwrap_or(0))
    }

    /// A node at `span` that holds `value`.
    pub(crate) fn from_value(value: &Value, span: Span) -> Self {
        let content = match value {
            Value::Null | Value::Bytes(_) => Content::Null,
            Value::Bool(truth) => Content::Bool(*truth),
            Value::Int(number) => Content::Int(*number),
            Value::Float(number) => Content::Float(*number),
            Value::Text(text) => Content::Text(text.clone(), Style::Plain),
            Value::List(list) => {
                Content::List(list.iter().map(|value| Node::from_value(value, span)).collect())
            }
            Value::Map(map) => {
                let member = |value| Member { key: span, value: Node::from_value(value, span) };
                Content::Map(map.iter().map(|(key, value)| (key.clone(), member(value))).collect())
            }
        };
        Node::new(span, content)
    }
}

/// The values of `members` without their places.
pub(crate) fn values(members: &Members) -> Map {
    members.iter().map(|(key, member)| (key.clone(), member.value.to_value())).collect()
}
