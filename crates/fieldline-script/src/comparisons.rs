//! `<`, `<=`, `>` and `>=`. The interpreter's own say "false" for values of different kinds, so that a
//! misspelt field would silently be below every limit. Ours know numbers, strings and characters, and
//! for everything else there is none, which is an error.

use std::cmp::Ordering;

use rhai::{Engine, Module};

/// Whether an operator holds for two values that stand in this order.
type Holds = fn(Ordering) -> bool;

/// The operators, and which order of their operands each is true for.
const OPERATORS: [(&str, Holds); 4] =
    [("<", Ordering::is_lt), ("<=", Ordering::is_le), (">", Ordering::is_gt), (">=", Ordering::is_ge)];

/// How tightly the interpreter binds comparisons.
const PRECEDENCE: u8 = 110;

/// Registers the operators' functions.
pub(crate) fn fill(library: &mut Module) {
    for (name, holds) in OPERATORS {
        library.set_native_fn(name, move |left: i64, right: i64| Ok(holds(left.cmp(&right))));
        library.set_native_fn(name, move |left: f64, right: f64| Ok(compare(left, right, holds)));
        library.set_native_fn(name, move |left: i64, right: f64| Ok(compare(left as f64, right, holds)));
        library.set_native_fn(name, move |left: f64, right: i64| Ok(compare(left, right as f64, holds)));
        library.set_native_fn(name, move |left: &str, right: &str| Ok(holds(left.cmp(right))));
        library.set_native_fn(name, move |left: char, right: char| Ok(holds(left.cmp(&right))));
    }
}

/// Makes an engine use them instead of its own.
pub(crate) fn bind(engine: &mut Engine) {
    for (name, _) in OPERATORS {
        engine.disable_symbol(name);
        engine.register_custom_operator(name, PRECEDENCE).expect("the operator was disabled just above");
    }
}

/// Nothing holds for a NaN.
fn compare(left: f64, right: f64, holds: Holds) -> bool {
    left.partial_cmp(&right).is_some_and(holds)
}
