//! From raw YAML to a typed value. Everything wrong with it is reported at once: what does not fit is complained about,
//! taken out, and the rest read again.

use std::collections::BTreeSet;

use fieldline_core::read::{Mismatch, ReadError};
use fieldline_core::suggest::nearest;
use fieldline_core::{FieldPath, Kind, Map, Value};

use crate::diagnostics::Diagnostics;
use crate::nodes::fields::Fields;
use crate::nodes::spec::{NodeSpec, POLICY};
use crate::text::node::Node;

/// How often a node is read again after something was taken out of it.
const MAX_READS: usize = 32;

/// Reads `node` until nothing is wrong or nothing more can be learnt.
pub(crate) fn read_all<T>(
    spec: &NodeSpec,
    node: &Node,
    what: &str,
    cx: &Fields<'_>,
    diagnostics: &mut Diagnostics,
    read: impl Fn(&Value) -> Result<T, ReadError>,
) -> Option<T> {
    let mut value = node.to_value();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut typos: Vec<(FieldPath, &'static str)> = Vec::new();
    for _ in 0..MAX_READS {
        let error = match read(&value) {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let (place, stand_in) = match &error.mismatch {
            Mismatch::MissingField(name) => (error.field.key(name), true),
            _ => (error.field.clone(), false),
        };
        if seen.insert(place.to_string()) {
            let renamed = matches!(&error.mismatch, Mismatch::MissingField(name)
                if typos.iter().any(|(parent, meant)| *parent == error.field && meant == name));
            if let Mismatch::UnknownField(name, known) = &error.mismatch
                && let Some(meant) = nearest(name, known.iter().copied())
            {
                typos.push((parent(&error.field), meant));
            }
            if !renamed {
                mismatch(spec, node, what, &error, cx, diagnostics);
            }
        }
        if !mend(&mut value, &place, stand_in, &read) {
            return None;
        }
    }
    None
}

fn parent(path: &FieldPath) -> FieldPath {
    let steps = path.steps();
    FieldPath::root().join(&steps[..steps.len().saturating_sub(1)])
}

/// Takes what does not fit out of the value, or puts something in for what is missing, so that reading gets
/// further; `false` when it does not.
fn mend<T>(
    value: &mut Value,
    place: &FieldPath,
    stand_in: bool,
    read: &impl Fn(&Value) -> Result<T, ReadError>,
) -> bool {
    if !stand_in && place.remove(value).is_some() {
        return true;
    }
    let beyond = |value: &Value| match read(value) {
        Ok(_) => true,
        Err(error) => !error.field.steps().starts_with(place.steps()),
    };
    let stand_ins = [
        Value::from("a"),
        Value::Int(1),
        Value::from("1s"),
        Value::from("1MiB"),
        Value::Bool(true),
        Value::List(Vec::new()),
        Value::Map(Map::default()),
    ];
    stand_ins.into_iter().any(|stand_in| place.set(value, stand_in) && beyond(value))
}

fn mismatch(
    spec: &NodeSpec,
    root: &Node,
    what: &str,
    error: &ReadError,
    cx: &Fields<'_>,
    diagnostics: &mut Diagnostics,
) {
    // What is wrong with a node as a whole is shown at its name.
    let node = root.at(&error.field).filter(|_| !error.field.steps().is_empty());
    let secret = node.is_some_and(Node::is_secret);
    let within =
        if error.field.steps().len() < 2 { what.to_owned() } else { format!("`{}`", parent(&error.field)) };
    match &error.mismatch {
        Mismatch::UnknownField(name, known) => {
            let mut known = known.to_vec();
            if error.field.steps().len() == 1 {
                known.push("type");
                known.extend(matches!(spec.kind, Kind::Transform | Kind::Sink).then_some("inputs"));
                let definition = spec.definition;
                known.extend(definition.is_some_and(|definition| definition.uses_with).then_some("with"));
                let has_settings = definition.is_some_and(|definition| !definition.settings.is_empty());
                known.extend(has_settings.then_some("control"));
                known.extend(POLICY.iter().filter(|_| spec.kind == Kind::Sink));
            }
            let meant = nearest(name, known.iter().copied());
            diagnostics.unknown_field(cx.key(spec, &error.field), name, &within, meant, &known);
        }
        Mismatch::MissingField(name) => {
            let container =
                if error.field.steps().is_empty() { what.to_owned() } else { format!("`{}`", error.field) };
            diagnostics.missing_field(cx.key(spec, &error.field), name, &container);
        }
        Mismatch::UnknownVariant(word, known) => {
            let span = node.map_or(spec.span, |node| node.span);
            diagnostics.unknown_variant(
                span,
                node.filter(|_| !secret),
                word,
                nearest(word, known.iter().copied()),
                known,
            );
        }
        Mismatch::WrongType(found, expected) => {
            let span = node.map_or(spec.span, |node| node.span);
            diagnostics.mismatched(span, node, if secret { "a secret" } else { found }, expected);
        }
        Mismatch::Problems(problems) => {
            for problem in problems {
                let (span, node) = cx.place(spec.span, &problem.place);
                match node.is_some_and(Node::is_secret) {
                    true => diagnostics.refused_secret_value(span),
                    false => diagnostics.component_problem(span, node, problem),
                }
            }
        }
        Mismatch::Refused(message) if secret => {
            let _ = message;
            diagnostics.refused_secret_value(node.map_or(spec.span, |node| node.span));
        }
        Mismatch::Refused(message) => match node {
            Some(node) => diagnostics.bad_value(node, message),
            None => diagnostics.bad_node(spec.span, message),
        },
    }
}
