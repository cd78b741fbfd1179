//! Puts params, environment and secrets into the string leaves of a parsed tree.
//!
//! `${params.x}`, `${env.X}`, `${env.X:-default}`, `${env.X:?message}`, `${secret.name}`; `$${` stands for `${`. A default may
//! hold others. A leaf that is one `${params.x}` and nothing else becomes the value with its type; a member whose value is
//! then nothing is as if it had not been written.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use compact_str::CompactString;

use crate::diagnostics::Diagnostics;
use crate::params::Bound;
use crate::params::secrets::Secrets;
use crate::request::Variables;
use crate::text::files::{FileSet, Span};
use crate::text::node::{Content, Filled, Member, Members, Node, Style};
use crate::text::origin;

/// How deep defaults may stand in each other.
const MAX_NESTED: usize = 8;

/// Where values come from.
pub(crate) struct Scope<'s> {
    /// The params; `None` where they cannot be used, which is in their own values.
    pub(crate) params: Option<&'s Bound>,
    pub(crate) variables: &'s dyn Variables,
    pub(crate) env: &'s BTreeMap<String, String>,
    pub(crate) files: &'s FileSet,
    /// The names of the params that were used.
    pub(crate) used: RefCell<HashSet<CompactString>>,
    /// The secrets that were met.
    pub(crate) secrets: RefCell<&'s mut Secrets>,
}

/// The tree with everything put in. What cannot be put in is complained about and left as it is.
pub(crate) fn interpolate(node: &Node, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Node {
    match &node.content {
        Content::Text(text, style) if text.contains("${") => {
            interpolate_text(node, text, *style, scope, diagnostics)
        }
        Content::List(list) => {
            let list = list.iter().map(|element| interpolate(element, scope, diagnostics)).collect();
            Node { span: node.span, content: Content::List(list), filled: node.filled.clone() }
        }
        Content::Map(members) => {
            let content = Content::Map(interpolate_members(members, scope, diagnostics));
            Node { span: node.span, content, filled: node.filled.clone() }
        }
        _ => node.clone(),
    }
}

/// As [`interpolate`], for the members of a map.
pub(crate) fn interpolate_members(
    members: &Members,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Members {
    let mut filled = Members::with_capacity_and_hasher(members.len(), foldhash::fast::RandomState::default());
    for (name, member) in members {
        if name.replace("$${", "").contains("${") {
            diagnostics.substitution_in_name(member.key, name);
            diagnostics.unfilled(member.key);
        }
        let value = interpolate(&member.value, scope, diagnostics);
        let unset = matches!(value.content, Content::Null) && !matches!(member.value.content, Content::Null);
        if !unset {
            filled.insert(name.clone(), Member { key: member.key, value });
        }
    }
    filled
}

fn interpolate_text(
    node: &Node,
    text: &str,
    style: Style,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Node {
    let place = |from: usize, to: usize| place(node.span, style, text, from, to, scope.files);
    if text.starts_with("${params.") && closing(text) == Some(text.len()) {
        let found = look_up(&text[2..text.len() - 1], place(0, text.len()), 0, scope, diagnostics);
        if let Some(Found::Param(_, value)) = found {
            return whole_param(value, node.span);
        }
        return unfilled(node, diagnostics);
    }
    let Some(Part { text, filled }) = fill_text(text, 0, &place, scope, diagnostics) else {
        return unfilled(node, diagnostics);
    };
    if filled.secret {
        scope.secrets.borrow_mut().add(text.as_str());
    }
    if filled.missing {
        diagnostics.unfilled(node.span);
    }
    Node { span: node.span, content: Content::Text(text, style), filled: Some(Arc::new(filled)) }
}

/// A leaf that stays as it is because something could not be put in.
fn unfilled(node: &Node, diagnostics: &mut Diagnostics) -> Node {
    diagnostics.unfilled(node.span);
    Node { filled: Some(Arc::new(Filled { missing: true, ..Filled::default() })), ..node.clone() }
}

/// A text with everything put in, and what that was.
struct Part {
    text: CompactString,
    filled: Filled,
}

/// Fills in a text, or a default `depth` defaults deep; `place` gives the place of some of its bytes. `None` where
/// something cannot be put in, which was complained about.
fn fill_text(
    text: &str,
    depth: usize,
    place: &dyn Fn(usize, usize) -> Span,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Part> {
    let mut filled = Filled::default();
    let mut result = CompactString::default();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let offset = text.len() - rest.len() + at;
        if rest[..at].ends_with('$') {
            result.push_str(&rest[..at - 1]);
            result.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        result.push_str(&rest[..at]);
        let Some(length) = closing(&rest[at..]) else {
            diagnostics.unclosed_substitution(place(offset, text.len()));
            return None;
        };
        let place = place(offset, offset + length);
        match look_up(&rest[at + 2..at + length - 1], place, depth, scope, diagnostics)? {
            Found::Param(name, value) => {
                let Some(part) = part(value) else {
                    diagnostics.collection_in_text(place, &name, value.kind());
                    return None;
                };
                result.push_str(&part);
                let from = value.filled.as_deref();
                filled.secret |= from.is_some_and(|filled| filled.secret);
                filled.missing |= from.is_some_and(|filled| filled.missing);
                filled.set.push((name, value.span));
            }
            Found::Text(part) => {
                result.push_str(&part.text);
                filled.variable = true;
                filled.secret |= part.filled.secret;
                filled.missing |= part.filled.missing;
                filled.set.extend(part.filled.set);
            }
        }
        rest = &rest[at + length..];
    }
    result.push_str(rest);
    Some(Part { text: result, filled })
}

/// The value of a param in place of a whole leaf.
fn whole_param(value: &Node, used: Span) -> Node {
    let filled = value.filled.as_deref().cloned().unwrap_or_default();
    let mut value = value.clone();
    value.filled = Some(Arc::new(Filled { used: Some(used), ..filled }));
    value
}

/// How long the `${…}` is that begins `text`, both braces included; braces may nest in a default.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(at + 1),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The place of bytes `from..to` of a leaf's text.
fn place(span: Span, style: Style, text: &str, from: usize, to: usize, files: &FileSet) -> Span {
    let file = files.file(span.file);
    let locate = |offset: usize| {
        let before = &text[..offset];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        origin::locate(file, span, style, text, line, column)
    };
    let start = locate(from);
    Span::new(span.file, start, start + (to - from).min(file.text.len().saturating_sub(start)))
}

enum Found<'s> {
    Param(CompactString, &'s Node),
    /// From the environment or a secret.
    Text(Part),
}

impl Found<'_> {
    fn text(text: String, secret: bool) -> Self {
        Found::Text(Part { text: text.into(), filled: Filled { secret, ..Filled::default() } })
    }
}

fn look_up<'s>(
    inside: &str,
    place: Span,
    depth: usize,
    scope: &Scope<'s>,
    diagnostics: &mut Diagnostics,
) -> Option<Found<'s>> {
    let Some((kind, name)) = inside.split_once('.') else {
        diagnostics.bad_substitution(place, inside);
        return None;
    };
    match kind {
        "params" => {
            let Some(params) = scope.params else {
                diagnostics.param_in_param(place);
                return None;
            };
            scope.used.borrow_mut().insert(name.into());
            match params.get(name) {
                Some(value) => Some(Found::Param(name.into(), value.as_ref()?)),
                None => {
                    diagnostics.unknown_param(place, name, params.keys().map(CompactString::as_str));
                    None
                }
            }
        }
        "env" => environment(name, place, depth, scope, diagnostics),
        "secret" if is_word(name) => match scope.variables.secret(name) {
            Ok(Some(secret)) => {
                scope.secrets.borrow_mut().add(secret.as_str());
                Some(Found::text(secret, true))
            }
            Ok(None) => {
                diagnostics.missing_secret(place, name);
                None
            }
            Err(reason) => {
                diagnostics.refused_secret(place, name, &reason);
                None
            }
        },
        _ => {
            diagnostics.bad_substitution(place, inside);
            None
        }
    }
}

fn environment<'s>(
    inside: &str,
    place: Span,
    depth: usize,
    scope: &Scope<'s>,
    diagnostics: &mut Diagnostics,
) -> Option<Found<'s>> {
    let (name, otherwise) = inside.split_once(':').map_or((inside, None), |(name, rest)| (name, Some(rest)));
    let wrong = otherwise.is_some_and(|rest| !rest.starts_with(['-', '?']));
    if !is_word(name) || wrong {
        diagnostics.bad_substitution(place, &format!("env.{inside}"));
        return None;
    }
    let set = scope.env.get(name).cloned().or_else(|| scope.variables.env(name));
    match (set.filter(|value| !value.is_empty() || otherwise.is_none()), otherwise) {
        (Some(value), _) if value.contains(['\n', '\r', '\0']) => {
            diagnostics.variable_of_lines(place, name);
            None
        }
        (Some(value), _) => Some(Found::text(value, false)),
        (None, Some(rest)) => match rest.strip_prefix('-') {
            Some(_) if depth == MAX_NESTED => {
                diagnostics.bad_substitution(place, &format!("env.{name}:-…"));
                None
            }
            Some(default) => {
                fill_text(default, depth + 1, &|_, _| place, scope, diagnostics).map(Found::Text)
            }
            None => {
                diagnostics.missing_variable(place, name, Some(rest[1..].trim()));
                None
            }
        },
        (None, None) => {
            diagnostics.missing_variable(place, name, None);
            None
        }
    }
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// A param's value as a part of a text; `None` for a list or a map.
fn part(value: &Node) -> Option<CompactString> {
    Some(match &value.content {
        Content::Null => CompactString::default(),
        Content::Bool(truth) => truth.to_string().into(),
        Content::Int(number) => number.to_string().into(),
        Content::Float(number) => number.to_string().into(),
        Content::Text(text, _) => text.clone(),
        Content::List(_) | Content::Map(_) => return None,
    })
}
