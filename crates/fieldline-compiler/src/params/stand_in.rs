//! [`stand_in`]: a value in place of one that nobody has set, so that the rest of a template can be checked.

use std::sync::Arc;

use crate::params::Param;
use crate::text::node::{Content, Filled, Members, Node, Style};

/// A value of the param's type, marked as missing: what is said of it is not told.
pub(super) fn stand_in(param: &Param) -> Node {
    let text = |text: &str| Content::Text(text.into(), Style::Plain);
    let content = match (param.choices.first(), param.kind) {
        (Some(choice), _) => choice.content.clone(),
        (None, "integer" | "number") => Content::Int(1),
        (None, "boolean") => Content::Bool(true),
        (None, "duration") => text("1s"),
        (None, "size") => text("1MiB"),
        (None, "list") => Content::List(Vec::new()),
        (None, "map") => Content::Map(Members::default()),
        (None, _) => text("a"),
    };
    let filled = Filled { missing: true, ..Filled::default() };
    Node { filled: Some(Arc::new(filled)), ..Node::new(param.span, content) }
}
