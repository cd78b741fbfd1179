//! [`Script`]: a compiled script, run once per event.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use fieldline_core::{Clock, Map, Meta, Moment, Value};
use rhai::{AST, CallFnOptions, Dynamic, Engine, EvalAltResult, OptimizationLevel, Scope};

use crate::checks::{self, FIXED_META};
use crate::convert::{from_script, map_to_script, put_back, to_script};
use crate::engine::{engine, read_tokens_our_way};
use crate::error::ScriptError;
use crate::explain;
use crate::imports::{self, Imports};
use crate::inspect::inspect;
use crate::limits::Limits;
use crate::missing::missing;
use crate::order::Order;
use crate::run::{Answer, Desk, Ending, Verdict};
use crate::scope::Variables;
use crate::sendable;
use crate::source::ScriptSource;

/// The function that gives `state` its first value.
const INIT: &str = "init";

/// What a script is given once, when it is compiled.
#[derive(Clone, Default)]
pub struct Setup<'a> {
    /// The constant `params`.
    pub params: Map,
    /// The nodes whose latest value the script may read, each under its own name.
    pub with: Vec<String>,
    /// Where imported files come from; without it, nothing can be imported.
    pub imports: Option<Imports<'a>>,
    /// How much one run may use.
    pub limits: Limits,
    /// For [`Limits::time`]; without it, as where a script is only checked, the limit on operations alone bounds the time.
    pub clock: Option<Clock>,
}

/// A compiled script, run once per event.
///
/// The whole text is what happens to one event, found in `this`. Falling off the end sends `this` on;
/// `discard()` drops it; `fail("why")`, `throw` and every error fail it. `emit(map)` sends a further event
/// before it and changes nothing else, so a script that splits an event ends in `discard()`.
pub struct Script {
    source: ScriptSource,
    engine: Engine,
    ast: AST,
    order: Order,
    reasons: BTreeSet<&'static str>,
    variables: Variables,
    desk: Arc<Desk>,
    writes_meta: bool,
    uses_state: bool,
    /// Whether `fn init()` is still to be called.
    to_initialize: bool,
    files: Vec<PathBuf>,
}

impl Script {
    /// Compiles and checks a script.
    ///
    /// # Errors
    /// The first thing that is wrong with it or a file it imports, with its place.
    pub fn compile(source: &ScriptSource, setup: &Setup<'_>) -> Result<Script, ScriptError> {
        let desk = Arc::new(Desk::new(&setup.limits, setup.clock.clone()));
        let mut engine = engine(&setup.limits, &desk);
        let scope = compile_scope(setup);
        let names: Vec<&str> = scope.iter_raw().map(|(name, _, _)| name).collect();
        let ast = engine.compile_with_scope(&scope, &source.text);
        let mut ast = ast.map_err(|error| explain::syntax(source, &error, &names))?;
        ast.set_source(source.origin.file.to_string_lossy().as_ref());
        let facts = inspect(&ast);
        let constants: Vec<&str> =
            setup.with.iter().map(String::as_str).chain(std::iter::once("params")).collect();
        checks::check(source, &engine, &ast, &facts, &constants)?;
        let files = imports::load(&mut engine, source, &facts, setup.imports, setup.limits.imports)?;
        let to_initialize =
            ast.iter_functions().any(|function| function.name == INIT && function.params.is_empty());
        Ok(Script {
            source: source.clone(),
            ast: engine.optimize_ast(&scope, ast, OptimizationLevel::Simple),
            engine,
            reasons: facts.reasons.iter().map(|reason| lasting(reason)).collect(),
            variables: Variables::new(&facts, &setup.params, &setup.with),
            desk,
            writes_meta: facts.writes_meta(),
            uses_state: facts.variables.contains("state"),
            to_initialize,
            files,
            order: facts.order,
        })
    }

    /// The files that are imported, directly or through another.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// What the script remembers, for the one that takes its place; nothing before `fn init()` was called.
    ///
    /// # Errors
    /// A value that no event could hold, such as a function.
    pub fn state(&self) -> Result<Option<Value>, ScriptError> {
        if self.to_initialize {
            return Ok(None);
        }
        self.outward("state", &self.variable("state"), None).map(Some)
    }

    /// Puts in what an earlier script remembered; `fn init()` is not called then.
    pub fn restore(&mut self, state: &Value) {
        self.variables.set("state", to_script(state));
        self.to_initialize = false;
    }

    /// Runs the script for one event. Where it is to be sent on, `body` is then what the script made of it; it is
    /// copied first only if somebody else has a share of it.
    ///
    /// # Errors
    /// Why the event fails, with the place in the script. What was emitted before is not sent then, and `body` is as
    /// it was. `state` keeps what was written to it.
    pub fn run(
        &mut self,
        body: &mut Arc<Value>,
        meta: &Meta,
        moment: &Moment<'_>,
    ) -> Result<Answer, ScriptError> {
        self.desk.begin(moment.time);
        self.variables.prepare(body, meta, moment.with);
        self.initialize()?;
        let outcome = self.engine.run_ast_with_scope(self.variables.scope(), &self.ast);
        let answer = self.answer(outcome, body, meta);
        if answer.as_ref().is_ok_and(|answer| answer.verdict == Verdict::Send) {
            put_back(&self.variable("this"), Arc::make_mut(body), &self.order);
        }
        self.variables.rewind();
        answer
    }

    /// Gives `state` its first value.
    fn initialize(&mut self) -> Result<(), ScriptError> {
        if !self.to_initialize {
            return Ok(());
        }
        let options = CallFnOptions::new().eval_ast(false);
        let state =
            self.engine.call_fn_with_options::<Dynamic>(options, &mut Scope::new(), &self.ast, INIT, ());
        let state = state.map_err(|error| explain::failure(&self.source, &error))?;
        if !state.is_map() {
            let message = "`init` must return the first value of `state`: a map such as `#{ count: 0 }`";
            return Err(self.source.error(rhai::Position::NONE, message));
        }
        self.variables.set("state", state);
        self.to_initialize = false;
        Ok(())
    }

    fn answer(
        &mut self,
        outcome: Result<(), Box<EvalAltResult>>,
        body: &Value,
        meta: &Meta,
    ) -> Result<Answer, ScriptError> {
        let ending = self.desk.take_ending();
        if let Err(error) = outcome {
            match ending {
                Some(Ending::Discard(reason)) => return self.answer_with(self.discarded(reason), meta),
                Some(Ending::Fail(message)) => {
                    return Err(ScriptError { message, ..explain::failure(&self.source, &error) });
                }
                None => return Err(self.explain(&error, body)),
            }
        }
        self.check("this", &self.variable("this"))?;
        self.answer_with(Verdict::Send, meta)
    }

    fn answer_with(&mut self, verdict: Verdict, meta: &Meta) -> Result<Answer, ScriptError> {
        let emitted = self.desk.take_emitted();
        let emitted = emitted.iter().map(|body| self.outward("the emitted event", body, None));
        let emitted = emitted.collect::<Result<_, _>>()?;
        if self.uses_state
            && let Some(state) = self.variables.borrow("state")
        {
            self.desk.guard.measure(state).map_err(|error| explain::failure(&self.source, &error))?;
        }
        let fields = if self.writes_meta { Some(self.meta_fields(meta)?) } else { None };
        Ok(Answer { verdict, emitted, fields })
    }

    /// What `meta` holds beside what every event has.
    fn meta_fields(&self, meta: &Meta) -> Result<Map, ScriptError> {
        let before = Value::Map(meta.to_map());
        let Value::Map(mut fields) = self.outward("meta", &self.variable("meta"), Some(&before))? else {
            return Err(self.source.error(rhai::Position::NONE, "`meta` must stay a map"));
        };
        for name in FIXED_META {
            fields.shift_remove(*name);
        }
        Ok(fields)
    }

    /// A variable where it stands; a closure that captured it leaves it shared, and then it is copied.
    fn variable(&self, name: &str) -> Cow<'_, Dynamic> {
        match self.variables.borrow(name) {
            Some(value) if !value.is_shared() => Cow::Borrowed(value),
            _ => Cow::Owned(self.variables.find(name).unwrap_or_default()),
        }
    }

    fn discarded(&self, reason: Option<String>) -> Verdict {
        let known = reason.and_then(|reason| self.reasons.get(reason.as_str()).copied());
        Verdict::Discard(known.unwrap_or("script"))
    }

    /// A result as it is outside.
    fn outward(&self, name: &str, value: &Dynamic, before: Option<&Value>) -> Result<Value, ScriptError> {
        self.check(name, value)?;
        Ok(from_script(value, before, &self.order))
    }

    /// Makes sure that a result can leave: the interpreter does not look at the last assignment.
    fn check(&self, name: &str, value: &Dynamic) -> Result<(), ScriptError> {
        self.desk.guard.measure(value).map_err(|error| explain::failure(&self.source, &error))?;
        sendable::check(value).map_err(|error| {
            let message = format!("`{}` is {}", error.path(name), error.what);
            self.source.error(rhai::Position::NONE, message)
        })
    }

    fn explain(&self, error: &EvalAltResult, body: &Value) -> ScriptError {
        let failure = explain::failure(&self.source, error);
        match missing(error, &self.ast, &self.variables, body) {
            Some(missing) => {
                ScriptError { message: missing.message, ..failure }.meaning(missing.meant.as_deref())
            }
            None => failure,
        }
    }
}

/// Whether a script uses `state`. A text that is no script counts as one that does.
pub fn uses_state(text: &str) -> bool {
    let mut engine = Engine::new_raw();
    engine.set_optimization_level(OptimizationLevel::None);
    read_tokens_our_way(&mut engine);
    text.contains("state")
        && engine.compile(text).map_or(true, |ast| inspect(&ast).variables.contains("state"))
}

/// The variables as the compiler is told of them. Only `params` have their value: it is put in where
/// the text names it.
fn compile_scope(setup: &Setup<'_>) -> Scope<'static> {
    let mut scope = Scope::new();
    scope.push_constant_dynamic("params", map_to_script(&setup.params));
    for name in setup.with.iter().map(String::as_str).chain(["state", "meta", "this"]) {
        scope.push_dynamic(name, Dynamic::UNIT);
    }
    scope
}

/// `reason` for as long as the process lives, which metrics need. Texts are kept once, so that reloading
/// a script takes no memory; after many different ones there are no new ones.
fn lasting(reason: &str) -> &'static str {
    const MOST: usize = 256;
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(reason) {
        return known;
    }
    if kept.len() >= MOST {
        return "script";
    }
    let new: &'static str = Box::leak(reason.into());
    kept.insert(new);
    new
}
