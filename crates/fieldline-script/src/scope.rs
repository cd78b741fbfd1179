//! The variables a script finds: `state`, `params`, the values under `with`, `meta` and `this`.

use fieldline_core::{Map, Meta, Value};
use rhai::{Dynamic, Scope};

use crate::convert::{map_to_script, refresh, to_script};
use crate::inspect::{Facts, MetaUse};

/// `state` and `params`, which stay where they are.
const LASTING: usize = 2;

/// The variables of one script. Only what the text mentions is converted.
#[derive(Debug)]
pub(crate) struct Variables {
    scope: Scope<'static>,
    /// Nodes under `with` that the script mentions, and the value each had last.
    with: Vec<(String, Value)>,
    meta: MetaUse,
    len: usize,
}

impl Variables {
    pub(crate) fn new(facts: &Facts, params: &Map, with: &[String]) -> Self {
        let mut scope = Scope::new();
        scope.push_dynamic("state", Dynamic::from_map(rhai::Map::new()));
        scope.push_constant_dynamic("params", map_to_script(params));
        let with = with.iter().filter(|name| facts.variables.contains(*name));
        let with: Vec<_> = with.map(|name| (name.clone(), Value::Null)).collect();
        let len = LASTING + with.len() + 2;
        let mut variables = Variables { scope, with, meta: facts.meta_use(), len };
        variables.push_changing();
        variables
    }

    /// Puts the variables of the next event in place.
    pub(crate) fn prepare(&mut self, body: &Value, meta: &Meta, with: &Map) {
        let mut changed = false;
        for (name, last) in &mut self.with {
            let latest = with.get(name.as_str()).unwrap_or(&Value::Null);
            if last != latest {
                *last = latest.clone();
                changed = true;
            }
        }
        if changed {
            self.scope.rewind(LASTING);
            self.push_changing();
        }
        match &self.meta {
            MetaUse::Nothing => {}
            MetaUse::Everything => self.set("meta", map_to_script(&meta.to_map())),
            MetaUse::Members(names) => {
                let members =
                    names.iter().filter_map(|name| Some((name.as_str().into(), to_script(&meta.get(name)?))));
                let members = Dynamic::from_map(members.collect());
                self.set("meta", members);
            }
        }
        if let Some(this) = self.scope.get_mut("this") {
            refresh(this, body);
        }
    }

    /// For the interpreter.
    pub(crate) fn scope(&mut self) -> &mut Scope<'static> {
        &mut self.scope
    }

    /// Forgets what the run declared.
    pub(crate) fn rewind(&mut self) {
        self.scope.rewind(self.len);
    }

    /// The value of one of the variables; a closure that captured it leaves it shared.
    pub(crate) fn find(&self, name: &str) -> Option<Dynamic> {
        self.scope.get(name).map(Dynamic::flatten_clone)
    }

    /// The same, shared or not.
    pub(crate) fn borrow(&self, name: &str) -> Option<&Dynamic> {
        self.scope.get(name)
    }

    /// Whether `name` is a node under `with`.
    pub(crate) fn is_with(&self, name: &str) -> bool {
        self.with.iter().any(|(node, _)| node == name)
    }

    /// Replaces the value of a variable.
    pub(crate) fn set(&mut self, name: &str, value: Dynamic) {
        if let Some(variable) = self.scope.get_mut(name) {
            *variable = value;
        }
    }

    fn push_changing(&mut self) {
        for (name, value) in &self.with {
            self.scope.push_constant_dynamic(name.as_str(), to_script(value));
        }
        self.scope.push_dynamic("meta", Dynamic::UNIT);
        self.scope.push_dynamic("this", Dynamic::UNIT);
    }
}
