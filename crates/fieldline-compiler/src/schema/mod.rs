//! [`schema`]: the JSON Schema of pipeline files (draft 2020-12), from which editors complete and check.
//!
//! It accepts what the compiler accepts, and rejects what can be said without looking at other nodes and files.
//! Each component has a branch of its own, chosen by `type`.

mod fields;
mod nodes;

use std::collections::BTreeSet;

use fieldline_core::policy::{SinkPolicy, SourcePolicy};
use fieldline_core::{Kind, Registry};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// A pattern that every text with a substitution matches.
const SUBSTITUTION: &str = r"\$\{";

/// The schema of the files that `registry`'s components may stand in.
pub fn schema(registry: &Registry) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut definitions = Map::new();
    let sinks = policy::<SinkPolicy>(&mut generator);
    let sources = policy::<SourcePolicy>(&mut generator);
    for kind in [Kind::Connection, Kind::Source, Kind::Transform, Kind::Sink] {
        let policy = match kind {
            Kind::Sink => &sinks,
            Kind::Source => &sources,
            Kind::Connection | Kind::Transform => &Map::new(),
        };
        nodes::add(kind, registry, policy, &mut generator, &mut definitions);
    }
    for (name, schema) in generator.take_definitions(true) {
        definitions.insert(name, substitutable(schema));
    }
    fields::add(&mut definitions);
    let mut properties = fields::top_level();
    for kind in [Kind::Connection, Kind::Source, Kind::Transform, Kind::Sink] {
        properties.insert(
            kind.section().into(),
            json!({ "description": section_help(kind), "type": ["object", "null"] }),
        );
    }
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Fieldline pipeline",
        "description": "A pipeline, or with `use` a station file that sets the params of a template and may lie over it.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "if": { "required": ["use"] },
        "then": { "properties": station_sections() },
        "else": { "required": ["pipeline"], "properties": own_sections() },
    });
    schema["$defs"] = Value::Object(reachable(&schema, definitions));
    schema
}

/// The definitions that `schema` refers to, directly or through others, in their order.
fn reachable(schema: &Value, mut definitions: Map<String, Value>) -> Map<String, Value> {
    let mut found = BTreeSet::new();
    let mut next = Vec::new();
    references(schema, &mut next);
    while let Some(name) = next.pop() {
        if let Some(definition) = definitions.get(&name).filter(|_| found.insert(name)) {
            references(definition, &mut next);
        }
    }
    definitions.retain(|name, _| found.contains(name));
    definitions
}

/// Adds the names of the definitions that are referred to in `schema`.
fn references(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            names.extend(target.and_then(|path| path.strip_prefix("#/$defs/")).map(str::to_owned));
            members.values().for_each(|member| references(member, names));
        }
        Value::Array(elements) => elements.iter().for_each(|element| references(element, names)),
        _ => {}
    }
}

/// The sections of a file that stands for itself: whole nodes, and declarations of params.
fn own_sections() -> Map<String, Value> {
    let mut sections = Map::new();
    sections.insert("params".into(), json!({ "additionalProperties": { "$ref": "#/$defs/param" } }));
    for kind in [Kind::Connection, Kind::Source, Kind::Transform, Kind::Sink] {
        let node = json!({ "$ref": format!("#/$defs/{}", kind.word()) });
        sections
            .insert(kind.section().into(), json!({ "propertyNames": id(), "additionalProperties": node }));
    }
    sections
}

/// The sections of a station file: a node may also be a part of one, which lies over the template's, or nothing.
fn station_sections() -> Map<String, Value> {
    let mut sections = Map::new();
    for kind in [Kind::Connection, Kind::Source, Kind::Transform, Kind::Sink] {
        let node = json!({
            "if": { "type": "object", "required": ["type"] },
            "then": { "$ref": format!("#/$defs/{}", kind.word()) },
            "else": { "type": ["object", "null"] },
        });
        sections
            .insert(kind.section().into(), json!({ "propertyNames": id(), "additionalProperties": node }));
    }
    sections
}

fn id() -> Value {
    json!({ "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 64, "not": { "enum": crate::names::RESERVED } })
}

fn section_help(kind: Kind) -> &'static str {
    match kind {
        Kind::Connection => "What several nodes share, such as one MQTT session, by name.",
        Kind::Source => "Where events come from, by name.",
        Kind::Transform => "What works on events, by name.",
        Kind::Sink => "Where events go, by name.",
    }
}

/// The fields of every node of a kind that belong to its driver.
fn policy<P: JsonSchema>(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let schema = generator.root_schema_for::<P>();
    generator.subschema_for::<P>();
    let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    properties.into_iter().map(|(name, schema)| (name, substitutable(schema))).collect()
}

/// The schema with `${…}` allowed wherever a value that is no free text is wanted.
fn substitutable(schema: Value) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    substitutable_parts(&mut schema);
    if !needs_branch(&schema) {
        return Value::Object(schema);
    }
    let mut outer = Map::new();
    for key in ["title", "description", "default", "examples"] {
        outer.extend(schema.remove(key).map(|value| (key.to_owned(), value)));
    }
    let substitution = json!({ "type": "string", "pattern": SUBSTITUTION });
    outer.insert("anyOf".into(), json!([schema, substitution]));
    Value::Object(outer)
}

/// Allows `${…}` in the members and elements that a schema describes. Its alternatives stay as they are but for
/// their parts: one more branch around all of them is enough, and one in each would be one too many for `oneOf`.
fn substitutable_parts(schema: &mut Map<String, Value>) {
    let members = schema.get_mut("properties").and_then(Value::as_object_mut);
    for member in members.into_iter().flat_map(Map::values_mut) {
        *member = substitutable(member.take());
    }
    for key in ["items", "additionalProperties"] {
        if let Some(part) = schema.get_mut(key) {
            *part = substitutable(part.take());
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        let alternatives = schema.get_mut(key).and_then(Value::as_array_mut);
        for alternative in alternatives.into_iter().flatten().filter_map(Value::as_object_mut) {
            substitutable_parts(alternative);
        }
    }
}

/// Whether a schema wants something else than free text: a number, a truth, a list, one of some words.
fn needs_branch(schema: &Map<String, Value>) -> bool {
    let words = |value: &Value, among: &[&str]| match value {
        Value::String(word) => among.contains(&word.as_str()),
        Value::Array(words) => words.iter().filter_map(Value::as_str).any(|word| among.contains(&word)),
        _ => false,
    };
    let scalar =
        schema.get("type").is_some_and(|kind| words(kind, &["integer", "number", "boolean", "array"]));
    let chosen = schema.contains_key("enum") || schema.contains_key("const") || schema.contains_key("oneOf");
    let free = schema.get("type").is_some_and(|kind| words(kind, &["string"])) && !chosen;
    (scalar || chosen) && !free
}
