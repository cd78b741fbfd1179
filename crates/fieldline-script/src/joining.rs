//! `+` and `+=` of a text and something that is none. The interpreter's own make a text of whatever stands beside one,
//! so that `this.count + 1` would be 21 where a sender writes `"2"`. Ours refuse it; two texts, which the
//! interpreter joins by itself, and two numbers never come here.

use rhai::{Dynamic, EvalAltResult, ImmutableString, Module, Position};

type Fallible = Result<Dynamic, Box<EvalAltResult>>;

/// Puts ours in place of the interpreter's.
pub(crate) fn fill(library: &mut Module) {
    library.set_native_fn("+", |text: ImmutableString, other: Dynamic| refused(&text.into(), &other));
    library.set_native_fn("+", |other: Dynamic, text: ImmutableString| refused(&other, &text.into()));
    library.set_native_fn("+=", |text: &mut ImmutableString, other: Dynamic| -> Fallible {
        refused(&text.clone().into(), &other)
    });
}

/// Whether the interpreter's words for an operation that is not there, `+ (string, i64)`, are about such a pair.
pub(crate) fn is_mixed(signature: &str) -> bool {
    let kinds = signature.strip_prefix("+ (").and_then(|kinds| kinds.strip_suffix(')'));
    kinds.and_then(|kinds| kinds.split_once(", ")).is_some_and(|(left, right)| {
        let number = |kind| ["i64", "f64"].contains(&kind);
        left == "string" && number(right) || number(left) && right == "string"
    })
}

fn refused(left: &Dynamic, right: &Dynamic) -> Fallible {
    let signature = format!("+ ({}, {})", left.type_name(), right.type_name());
    Err(EvalAltResult::ErrorFunctionNotFound(signature, Position::NONE).into())
}
