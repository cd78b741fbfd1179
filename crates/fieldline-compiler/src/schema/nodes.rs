//! The branches of the schema: one for each component.

use fieldline_core::{Definition, Kind, Registry};
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::substitutable;

/// Adds the definition of `kind`, which chooses a branch by `type`, and the branches.
pub(super) fn add(
    kind: Kind,
    registry: &Registry,
    policy: &Map<String, Value>,
    generator: &mut SchemaGenerator,
    definitions: &mut Map<String, Value>,
) {
    let names: Vec<&str> = registry.of_kind(kind).map(|definition| definition.name).collect();
    let mut branches = Vec::new();
    for definition in registry.of_kind(kind) {
        let name = format!("{}_{}", kind.word(), definition.name);
        branches.push(json!({
            "if": { "properties": { "type": { "const": definition.name } }, "required": ["type"] },
            "then": { "$ref": format!("#/$defs/{name}") },
        }));
        definitions.insert(name, branch(definition, policy, generator));
    }
    let mut node = json!({
        "type": "object",
        "required": ["type"],
        "properties": { "type": { "description": "Which component it is.", "enum": names } },
    });
    // An empty list would not be a schema.
    if !branches.is_empty() {
        node["allOf"] = Value::Array(branches);
    }
    definitions.insert(kind.word().into(), node);
}

/// The component's own fields and those that every node of its kind has.
fn branch(definition: &Definition, policy: &Map<String, Value>, generator: &mut SchemaGenerator) -> Value {
    let own = own(definition, generator);
    let mut common = Map::new();
    common.insert("type".into(), json!({ "const": definition.name, "description": definition.summary }));
    let mut required = vec![json!("type")];
    match definition.kind {
        Kind::Transform => {
            common.insert("inputs".into(), json!({ "$ref": "#/$defs/inputs" }));
            if definition.uses_with {
                common.insert("with".into(), json!({ "$ref": "#/$defs/with" }));
            }
            required.push(json!("inputs"));
        }
        Kind::Sink => {
            common.insert("inputs".into(), json!({ "$ref": "#/$defs/inputs" }));
        }
        Kind::Connection | Kind::Source => {}
    }
    if !definition.settings.is_empty() {
        common.insert("control".into(), json!({ "$ref": "#/$defs/control" }));
    }
    common.extend(policy.clone());
    let plain = own.get("properties").is_some() || own.get("additionalProperties") == Some(&json!(false));
    let composed = ["$ref", "allOf", "anyOf", "oneOf"].iter().any(|key| own.get(key).is_some());
    if !plain || composed {
        let mut open = own;
        if let Value::Object(open) = &mut open {
            open.remove("additionalProperties");
        }
        return json!({
            "description": definition.summary, "type": "object", "allOf": [open], "properties": common,
            "required": required, "unevaluatedProperties": false, "examples": examples(definition),
        });
    }
    let mut properties = common;
    properties.extend(own.get("properties").and_then(Value::as_object).cloned().unwrap_or_default());
    required.extend(own.get("required").and_then(Value::as_array).cloned().unwrap_or_default());
    json!({
        "description": definition.summary, "type": "object", "properties": properties, "required": required,
        "additionalProperties": false, "examples": examples(definition),
    })
}

/// The schema of the component's own fields, written out instead of referred to.
fn own(definition: &Definition, generator: &mut SchemaGenerator) -> Value {
    let schema = (definition.schema)(generator).to_value();
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    let found = name.and_then(|name| generator.definitions().get(name)).cloned();
    substitutable(found.unwrap_or(schema))
}

fn examples(definition: &Definition) -> Vec<Value> {
    let configs =
        definition.examples.iter().filter_map(|example| serde_yaml::from_str::<Value>(example.config).ok());
    configs
        .filter_map(|config| {
            let mut example = Map::from_iter([("type".to_owned(), json!(definition.name))]);
            example.extend(config.as_object()?.clone());
            Some(Value::Object(example))
        })
        .collect()
}
