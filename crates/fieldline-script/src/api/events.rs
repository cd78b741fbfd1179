//! What a script decides about its event.

use rhai::{Dynamic, EvalAltResult};

use super::{Binding, Function};
use crate::run::Ending;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "discard",
        signature: "discard() or discard(reason)",
        summary: "Drops the event on purpose and ends the script. A reason that is written as a plain string \
                  is counted by itself, any other as `script`.",
        example: r#"if this.temperature < -40.0 { discard("out_of_range") }"#,
        binding: Binding::PerScript(|engine, desk| {
            let (plain, reasoned) = (desk.clone(), desk.clone());
            engine.register_fn("discard", move || -> Fallible<()> { Err(plain.end(Ending::Discard(None))) });
            engine.register_fn("discard", move |reason: &str| -> Fallible<()> {
                Err(reasoned.end(Ending::Discard(Some(reason.to_owned()))))
            });
        }),
    },
    Function {
        name: "emit",
        signature: "emit(body)",
        summary: "Sends a further event with this body, before the event itself. The event itself still goes \
                  on: to split one into many, emit the parts and end with `discard()`.",
        example: r#"for name in ["temperature", "humidity"] { emit(#{ name: name, value: this[name] }) }"#,
        binding: Binding::PerScript(|engine, desk| {
            let desk = desk.clone();
            engine.register_fn("emit", move |body: Dynamic| -> Fallible<()> { desk.emit(body.flatten()) });
        }),
    },
    Function {
        name: "fail",
        signature: "fail(message)",
        summary: "Fails the event and ends the script: the event goes to the dead letters with this message. \
                  `throw` does the same, but can be caught.",
        example: r#"if type_of(this.temperature) == "string" { fail("a number was expected") }"#,
        binding: Binding::PerScript(|engine, desk| {
            let desk = desk.clone();
            engine.register_fn("fail", move |message: &str| -> Fallible<()> {
                Err(desk.end(Ending::Fail(message.to_owned())))
            });
        }),
    },
    Function {
        name: "default",
        signature: "default(x, fallback)",
        summary: "`x`, or `fallback` where `x` is null or a field that is not there. The same as `x ?? fallback`.",
        example: "default(this.missing, 20.0) == 20.0",
        binding: Binding::Shared(|library| {
            library.set_native_fn("default", |value: Dynamic, fallback: Dynamic| -> Fallible<Dynamic> {
                Ok(if value.is_unit() { fallback } else { value })
            });
        }),
    },
    Function {
        name: "is_number",
        signature: "is_number(x)",
        summary: "Whether `x` is a number, whole or not, and neither infinite nor the result of `sqrt(-1.0)`.",
        example: "is_number(21.5) && is_number(3) && !is_number(\"21.5\") && !is_number(())",
        binding: Binding::Shared(|library| {
            library.set_native_fn("is_number", |value: Dynamic| -> Fallible<bool> {
                Ok(value.is_int() || value.as_float().is_ok_and(f64::is_finite))
            });
        }),
    },
];
