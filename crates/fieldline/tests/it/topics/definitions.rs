//! Tables of the fields of a block, from the schema of pipeline files.

use fieldline_components::reference;
use serde_json::{Map, Value, json};

/// The fields of the definition `name`, and below a field that is a block, the block's.
pub(super) fn fields(name: &str, schema: &Value) -> String {
    let block = block(definition(name, schema)).unwrap_or_else(|| panic!("`{name}` has no fields"));
    reference::fields(block, definitions(schema))
}

/// One field of the definition `owner`.
pub(super) fn field(owner: &str, name: &str, schema: &Value) -> String {
    let field = &definition(owner, schema)["properties"][name];
    reference::fields(&json!({ "properties": { name: field } }), definitions(schema))
}

/// The words of the definition `name`.
pub(super) fn description(name: &str, schema: &Value) -> String {
    format!("{}\n", definition(name, schema)["description"].as_str().expect("a description"))
}

fn definitions(schema: &Value) -> &Map<String, Value> {
    schema["$defs"].as_object().expect("a schema has definitions")
}

fn definition<'s>(name: &str, schema: &'s Value) -> &'s Value {
    definitions(schema).get(name).unwrap_or_else(|| panic!("there is no definition `{name}`"))
}

/// The first block among the forms that a definition allows: itself, an alternative, or what stands under a name of the
/// user's.
fn block(schema: &Value) -> Option<&Value> {
    if schema["properties"].is_object() {
        return Some(schema);
    }
    let alternatives = schema["anyOf"].as_array().map_or(&[][..], Vec::as_slice);
    alternatives.iter().chain(schema.get("additionalProperties")).find_map(block)
}
