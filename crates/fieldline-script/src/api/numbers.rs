//! Arithmetic.

use rhai::{Array, Dynamic, EvalAltResult, Position};

use super::{Binding, Function};
use crate::division::{divide, not_zero};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "clamp",
        signature: "clamp(x, low, high)",
        summary: "`x`, but not below `low` and not above `high`.",
        example: "clamp(12.5, 0.0, 10.0) == 10.0 && clamp(-3, 0, 10) == 0",
        binding: Binding::Shared(|library| {
            library.set_native_fn("clamp", |x: i64, low: i64, high: i64| -> Fallible<i64> {
                ordered(low, high)?;
                Ok(x.clamp(low, high))
            });
            library.set_native_fn("clamp", |x: Dynamic, low: Dynamic, high: Dynamic| -> Fallible<f64> {
                let (x, low, high) = (number(&x)?, number(&low)?, number(&high)?);
                ordered(low, high)?;
                Ok(x.clamp(low, high))
            });
        }),
    },
    Function {
        name: "div",
        signature: "div(x, y)",
        summary: "How often `y` fits into `x`, as a whole number; `x % y` is the rest. `x / y` always keeps the \
                  fraction: `7 / 2` is 3.5, as `7.0 / 2` is, and `6 / 2` is 3.0, which is no index of a list.",
        example: "div(7, 2) == 3 && div(-7.5, 2) == -3 && 7 / 2 == 3.5",
        binding: Binding::Shared(|library| {
            library.set_native_fn("div", |x: Dynamic, y: Dynamic| whole(&x, &y));
        }),
    },
    Function {
        name: "round",
        signature: "round(x, digits)",
        summary: "`x` with so many digits after the point, halves away from zero; -1 rounds to tens.",
        example: "round(21.5678, 1) == 21.6 && round(1234.0, -2) == 1200.0",
        binding: Binding::Shared(|library| {
            library.set_native_fn("round", |x: Dynamic, digits: i64| round(number(&x)?, digits));
        }),
    },
    Function {
        name: "abs",
        signature: "abs(x)",
        summary: "`x` without its sign.",
        example: "abs(-2.5) == 2.5",
        binding: Binding::BuiltIn,
    },
    Function {
        name: "min",
        signature: "min(x, y)",
        summary: "The smaller of two numbers.",
        example: "min(3, 5) == 3",
        binding: Binding::BuiltIn,
    },
    Function {
        name: "max",
        signature: "max(x, y)",
        summary: "The larger of two numbers.",
        example: "max(3, 5) == 5",
        binding: Binding::BuiltIn,
    },
    Function {
        name: "sqrt",
        signature: "sqrt(x)",
        summary: "The square root of a number with a fraction. The interpreter also has `exp`, `ln`, `log`, \
                  `sin`, `cos`, `tan`, `hypot`, `floor`, `ceiling`, `int` and `to_float`.",
        example: "sqrt(9.0) == 3.0",
        binding: Binding::BuiltIn,
    },
    Function {
        name: "sum",
        signature: "sum(list)",
        summary: "The sum of a list of numbers; 0 for an empty one.",
        example: "sum([1, 2.5]) == 3.5",
        binding: Binding::Shared(|library| {
            library.set_native_fn("sum", |list: Array| Ok(numbers(&list)?.iter().sum::<f64>()));
        }),
    },
    Function {
        name: "mean",
        signature: "mean(list)",
        summary: "The arithmetic mean of a list of numbers, which must not be empty.",
        example: "mean([20.0, 21.0, 22.0]) == 21.0",
        binding: Binding::Shared(|library| {
            library.set_native_fn("mean", |list: Array| mean(&numbers(&list)?));
        }),
    },
    Function {
        name: "deviation",
        signature: "deviation(list)",
        summary: "The standard deviation of a list of numbers taken as the whole population.",
        example: "deviation([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]) == 2.0",
        binding: Binding::Shared(|library| {
            library.set_native_fn("deviation", |list: Array| -> Fallible<f64> {
                let numbers = numbers(&list)?;
                let mean = mean(&numbers)?;
                let squares = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
                Ok((squares / numbers.len() as f64).sqrt())
            });
        }),
    },
    Function {
        name: "rescale",
        signature: "rescale(x, from_low, from_high, to_low, to_high)",
        summary: "Maps `x` on a straight line from one range to another, such as 4 to 20 mA to 0 to 10 bar.",
        example: "rescale(12.0, 4.0, 20.0, 0.0, 10.0) == 5.0",
        binding: Binding::Shared(|library| {
            library.set_native_fn(
                "rescale",
                |x: Dynamic, low: Dynamic, high: Dynamic, to_low: Dynamic, to_high: Dynamic| {
                    let (low, high) = (number(&low)?, number(&high)?);
                    let (to_low, to_high) = (number(&to_low)?, number(&to_high)?);
                    Ok(to_low + (number(&x)? - low) / (high - low) * (to_high - to_low))
                },
            );
        }),
    },
];

/// How often `right` fits into `left`, towards 0, so that `%` is the rest.
fn whole(left: &Dynamic, right: &Dynamic) -> Fallible<i64> {
    let too_large = || "the result is too large for a whole number";
    if let (Ok(left), Ok(right)) = (left.as_int(), right.as_int()) {
        not_zero(right == 0)?;
        return Ok(left.checked_div(right).ok_or_else(too_large)?);
    }
    let quotient = divide(number(left)?, number(right)?)?.trunc();
    if quotient.is_nan() || quotient.abs() >= i64::MAX as f64 {
        return Err(too_large().into());
    }
    Ok(quotient as i64)
}

/// The number in `value`, whole or not.
pub(super) fn number(value: &Dynamic) -> Fallible<f64> {
    if let Ok(whole) = value.as_int() {
        return Ok(whole as f64);
    }
    value.as_float().map_err(|kind| {
        EvalAltResult::ErrorMismatchDataType("f64".into(), kind.into(), Position::NONE).into()
    })
}

fn numbers(list: &Array) -> Fallible<Vec<f64>> {
    list.iter().map(number).collect()
}

fn mean(numbers: &[f64]) -> Fallible<f64> {
    if numbers.is_empty() {
        return Err("an empty list has no mean".into());
    }
    Ok(numbers.iter().sum::<f64>() / numbers.len() as f64)
}

fn ordered<T: PartialOrd>(low: T, high: T) -> Fallible<()> {
    if low <= high { Ok(()) } else { Err("`low` is above `high`".into()) }
}

fn round(x: f64, digits: i64) -> Fallible<f64> {
    // More digits than a number has change nothing, and the factor stays finite.
    let Ok(digits @ -300..=300) = i32::try_from(digits) else {
        return Err("`digits` is between -300 and 300".into());
    };
    if digits < 0 {
        let factor = 10f64.powi(-digits);
        return Ok((x / factor).round() * factor);
    }
    let factor = 10f64.powi(digits);
    let rounded = (x * factor).round() / factor;
    Ok(if rounded.is_finite() { rounded } else { x })
}
