//! Functions of the interpreter that could make far more than a script may hold before the interpreter looks at it. These,
//! which take their place, look first.

use std::sync::Arc;

use rhai::{
    Array, Dynamic, Engine, EvalAltResult, FnPtr, FuncRegistration, ImmutableString, NativeCallContext,
    Position,
};

use crate::run::Desk;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// Puts ours in front of the interpreter's.
pub(crate) fn bind(engine: &mut Engine, desk: &Arc<Desk>) {
    bind_closures(engine, desk);
    bind_replacements(engine);
}

/// One that may be called on a constant.
fn pure(name: &str) -> FuncRegistration {
    FuncRegistration::new(name).with_purity(true)
}

fn bind_closures(engine: &mut Engine, desk: &Arc<Desk>) {
    let at = desk.clone();
    pure("map").register_into_engine(
        engine,
        move |cx: NativeCallContext, list: &mut Array, function: FnPtr| {
            let results = list.iter_mut().enumerate().map(|(index, item)| {
                function.call_raw_with_extra_args("map", &cx, Some(item), [], [number(index)], Some(0))
            });
            gathered(&at, results)
        },
    );
    let at = desk.clone();
    pure("zip").register_into_engine(
        engine,
        move |cx: NativeCallContext, list: &mut Array, other: Array, function: FnPtr| {
            let pairs = list.iter().zip(other).enumerate();
            let results = pairs.map(|(index, (left, right))| {
                let pair = [left.clone(), right];
                function.call_raw_with_extra_args("zip", &cx, None, pair, [number(index)], None)
            });
            gathered(&at, results)
        },
    );
}

fn bind_replacements(engine: &mut Engine) {
    engine.register_fn(
        "replace",
        |cx: NativeCallContext, text: &mut ImmutableString, from: &str, to: &str| {
            replace(&cx, text, from, to)
        },
    );
    engine.register_fn(
        "replace",
        |cx: NativeCallContext, text: &mut ImmutableString, from: &str, to: char| {
            replace(&cx, text, from, to.encode_utf8(&mut [0; 4]))
        },
    );
    engine.register_fn(
        "replace",
        |cx: NativeCallContext, text: &mut ImmutableString, from: char, to: &str| {
            replace(&cx, text, from.encode_utf8(&mut [0; 4]), to)
        },
    );
    engine.register_fn(
        "replace",
        |cx: NativeCallContext, text: &mut ImmutableString, from: char, to: char| {
            replace(&cx, text, from.encode_utf8(&mut [0; 4]), to.encode_utf8(&mut [0; 4]))
        },
    );
}

/// The results in a list, which may not grow beyond what all variables may hold.
fn gathered(desk: &Desk, results: impl ExactSizeIterator<Item = Fallible<Dynamic>>) -> Fallible<Array> {
    let mut list = Array::with_capacity(results.len());
    let mut size = 0;
    for result in results {
        let result = result?;
        size += desk.guard.measure(&result)?;
        if desk.guard.exceeds(size) {
            return Err(too_large("Size of array/BLOB"));
        }
        list.push(result);
    }
    Ok(list)
}

/// The length of the result is known before it is made.
fn replace(cx: &NativeCallContext, text: &mut ImmutableString, from: &str, to: &str) -> Fallible<()> {
    let places = text.matches(from).count();
    let length = text.len() - places * from.len() + places.saturating_mul(to.len());
    if length > cx.engine().max_string_size() {
        return Err(too_large("Length of string"));
    }
    // The interpreter leaves an empty text as it is.
    if !text.is_empty() && places > 0 {
        *text = text.replace(from, to).into();
    }
    Ok(())
}

fn number(index: usize) -> Dynamic {
    i64::try_from(index).unwrap_or(i64::MAX).into()
}

/// In the interpreter's words, which [`explain`](crate::explain) knows.
fn too_large(what: &str) -> Box<EvalAltResult> {
    EvalAltResult::ErrorDataTooLarge(what.to_owned(), Position::NONE).into()
}
