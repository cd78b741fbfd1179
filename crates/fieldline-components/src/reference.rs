//! [`page`]: the reference page of a component, written from its definition: nothing that a user reads of a
//! component is kept anywhere else than beside its code. [`fields`]: the table of fields alone.

use fieldline_core::{Definition, Example, Kind};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// Schemas by name, as fields refer to them.
type Schemas = Map<String, Value>;

/// One line of the table of fields.
struct Row {
    name: String,
    kind: String,
    default: String,
    description: String,
}

/// The reference page of a component, in Markdown.
pub fn page(definition: &Definition) -> String {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let schema = (definition.schema)(&mut generator).to_value();
    let schemas = generator.take_definitions(true);
    let schema = resolve(&schema, &schemas);
    let mut text = String::from(
        "<!-- Written from the component's definition; `UPDATE=1 cargo test` writes it anew. -->\n",
    );
    text += &format!("# {} `{}`\n\n{}\n", definition.kind.word(), definition.name, definition.summary);
    let fields = fields(schema, &schemas);
    if !fields.is_empty() {
        text += &format!("\n## Fields\n\n{}\n\n{fields}", one_line(schema));
    }
    if !definition.settings.is_empty() {
        text += "\n## Settings\n\nWhat commands can change while it runs, through `control:`.\n\n";
        text += "| Setting | Value | Meaning |\n|---|---|---|\n";
        for setting in definition.settings {
            text += &format!("| `{}` | {} | {} |\n", setting.name, setting.shape, setting.summary);
        }
    }
    text += "\n## Examples\n";
    for (number, example) in (1..).zip(definition.examples) {
        text += &example_section(definition, number, example);
    }
    text
}

/// The table of the fields of `schema`, in Markdown; empty without any. `schemas` are those it refers to by name.
pub fn fields(schema: &Value, schemas: &Map<String, Value>) -> String {
    let rows = rows("", schema, schemas);
    if rows.is_empty() {
        return String::new();
    }
    let mut text = String::from("| Field | Type | Default | Meaning |\n|---|---|---|---|\n");
    for row in rows {
        text += &format!("| `{}` | {} | {} | {} |\n", row.name, row.kind, row.default, row.description);
    }
    text
}

/// Where the picture of an example is, seen from the page; `None` for one without input. Examples count from 1.
pub fn picture(definition: &Definition, number: usize) -> Option<String> {
    let example = definition.examples.get(number.checked_sub(1)?)?;
    let is_timed = definition.kind == Kind::Transform && !example.input.is_empty();
    is_timed.then(|| format!("pictures/{}-{number}.svg", definition.name))
}

fn example_section(definition: &Definition, number: usize, example: &Example) -> String {
    let fields = if example.config == "{}" { String::new() } else { format!("{}\n", example.config) };
    let mut text = format!("\n### {}\n\n```yaml\ntype: {}\n{fields}```\n", example.title, definition.name);
    if let Some(path) = picture(definition, number) {
        text += &format!("\n![{}: what goes in and comes out, by the second]({path})\n", example.title);
    }
    let input: Vec<String> =
        (1..).zip(example.input.lines()).map(|(second, line)| format!("{second}s {line}")).collect();
    for (heading, lines) in [("In:", input.join("\n").as_str()), ("Out:", example.output)] {
        if !lines.is_empty() {
            text += &format!("\n{heading}\n```\n{lines}\n```\n");
        }
    }
    text
}

/// A line for each field of `schema`, and behind a field that is a block, for each of the block's.
fn rows(prefix: &str, schema: &Value, schemas: &Schemas) -> Vec<Row> {
    let required: Vec<&str> = list(schema, "required").iter().filter_map(Value::as_str).collect();
    let mut rows = Vec::new();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let default = match field.get("default") {
            _ if required.contains(&name.as_str()) => "required".to_owned(),
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => format!("`{text}`"),
            Some(value) => format!("`{value}`"),
        };
        let name = format!("{prefix}{name}");
        let block = self::rows(&format!("{name}."), resolve(field, schemas), schemas);
        let described = if field["description"].is_string() { field } else { resolve(field, schemas) };
        rows.push(Row { name, kind: kind(field, schemas), default, description: one_line(described) });
        rows.extend(block);
    }
    rows
}

/// The type of a field in a user's words: `duration`, `integer, at least 1`, `` `first` or `all` ``.
fn kind(schema: &Value, schemas: &Schemas) -> String {
    if let Some(name) = reference(not_null(schema)) {
        let target = schemas.get(name).unwrap_or(&Value::Null);
        let choices = choices(target);
        return match target {
            _ if !choices.is_empty() => choices.join(" or "),
            _ if target["properties"].is_object() => "block".to_owned(),
            _ => words(name),
        };
    }
    let schema = not_null(schema);
    let choices = choices(schema);
    match type_name(schema) {
        _ if !choices.is_empty() => choices.join(" or "),
        "array" => format!("list of {}", plural(&kind(&schema["items"], schemas))),
        "object" if schema["additionalProperties"].is_object() => {
            format!("map of {}", plural(&kind(&schema["additionalProperties"], schemas)))
        }
        "object" => "map".to_owned(),
        "" => "any value".to_owned(),
        name => format!("{name}{}", limits(schema)),
    }
}

fn limits(schema: &Value) -> String {
    let limit = |key: &str, words: &str| schema.get(key).map(|limit| format!(", {words} {limit}"));
    let limits = [
        limit("minimum", "at least").filter(|_| schema["minimum"] != 0),
        limit("exclusiveMinimum", "greater than"),
        limit("maximum", "at most"),
    ];
    limits.into_iter().flatten().collect()
}

/// The words a field may hold, if it holds one of a few.
fn choices(schema: &Value) -> Vec<String> {
    let documented = list(schema, "oneOf").iter().filter_map(|choice| choice["const"].as_str());
    let plain = list(schema, "enum").iter().filter_map(Value::as_str);
    documented.chain(plain).map(|word| format!("`{word}`")).collect()
}

/// The schema beside `null` of a field that may be left out.
fn not_null(schema: &Value) -> &Value {
    list(schema, "anyOf").iter().find(|choice| choice["type"] != "null").unwrap_or(schema)
}

fn type_name(schema: &Value) -> &str {
    let several = list(schema, "type").iter().filter_map(Value::as_str).find(|name| *name != "null");
    schema["type"].as_str().or(several).unwrap_or_default()
}

/// The schema that a field means, where it refers to one by name.
fn resolve<'s>(schema: &'s Value, schemas: &'s Schemas) -> &'s Value {
    let schema = not_null(schema);
    reference(schema).and_then(|name| schemas.get(name)).unwrap_or(schema)
}

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn list<'s>(schema: &'s Value, key: &str) -> &'s [Value] {
    schema[key].as_array().map_or(&[], Vec::as_slice)
}

/// `FieldPath` and `field_path` as `field path`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.replace('_', " ").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

fn plural(kind: &str) -> String {
    if kind.ends_with("any value") { "any values".to_owned() } else { format!("{kind}s") }
}

/// The description as one line of a table.
fn one_line(schema: &Value) -> String {
    let description = schema["description"].as_str().unwrap_or_default();
    description.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
