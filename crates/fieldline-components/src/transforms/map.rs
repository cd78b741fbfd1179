//! The `map` transform: changes the shape of a body, where no calculation is needed.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, EventError, Example, FieldPath, Kind, Map, Meta,
    Moment, Outputs, Step, Transform, Value,
};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::fields::any_map;
use crate::lookup::Lookup;

/// The fields of a `map`, carried out in this order.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MapConfig {
    /// A new body: each name in the given order, with the path its value is found at; one that is not
    /// there becomes null. `meta.time`, `meta.source`, `meta.sequence` and `meta.topic` are at hand too.
    #[schemars(with = "Option<BTreeMap<String, Lookup>>")]
    body: Option<IndexMap<FieldPath, Lookup>>,
    /// Fields that get another name, as `old: new`, all at once, so that two can change places. They come
    /// last in the body, and replace what had their new name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, FieldPath>")]
    rename: IndexMap<FieldPath, FieldPath>,
    /// The only fields that stay, in this order.
    keep: Option<Vec<FieldPath>>,
    /// Fields that go.
    #[serde(default)]
    drop: Vec<FieldPath>,
    /// Fields that get a fixed value.
    #[serde(default)]
    #[schemars(schema_with = "any_map")]
    set: IndexMap<FieldPath, Value>,
    /// Whether an event fails that lacks a field named in `body`, `rename`, `keep` or `drop`.
    #[serde(default)]
    strict: bool,
}

impl Config for MapConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "map";
    const SUMMARY: &'static str = "Builds, renames, keeps, drops and sets fields of the body.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A body of its own shape",
            config: "body:\n  sequence: meta.sequence\n  timestamp_utc: meta.time\n  value: temperature\n  status: status",
            input: "{\"temperature\":21.58,\"humidity\":45.1,\"status\":\"success\"}",
            output: "1s {\"sequence\":null,\"timestamp_utc\":\"1970-01-01T00:00:00.000000Z\",\"value\":21.58,\"status\":\"success\"}",
        },
        Example {
            title: "Small changes",
            config: "rename: { temp: temperature }\ndrop: [raw]\nset: { unit: celsius, place.line: 22 }",
            input: "{\"temp\":21.5,\"raw\":[1,2],\"status\":\"success\"}",
            output: "1s {\"status\":\"success\",\"temperature\":21.5,\"unit\":\"celsius\",\"place\":{\"line\":22}}",
        },
        Example {
            title: "Two fields change places, and nothing else stays",
            config: "rename: { inlet: outlet, outlet: inlet }\nkeep: [inlet, outlet]",
            input: "{\"inlet\":1,\"outlet\":2,\"fan\":3}",
            output: "1s {\"inlet\":2,\"outlet\":1}",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        let nothing = self.body.is_none() && self.keep.is_none() && self.rename.is_empty();
        if nothing && self.drop.is_empty() && self.set.is_empty() {
            cx.error(
                "missing-field",
                "",
                "a map without `body`, `rename`, `keep`, `drop` or `set` does nothing",
            )
            .help("write for example `rename: { temp: temperature }`");
        }
        let mut new_names = HashSet::new();
        for name in self.rename.values().filter(|name| !new_names.insert(*name)) {
            cx.error("conflicting-fields", "rename", format!("two fields would be called `{name}`"))
                .help("one of them would be lost; choose another name for it");
        }
        let kept = self.keep.iter().flatten().map(|path| ("keep", path));
        let built = self.body.iter().flat_map(IndexMap::keys).map(|path| ("body", path));
        let renamed = self.rename.values().map(|path| ("rename", path));
        for (field, path) in kept.chain(built).chain(renamed) {
            if path.steps().iter().any(|step| matches!(step, Step::Index(_))) {
                cx.error("bad-path", field, format!("`{path}` is one element of a list and cannot be made"))
                    .help("name the whole list");
            }
        }
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let is_sure = self.is_sure();
        Ok(Built::Transform(Box::new(Shape { config: self.clone(), is_sure })))
    }
}

struct Shape {
    config: MapConfig,
    /// Whether every map can be changed as it is told, so that none needs to be kept for the dead letter.
    is_sure: bool,
}

impl Transform for Shape {
    fn apply(&mut self, mut event: Event, _moment: &Moment<'_>, out: &mut Outputs) {
        let shaped = if self.is_sure && event.body().as_map().is_some() {
            self.config.change(event.body_mut())
        } else {
            // The event keeps its old body until the new one is whole, so that a dead letter shows what came in.
            self.config.shaped(event.body(), event.meta()).map(|body| event.replace_body(body))
        };
        match shaped {
            Ok(()) => out.send(event),
            Err(error) => out.fail(event, error),
        }
    }
}

impl MapConfig {
    /// Whether this can change every map in place: nothing may be missing, and nothing is set inside a field, which
    /// could be of another kind.
    fn is_sure(&self) -> bool {
        let mut targets = self.rename.values().chain(self.set.keys());
        let is_in_place = self.body.is_none() && self.keep.is_none();
        is_in_place && !self.strict && targets.all(|path| path.steps().len() == 1)
    }

    fn shaped(&self, before: &Value, meta: &Meta) -> Result<Value, EventError> {
        let mut body = match &self.body {
            Some(fields) => self.built(fields, before, meta)?,
            None => before.clone(),
        };
        self.change(&mut body)?;
        Ok(body)
    }

    /// Carries out everything but `body`.
    fn change(&self, body: &mut Value) -> Result<(), EventError> {
        self.renamed(body)?;
        if let Some(paths) = &self.keep {
            *body = self.kept(paths, body)?;
        }
        for path in &self.drop {
            if path.remove(body).is_none() {
                self.miss(path, body)?;
            }
        }
        for (path, value) in &self.set {
            place(path, body, value.clone())?;
        }
        Ok(())
    }

    fn built(
        &self,
        fields: &IndexMap<FieldPath, Lookup>,
        before: &Value,
        meta: &Meta,
    ) -> Result<Value, EventError> {
        let mut body = Value::Map(Map::with_capacity_and_hasher(fields.len(), Default::default()));
        for (name, lookup) in fields {
            let value = lookup.get_in(before, meta);
            match lookup {
                Lookup::Body(path) if value.is_none() => self.miss(path, before)?,
                Lookup::Meta(_) if value.is_none() && self.strict => return Err(missing(lookup)),
                _ => {}
            }
            place(name, &mut body, value.map_or(Value::Null, Cow::into_owned))?;
        }
        Ok(body)
    }

    fn renamed(&self, body: &mut Value) -> Result<(), EventError> {
        if self.rename.is_empty() {
            return Ok(());
        }
        let mut taken = Vec::with_capacity(self.rename.len());
        for (old, new) in &self.rename {
            match old.remove(body) {
                Some(value) => taken.push((new, value)),
                None => self.miss(old, body)?,
            }
        }
        taken.into_iter().try_for_each(|(new, value)| place(new, body, value))
    }

    fn kept(&self, paths: &[FieldPath], body: &Value) -> Result<Value, EventError> {
        let mut rest = Value::Map(Map::with_capacity_and_hasher(paths.len(), Default::default()));
        for path in paths {
            match path.get(body) {
                Some(value) => place(path, &mut rest, value.clone())?,
                None => self.miss(path, body)?,
            }
        }
        Ok(rest)
    }

    /// Passes over a field that `body` lacks; fails where the map is strict, or where the body can have no fields.
    fn miss(&self, field: &FieldPath, body: &Value) -> Result<(), EventError> {
        match body {
            Value::Map(_) if self.strict => Err(missing(field)),
            Value::Map(_) => Ok(()),
            _ => Err(EventError::new("not_a_map", format!("the body is no map and has no `{field}`"))),
        }
    }
}

fn missing(field: &impl std::fmt::Display) -> EventError {
    EventError::new("missing_field", format!("the event has no `{field}`"))
}

/// Puts a value at a path, or says that there is something else in its way.
fn place(path: &FieldPath, body: &mut Value, value: Value) -> Result<(), EventError> {
    if path.set(body, value) {
        return Ok(());
    }
    let message = format!("`{path}` cannot be set: the value that should hold it is of another kind");
    Err(EventError::new("not_a_map", message))
}
