//! Gives each declared param its value, and says which values do not conform.

use std::sync::Arc;

use compact_str::CompactString;
use fieldline_core::{Period, Size};
use indexmap::IndexMap;

use crate::diagnostics::Diagnostics;
use crate::diagnostics::messages::params::Declared;
use crate::params::interpolate::{Scope, interpolate};
use crate::params::stand_in::stand_in;
use crate::params::{Bound, Param};
use crate::text::files::Span;
use crate::text::node::{Content, Filled, Node};

/// What binding the params has brought.
pub(crate) struct Binding {
    /// The values.
    pub(crate) bound: Bound,
    /// The params that must be set and are not.
    pub(crate) missing: Vec<(CompactString, Span)>,
}

/// Binds `declared` to what `overrides`, `set` (name, place of the name, value) and the defaults say, in this order. What
/// is missing has a value that stands in for it.
pub(crate) fn bind(
    declared: &IndexMap<CompactString, Param>,
    set: &IndexMap<CompactString, (Span, Node)>,
    scope: &Scope<'_>,
    overrides: &std::collections::BTreeMap<String, fieldline_core::Value>,
    diagnostics: &mut Diagnostics,
) -> Binding {
    let mut binding = Binding { bound: Bound::new(), missing: Vec::new() };
    for (name, (span, _)) in set.iter().filter(|(name, _)| !declared.contains_key(*name)) {
        diagnostics.unknown_param(*span, name, declared.keys().map(CompactString::as_str));
    }
    for (name, param) in declared {
        let written = set.get(name).map(|(_, value)| value);
        let overridden = overrides.get(name.as_str()).map(|value| {
            let span = written.map_or(param.span, |value| value.span);
            Node::from_value(value, span)
        });
        let Some(raw) = overridden.as_ref().or(written).or(param.default.as_ref()) else {
            binding.missing.push((name.clone(), param.span));
            binding.bound.insert(name.clone(), Some(stand_in(param)));
            continue;
        };
        let errors = diagnostics.errors();
        let mut value = interpolate(raw, scope, diagnostics);
        if diagnostics.errors() == errors && !matches!(value.content, Content::Null) {
            coerce(param, &mut value);
            conforms(name, param, &value, diagnostics);
        }
        if param.secret {
            let known = value.is_secret();
            if !known && overridden.is_none() {
                scope.secrets.borrow_mut().add_written(raw.span);
            }
            conceal(&mut value, scope);
        }
        binding.bound.insert(name.clone(), (diagnostics.errors() == errors).then_some(value));
    }
    binding
}

/// Marks every leaf as secret.
fn conceal(value: &mut Node, scope: &Scope<'_>) {
    match &mut value.content {
        Content::List(list) => list.iter_mut().for_each(|element| conceal(element, scope)),
        Content::Map(members) => members.values_mut().for_each(|member| conceal(&mut member.value, scope)),
        Content::Text(text, _) => scope.secrets.borrow_mut().add(text.as_str()),
        Content::Int(number) => scope.secrets.borrow_mut().add(number.to_string()),
        _ => {}
    }
    let filled = value.filled.as_deref().cloned().unwrap_or_default();
    value.filled = Some(Arc::new(Filled { secret: true, ..filled }));
}

/// Turns text from the environment into what the param's type makes of it.
fn coerce(param: &Param, value: &mut Node) {
    let variable = value.filled.as_ref().is_some_and(|filled| filled.variable);
    let Some(text) = value.as_text().filter(|_| variable).map(str::trim) else { return };
    let typed = match param.kind {
        "integer" => text.parse().ok().map(Content::Int),
        "number" => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Content::Float),
        "boolean" => text.parse().ok().map(Content::Bool),
        _ => None,
    };
    if let Some(content) = typed {
        value.content = content;
    }
}

/// Complains where a value does not conform to its param.
pub(super) fn conforms(name: &str, param: &Param, value: &Node, diagnostics: &mut Diagnostics) {
    let declared = Declared { name, span: param.span, kind: param.kind, secret: param.secret };
    let right = match (param.kind, &value.content) {
        ("string", Content::Text(..))
        | ("integer", Content::Int(_))
        | ("number", Content::Int(_) | Content::Float(_))
        | ("boolean", Content::Bool(_))
        | ("list", Content::List(_))
        | ("map", Content::Map(_)) => true,
        ("duration" | "size", Content::Text(text, _)) => match unit_error(param.kind, text) {
            None => true,
            Some(message) => {
                diagnostics.bad_param_value(value, declared, &message);
                return;
            }
        },
        _ => false,
    };
    if !right {
        diagnostics.wrong_param_type(value, declared);
        return;
    }
    if let Some(amount) = amount(param.kind, value) {
        if let Some(limit) = param.min.as_ref().filter(|limit| amount < limit.amount) {
            diagnostics.param_beyond(value, declared, "at least", &limit.text);
        }
        if let Some(limit) = param.max.as_ref().filter(|limit| amount > limit.amount) {
            diagnostics.param_beyond(value, declared, "at most", &limit.text);
        }
    }
    if let (Some((pattern, text)), Some(value_text)) = (&param.pattern, value.as_text())
        && !pattern.is_match(value_text)
    {
        diagnostics.param_no_match(value, declared, text);
    }
    let same = |choice: &Node| choice.to_value().same(&value.to_value());
    if !param.choices.is_empty() && !param.choices.iter().any(same) {
        diagnostics.param_no_choice(value, declared, &param.choices);
    }
}

fn unit_error(kind: &str, text: &str) -> Option<String> {
    match kind {
        "duration" => text.parse::<Period>().err().map(|error| error.to_string()),
        _ => text.parse::<Size>().err().map(|error| error.to_string()),
    }
}

/// The amount a value of `kind` is, for comparing: the number, nanoseconds, or bytes.
pub(super) fn amount(kind: &str, value: &Node) -> Option<f64> {
    match (kind, &value.content) {
        ("integer" | "number", Content::Int(number)) => Some(*number as f64),
        ("number", Content::Float(number)) => Some(*number),
        ("duration", Content::Text(text, _)) => {
            text.parse::<Period>().ok().map(|period| period.0.as_nanos() as f64)
        }
        ("size", Content::Text(text, _)) => text.parse::<Size>().ok().map(|size| size.0 as f64),
        _ => None,
    }
}
