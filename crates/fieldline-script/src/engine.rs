//! The interpreter: one library of functions for the whole process, and one light engine per script.
//!
//! Most of an engine's memory is its library, which all scripts share. What differs (limits, imports, the
//! event at hand) sits in an engine of its own, so no script can see another. The interpreter's packages
//! are chosen one by one: those left out hold `sleep`, `exit`, the clock and reflection.

use std::sync::{Arc, OnceLock};

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicBlobPackage, BasicIteratorPackage, BasicMapPackage,
    BasicMathPackage, BasicStringPackage, BitFieldPackage, LogicPackage, MoreStringPackage, Package,
};
use rhai::{Dynamic, Engine, EvalAltResult, Module, OptimizationLevel, Token};

use crate::limits::Limits;
use crate::run::Desk;
use crate::{api, comparisons, division, joining, natives};

/// An engine for one script, whose functions answer to `desk`.
pub(crate) fn engine(limits: &Limits, desk: &Arc<Desk>) -> Engine {
    let mut engine = Engine::new_raw();
    engine.register_global_module(library());
    limits.apply(&mut engine);
    engine.set_strict_variables(true).set_optimization_level(OptimizationLevel::None).disable_symbol("eval");
    read_tokens_our_way(&mut engine);
    comparisons::bind(&mut engine);
    guard_variables(&mut engine, desk);
    count_steps(&mut engine, desk);
    let (printer, debugger) = (desk.clone(), desk.clone());
    engine.on_print(move |text| printer.print(text));
    engine.on_debug(move |text, _, _| debugger.print(text));
    natives::bind(&mut engine, desk);
    api::bind(&mut engine, desk);
    engine
}

/// The functions that need nothing but their arguments; made once.
fn library() -> Arc<Module> {
    static LIBRARY: OnceLock<Arc<Module>> = OnceLock::new();
    let make = || {
        let mut library = Module::new();
        ArithmeticPackage::init(&mut library);
        BasicArrayPackage::init(&mut library);
        BasicBlobPackage::init(&mut library);
        BasicIteratorPackage::init(&mut library);
        BasicMapPackage::init(&mut library);
        BasicMathPackage::init(&mut library);
        BasicStringPackage::init(&mut library);
        BitFieldPackage::init(&mut library);
        LogicPackage::init(&mut library);
        MoreStringPackage::init(&mut library);
        comparisons::fill(&mut library);
        division::fill(&mut library);
        joining::fill(&mut library);
        api::fill(&mut library);
        library.build_index();
        library.into()
    };
    LIBRARY.get_or_init(make).clone()
}

/// The interpreter allows `this` in functions only. Here the whole script is about `this`, so the word is
/// read as the name of a variable, everywhere: in a function it is then as unknown as any other
/// variable of the body, and in a closure it is captured like any other. `default` is one of our functions.
/// `/` is our operator, see [`division`].
#[expect(deprecated, reason = "marked so by the interpreter only to say that it may change")]
pub(crate) fn read_tokens_our_way(engine: &mut Engine) {
    division::bind(engine);
    engine.on_parse_token(|token, _, _| match token {
        Token::Reserved(name) if ["this", "default"].contains(&name.as_str()) => Token::Identifier(name),
        token => division::read(token),
    });
}

/// The interpreter's own count is not used: it forgets the steps of what a native function calls, such as `==` for each
/// element of a list and a closure given to `map`.
fn count_steps(engine: &mut Engine, desk: &Arc<Desk>) {
    let desk = desk.clone();
    engine.on_progress(move |_| desk.meter.step().err().map(|exhausted| exhausted.token().into()));
}

#[expect(deprecated, reason = "marked so by the interpreter only to say that it may change")]
fn guard_variables(engine: &mut Engine, desk: &Arc<Desk>) {
    let desk = desk.clone();
    engine.on_var(move |_, _, context| -> Result<Option<Dynamic>, Box<EvalAltResult>> {
        if let Some(size) = desk.guard.accessed(context.scope(), context.call_level())? {
            desk.meter.holds(size);
        }
        Ok(None)
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_function_that_can_be_called_is_described() {
        let limits = Limits::default();
        let engine = engine(&limits, &Arc::new(Desk::new(&limits, None)));
        let signatures = engine.gen_fn_signatures(true);
        let names = signatures.iter().filter_map(|signature| Some(signature.split_once('(')?.0));
        let is_word = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let registered: BTreeSet<&str> = names.filter(is_word).collect();
        let rows = api::INTERPRETER.lines().filter_map(|line| Some(line.split_once(" :: ")?.0));
        let described: BTreeSet<&str> = rows.flat_map(|names| names.split(", ")).collect();
        let own: BTreeSet<&str> = api::functions().map(|function| function.name).collect();
        let either: BTreeSet<&str> = described.union(&own).copied().collect();
        assert!(registered.len() > 100, "{registered:?}");
        assert_eq!(registered, either);
    }
}
