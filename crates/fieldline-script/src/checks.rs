//! What is wrong with a script beyond its grammar: unknown functions, assignments to what is constant,
//! names that are taken.

use std::collections::BTreeSet;

use fieldline_core::suggest::nearest;
use rhai::{AST, Engine};

use crate::error::ScriptError;
use crate::inspect::{Facts, strays};
use crate::leftover::leftover;
use crate::source::ScriptSource;

/// Functions the interpreter knows by itself, in no library.
const KEYWORDS: &[&str] =
    &["call", "curry", "debug", "is_def_fn", "is_def_var", "is_shared", "print", "type_of", "Fn"];

/// What `meta` says about an event and no script may change.
pub(crate) const FIXED_META: &[&str] = &["time", "source", "sequence", "topic"];

/// Complains about the first thing that is wrong. `constants` are the variables that a script may only read.
pub(crate) fn check(
    source: &ScriptSource,
    engine: &Engine,
    ast: &AST,
    facts: &Facts,
    constants: &[&str],
) -> Result<(), ScriptError> {
    check_functions(source, ast)?;
    check_names(source, facts, constants)?;
    check_assignments(source, facts, constants)?;
    check_calls(source, engine, ast, facts)?;
    check_leftover(source, ast)
}

/// `params` is put in where it is named, in functions too.
fn check_functions(source: &ScriptSource, ast: &AST) -> Result<(), ScriptError> {
    let functions: Vec<_> = ast.iter_functions().map(|function| function.name.to_owned()).collect();
    match strays(ast).iter().find(|stray| stray.name != "params" && !functions.contains(&stray.name)) {
        None => Ok(()),
        Some(stray) => {
            let message = format!("there is no variable `{}` in a function", stray.name);
            Err(source
                .error(stray.position, message)
                .with_help("a function sees only its arguments; hand it over as one"))
        }
    }
}

fn check_names(source: &ScriptSource, facts: &Facts, constants: &[&str]) -> Result<(), ScriptError> {
    let taken = |name: &str| ["this", "meta", "state"].contains(&name) || constants.contains(&name);
    match facts.declared.iter().find(|declared| taken(&declared.name)) {
        None => Ok(()),
        Some(declared) => {
            let message = format!("`{}` already has a meaning here", declared.name);
            Err(source.error(declared.position, message).with_help("choose another name"))
        }
    }
}

fn check_assignments(source: &ScriptSource, facts: &Facts, constants: &[&str]) -> Result<(), ScriptError> {
    for assigned in &facts.assigned {
        let (root, rest) = assigned.name.split_once('.').unwrap_or((&assigned.name, ""));
        let member = rest.split('.').next().unwrap_or_default();
        let error = |what: &str| source.error(assigned.position, format!("`{what}` cannot be changed"));
        if constants.contains(&root) {
            return Err(error(root).with_help(format!("copy it first: `let copy = {root};`")));
        }
        if root == "meta" && FIXED_META.contains(&member) {
            return Err(
                error(&format!("meta.{member}")).with_help("a field of another name can be added to `meta`")
            );
        }
    }
    Ok(())
}

fn check_calls(source: &ScriptSource, engine: &Engine, ast: &AST, facts: &Facts) -> Result<(), ScriptError> {
    let mut known: BTreeSet<String> = engine
        .collect_fn_metadata(None, |info| Some(info.metadata.name.to_string()), true)
        .into_iter()
        .collect();
    known.extend(KEYWORDS.iter().map(|name| (*name).to_owned()));
    known.extend(ast.iter_functions().map(|function| function.name.to_owned()));
    // A function may also be held by a variable or a member and be called by that name.
    let held = |name: &str| facts.variables.contains(name) || facts.order.contains(name);
    for called in &facts.called {
        let name = called.name.as_str();
        if known.contains(name) || held(name) || !name.starts_with(|c: char| c.is_alphabetic()) {
            continue;
        }
        let error = source.error(called.position, format!("there is no function `{name}`"));
        return Err(match name {
            "sleep" => error.with_help("a script cannot wait; use `debounce` or `throttle` in the pipeline"),
            "timestamp" => error.with_help("use `now()` or `epoch()`"),
            _ => error.meaning(nearest(name, known.iter().map(String::as_str))),
        });
    }
    Ok(())
}

fn check_leftover(source: &ScriptSource, ast: &AST) -> Result<(), ScriptError> {
    match leftover(ast) {
        None => Ok(()),
        Some(leftover) => {
            let error = source.error(leftover.position, "nobody takes this value: what is sent on is `this`");
            Err(error.with_help(if leftover.is_map {
                "write `this = #{ … };`"
            } else {
                "write `this = …;`"
            }))
        }
    }
}
