//! Reads the `params:` of a template: names, types and what values are allowed.

use compact_str::CompactString;
use fieldline_core::suggest::nearest;
use indexmap::IndexMap;

use crate::diagnostics::Diagnostics;
use crate::names;
use crate::params::bind::{amount, conforms};
use crate::params::{Limit, Param, TYPES};
use crate::text::files::Span;
use crate::text::node::{Content, Member, Members, Node};

const FIELDS: [&str; 9] =
    ["type", "default", "min", "max", "pattern", "choices", "description", "unit", "secret"];

/// The declared params, by name. A param that is wrong in itself is complained about and left out.
pub(crate) fn declare(node: &Node, diagnostics: &mut Diagnostics) -> IndexMap<CompactString, Param> {
    let mut params = IndexMap::new();
    let Some(members) = node.as_map() else {
        if !matches!(node.content, Content::Null) {
            diagnostics.wrong_shape(node.span, "params", "a map of names and their types", node.kind());
        }
        return params;
    };
    for (name, member) in members {
        if !names::is_id(name) {
            diagnostics.bad_name(member.key, "param", name);
            continue;
        }
        let Some(fields) = member.value.as_map() else {
            diagnostics.undeclared_type(member.value.span, name, &TYPES);
            continue;
        };
        if let Some(param) = param(name, member.key, fields, diagnostics) {
            params.insert(name.clone(), param);
        }
    }
    params
}

fn param(name: &str, span: Span, fields: &Members, diagnostics: &mut Diagnostics) -> Option<Param> {
    let errors = diagnostics.errors();
    for (field, member) in fields {
        if !FIELDS.contains(&field.as_str()) {
            diagnostics.unknown_field(
                member.key,
                field,
                &format!("param `{name}`"),
                nearest(field, FIELDS),
                &FIELDS,
            );
        }
    }
    let Some(kind) = fields.get("type") else {
        diagnostics.undeclared_type(span, name, &TYPES);
        return None;
    };
    let word = kind.value.as_text().unwrap_or_default();
    let Some(kind) = TYPES.into_iter().find(|known| *known == word) else {
        diagnostics.unknown_param_type(kind.value.span, word, nearest(word, TYPES), &TYPES);
        return None;
    };
    let text = |field: &str, diagnostics: &mut Diagnostics| {
        let node = &fields.get(field)?.value;
        if node.as_text().is_none() {
            diagnostics.wrong_type(node, "a string");
        }
        node.as_text().map(str::to_owned)
    };
    let mut param = Param {
        span,
        kind,
        default: None,
        min: limit(kind, fields.get("min"), diagnostics),
        max: limit(kind, fields.get("max"), diagnostics),
        pattern: None,
        choices: Vec::new(),
        description: text("description", diagnostics),
        unit: text("unit", diagnostics),
        secret: secret(fields.get("secret"), diagnostics),
    };
    if let Some(pattern) = fields.get("pattern") {
        param.pattern = compiled(kind, &pattern.value, diagnostics);
    }
    if let Some(choices) = fields.get("choices") {
        param.choices = allowed(&choices.value, kind, diagnostics);
    }
    if let Some(default) = fields.get("default") {
        let raw = default.value.as_text().is_some_and(|text| text.contains("${"));
        if !raw && !matches!(default.value.content, Content::Null) {
            conforms(name, &param, &default.value, diagnostics);
        }
        param.default = Some(default.value.clone());
    }
    (diagnostics.errors() == errors).then_some(param)
}

fn limit(kind: &str, member: Option<&Member>, diagnostics: &mut Diagnostics) -> Option<Limit> {
    let node = &member?.value;
    match amount(kind, node) {
        Some(amount) => {
            let text = match &node.content {
                Content::Int(number) => number.to_string(),
                Content::Float(number) => number.to_string(),
                _ => node.as_text().unwrap_or_default().to_owned(),
            };
            Some(Limit { amount, text })
        }
        None => {
            diagnostics.bad_limit(node.span, kind);
            None
        }
    }
}

fn secret(member: Option<&Member>, diagnostics: &mut Diagnostics) -> bool {
    match member.map(|member| (&member.value.content, &member.value)) {
        None => false,
        Some((Content::Bool(truth), _)) => *truth,
        Some((_, node)) => {
            diagnostics.wrong_type(node, "a boolean");
            false
        }
    }
}

fn compiled(kind: &str, node: &Node, diagnostics: &mut Diagnostics) -> Option<(regex_lite::Regex, String)> {
    let text = node.as_text().filter(|_| kind == "string");
    let pattern =
        text.and_then(|text| Some((regex_lite::Regex::new(&format!("^(?:{text})$")).ok()?, text.into())));
    if pattern.is_none() {
        diagnostics.bad_pattern(node.span, kind);
    }
    pattern
}

fn allowed(node: &Node, kind: &str, diagnostics: &mut Diagnostics) -> Vec<Node> {
    let list = node.as_list().unwrap_or_default();
    if list.is_empty() || matches!(kind, "list" | "map") {
        diagnostics.bad_choices(node.span, kind);
    }
    list.to_vec()
}
