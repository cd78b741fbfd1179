//! The functions a script can call, beside the interpreter's own. One table says everything about each:
//! how it is called, what it does, an example that is run as a test, and how it is registered.

mod events;

mod numbers;

mod times;

mod units;

use std::sync::Arc;

use rhai::{Engine, Module};

use crate::run::Desk;

/// One function, as the reference page shows it.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is called: `clamp(x, low, high)`.
    pub signature: &'static str,
    /// What it does, in one or two sentences.
    pub summary: &'static str,
    /// A script; one that is an expression is true.
    pub example: &'static str,
    binding: Binding,
}

/// Where a function comes from.
#[derive(Debug)]
enum Binding {
    /// The interpreter has it.
    BuiltIn,
    /// It needs only its arguments and is shared by all scripts.
    Shared(fn(&mut Module)),
    /// It needs the event at hand.
    PerScript(fn(&mut Engine, &Arc<Desk>)),
}

/// The functions of the interpreter, for the reference page: a line `# TITLE` begins a group, any other is
/// `NAMES :: EXAMPLE :: MEANING`, where the example is an expression. A test holds it against what is registered.
pub const INTERPRETER: &str = include_str!("interpreter.txt");

/// All functions, in the order of the reference page.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    [events::FUNCTIONS, numbers::FUNCTIONS, times::FUNCTIONS, units::FUNCTIONS].into_iter().flatten()
}

/// Registers what all scripts share.
pub(crate) fn fill(library: &mut Module) {
    for function in functions() {
        if let Binding::Shared(register) = function.binding {
            register(library);
        }
    }
}

/// Registers what answers to `desk`.
pub(crate) fn bind(engine: &mut Engine, desk: &Arc<Desk>) {
    for function in functions() {
        if let Binding::PerScript(register) = function.binding {
            register(engine, desk);
        }
    }
}
