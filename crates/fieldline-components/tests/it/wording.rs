//! What a user reads about a value that does not fit, over all fields of all components: a place, plain words, and what
//! to write instead.

use std::path::PathBuf;

use fieldline_compiler::diagnostics::data::{DiagnosticData, data};
use fieldline_compiler::{MemoryFiles, MemoryVariables, Overrides, Request, compile};
use fieldline_core::{Definition, Kind, Registry};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Words of Rust and of its libraries.
const FOREIGN: &[&str] = &[
    "bool", "char", "enum", "f32", "f64", "i16", "i32", "i64", "i8", "isize", "newtype", "nonzero", "option",
    "str", "struct", "tuple", "u16", "u32", "u64", "u8", "untagged", "usize", "variant", "vec",
];

/// Values that few fields take.
fn odd() -> [Value; 12] {
    let huge = json!(1e30);
    let (null, list, map) = (Value::Null, json!([]), json!({ "x": 1 }));
    [
        json!(0),
        json!(-1),
        json!(300),
        json!(70_000),
        json!(i64::MAX),
        json!(0.5),
        huge,
        json!(""),
        json!("x"),
        null,
        list,
        map,
    ]
}

/// The paths of all fields in `schema`, those of lists at their first element.
fn paths(schema: &Value, at: &[String], found: &mut Vec<(Vec<String>, Value)>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = [at, std::slice::from_ref(name)].concat();
        found.push((path.clone(), field.clone()));
        paths(field, &path, found);
    }
    for part in ["anyOf", "oneOf", "allOf"] {
        for part in schema[part].as_array().into_iter().flatten() {
            paths(part, at, found);
        }
    }
}

/// `config` with `value` in the place of the field at `path`.
fn with(config: &Value, path: &[String], value: Value) -> Value {
    let [name, rest @ ..] = path else { return value };
    let mut fields = config.as_object().cloned().unwrap_or_default();
    let inner = with(&fields.get(name).cloned().unwrap_or_default(), rest, value);
    fields.insert(name.clone(), inner);
    fields.into()
}

/// What the compiler says of a pipeline with this node.
fn said(registry: &Registry, definition: &Definition, config: &Value) -> Vec<DiagnosticData> {
    let mut node: Map<String, Value> = config.as_object().cloned().unwrap_or_default();
    node.insert("type".into(), definition.name.into());
    if matches!(definition.kind, Kind::Transform | Kind::Sink) {
        node.insert("inputs".into(), json!(["tick"]));
    }
    let mut pipeline = json!({
        "pipeline": "p",
        "connections": { "plant": { "type": "mqtt", "broker": "embedded" } },
        "sources": { "tick": { "type": "timer", "every": "1s" } },
        "transforms": {},
        "sinks": {},
    });
    pipeline[definition.kind.section()]["node"] = node.into();
    let text = serde_json::to_string_pretty(&pipeline).expect("JSON");
    let files = MemoryFiles::default().with("pipeline.yaml", text);
    let compiled = compile(&Request {
        roots: &[PathBuf::from("pipeline.yaml")],
        files: &files,
        variables: &MemoryVariables::default(),
        registry,
        overrides: Overrides::default(),
    });
    compiled.diagnostics.iter().map(|diagnostic| data(diagnostic, &compiled.files)).collect()
}

/// What is wrong with the wording of a diagnostic.
fn fault(diagnostic: &DiagnosticData) -> Option<String> {
    let text = format!("{} {}", diagnostic.message, diagnostic.help);
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let foreign = words.map(str::to_lowercase).find(|word| FOREIGN.contains(&word.as_str()));
    match foreign {
        Some(word) => Some(format!("says `{word}`")),
        None if diagnostic.help.is_empty() => Some("has no help".into()),
        None if diagnostic.place.line < 2 => Some("has no place".into()),
        None => None,
    }
}

/// Whether the field's schema says that `value` is no value of it.
fn is_refused(field: &Value, value: &Value) -> bool {
    let below = field["minimum"].as_f64().zip(value.as_f64()).is_some_and(|(least, value)| value < least);
    let above = field["maximum"].as_f64().zip(value.as_f64()).is_some_and(|(most, value)| value > most);
    below || above
}

#[test]
fn every_complaint_about_a_value_has_a_place_plain_words_and_a_help() {
    let registry = Registry::new(fieldline_components::all());
    let mut faults = Vec::new();
    for definition in registry.iter() {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        let schema = (definition.schema)(&mut settings.into_generator()).to_value();
        let mut fields = Vec::new();
        paths(&schema, &[], &mut fields);
        let config: Value = serde_yaml::from_str(definition.examples[0].config).expect("YAML");
        for (path, field) in fields {
            for value in odd() {
                let name =
                    format!("{} {}.{} = {value}", definition.kind.word(), definition.name, path.join("."));
                let said = said(&registry, definition, &with(&config, &path, value.clone()));
                if is_refused(&field, &value) && !said.iter().any(|each| each.severity == "error") {
                    faults.push(format!("{name}: is taken"));
                }
                for diagnostic in &said {
                    if let Some(fault) = fault(diagnostic) {
                        faults.push(format!("{name}: {fault}: {} / {}", diagnostic.message, diagnostic.help));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}
