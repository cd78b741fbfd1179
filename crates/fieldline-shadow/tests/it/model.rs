//! A slow model of the shadow service, built unlike it: a section is a flat map from paths to nodes, and every rule
//! is a statement about paths. Numbers, names and topics are left out; the library's own tests cover them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

type Path = Vec<String>;

/// A node of a section: an object, or a leaf with the time it was written. An array is a leaf.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Object,
    Leaf(Value, u64),
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Section(BTreeMap<Path, Node>);

/// One shadow, and what became of it.
#[derive(Debug, Default)]
pub(crate) struct Model {
    sections: BTreeMap<&'static str, Section>,
    exists: bool,
    version: u64,
    deleted_at: Option<u64>,
}

impl Model {
    /// The version after an accepted update, or the code of the refusal.
    pub(crate) fn update(
        &mut self,
        state: &Value,
        expected: Option<u64>,
        limit: usize,
        now: u64,
    ) -> Result<u64, u64> {
        let conflicts = expected
            .is_some_and(|expected| if self.exists { expected != self.version } else { expected > 1 });
        if conflicts {
            return Err(409);
        }
        let mut sections = if self.exists { self.sections.clone() } else { BTreeMap::new() };
        for name in ["desired", "reported"] {
            let section = sections.entry(name).or_default();
            match state.get(name) {
                Some(Value::Object(patch)) => section.apply(&Value::Object(patch.clone()), &[], now),
                Some(_) => section.0.clear(),
                None if state.is_null() => section.0.clear(),
                None => {}
            }
        }
        let size: usize =
            sections.values().filter_map(Section::state).map(|state| state.to_string().len()).sum();
        if size > limit {
            return Err(413);
        }
        let is_forgotten = self.deleted_at.is_some_and(|at| now - at > 48 * 3600);
        self.version = if is_forgotten { 1 } else { self.version + 1 };
        self.deleted_at = None;
        self.exists = true;
        self.sections = sections;
        Ok(self.version)
    }

    /// The version of the deleted document.
    pub(crate) fn delete(&mut self, now: u64) -> Result<u64, u64> {
        if !self.exists {
            return Err(404);
        }
        self.exists = false;
        self.deleted_at = Some(now);
        self.version += 1;
        Ok(self.version - 1)
    }

    /// The answer to a get at `now`.
    pub(crate) fn get(&self, now: u64) -> Option<Value> {
        if !self.exists {
            return None;
        }
        let (mut state, mut metadata) = (Map::new(), Map::new());
        for (name, section) in &self.sections {
            if let (Some(values), Some(stamps)) = (section.state(), section.metadata()) {
                state.insert((*name).to_owned(), values);
                metadata.insert((*name).to_owned(), stamps);
            }
        }
        if let Some(delta) = self.delta() {
            state.insert("delta".to_owned(), delta);
        }
        Some(json!({"state": state, "metadata": metadata, "version": self.version, "timestamp": now}))
    }

    /// Every desired leaf whose path does not hold the same in reported. An empty object is a leaf here, and any
    /// object at its path holds the same.
    pub(crate) fn delta(&self) -> Option<Value> {
        let (desired, reported) = (self.sections.get("desired")?, self.sections.get("reported")?);
        let mut differing = Section::default();
        for (path, node) in &desired.0 {
            let is_leaf = matches!(node, Node::Leaf(..)) || desired.below(path).next().is_none();
            let is_same = match (node, reported.0.get(path)) {
                (Node::Object, Some(Node::Object)) => true,
                (Node::Leaf(wanted, _), Some(Node::Leaf(actual, _))) => wanted == actual,
                _ => false,
            };
            if is_leaf && !is_same {
                for length in 1..path.len() {
                    differing.0.insert(path[..length].to_vec(), Node::Object);
                }
                differing.0.insert(path.clone(), node.clone());
            }
        }
        differing.state()
    }
}

impl Section {
    fn apply(&mut self, patch: &Value, path: &[String], now: u64) {
        let Value::Object(members) = patch else {
            self.0.retain(|other, _| !other.starts_with(path));
            if !patch.is_null() {
                self.0.insert(path.to_vec(), Node::Leaf(patch.clone(), now));
            }
            return;
        };
        if !path.is_empty() && self.0.get(path) != Some(&Node::Object) {
            self.0.retain(|other, _| !other.starts_with(path));
            if !leaves_something(patch) {
                return;
            }
            self.0.insert(path.to_vec(), Node::Object);
        }
        for (key, member) in members {
            self.apply(member, &[path, std::slice::from_ref(key)].concat(), now);
        }
    }

    fn below<'a>(&'a self, path: &'a [String]) -> impl Iterator<Item = &'a Path> {
        self.0.keys().filter(move |other| other.len() > path.len() && other.starts_with(path))
    }

    fn state(&self) -> Option<Value> {
        self.build(&[], &|value, _| value.clone())
    }

    fn metadata(&self) -> Option<Value> {
        self.build(&[], &stamped)
    }

    /// The object at `path`; `None` for a section without members.
    fn build(&self, path: &[String], leaf: &dyn Fn(&Value, u64) -> Value) -> Option<Value> {
        let mut object = Map::new();
        for child in self.below(path).filter(|child| child.len() == path.len() + 1) {
            let value = match &self.0[child] {
                Node::Leaf(value, at) => leaf(value, *at),
                Node::Object => self.build(child, leaf).unwrap_or_else(|| json!({})),
            };
            object.insert(child[path.len()].clone(), value);
        }
        (!object.is_empty()).then_some(Value::Object(object))
    }
}

fn leaves_something(patch: &Value) -> bool {
    match patch {
        Value::Object(members) => members.is_empty() || members.values().any(leaves_something),
        other => !other.is_null(),
    }
}

fn stamped(value: &Value, at: u64) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| stamped(item, at)).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), stamped(value, at))).collect()
        }
        _ => json!({"timestamp": at}),
    }
}
