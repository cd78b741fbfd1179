//! `/`. The interpreter's own drops the fraction where both numbers happen to be whole, so that a reading would depend
//! on whether its sender writes `1500` or `1500.0`. Ours keeps it always, and refuses a divisor of 0 always.

use rhai::{Engine, EvalAltResult, Module, Token};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// The operator's name inside the interpreter, which no script can write.
pub(crate) const NAME: &str = "÷";

/// How tightly the interpreter binds `/`, as it does `*`.
const PRECEDENCE: u8 = 180;

/// Registers the operator's functions.
pub(crate) fn fill(library: &mut Module) {
    library.set_native_fn(NAME, |left: i64, right: i64| divide(left as f64, right as f64));
    library.set_native_fn(NAME, divide);
    library.set_native_fn(NAME, |left: i64, right: f64| divide(left as f64, right));
    library.set_native_fn(NAME, |left: f64, right: i64| divide(left, right as f64));
}

/// Makes an engine use them: the interpreter answers its own token by itself, whatever is registered for it. `/=`,
/// which it would go on doing itself, is refused.
pub(crate) fn bind(engine: &mut Engine) {
    engine.disable_symbol("/=");
    engine.register_custom_operator(NAME, PRECEDENCE).expect("no token of the language has this name");
}

/// What is read instead of `token`.
pub(crate) fn read(token: Token) -> Token {
    if token == Token::Divide { Token::Custom(Box::new(NAME.into())) } else { token }
}

/// The quotient with its fraction.
///
/// # Errors
/// A divisor of 0.
pub(crate) fn divide(left: f64, right: f64) -> Fallible<f64> {
    not_zero(right == 0.0)?;
    Ok(left / right)
}

/// Refuses a divisor of 0.
///
/// # Errors
/// If it is one.
pub(crate) fn not_zero(is_zero: bool) -> Fallible<()> {
    if is_zero { Err("division by zero".into()) } else { Ok(()) }
}
