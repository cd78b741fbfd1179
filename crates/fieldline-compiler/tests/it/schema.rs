//! The schema agrees with the compiler.

use fieldline_compiler::schema::schema;
use fieldline_core::report::Severity;
use serde_json::Value;

use crate::components::registry;
use crate::pages::single_files;
use crate::support::compile_text;

/// What a schema can say without looking at other nodes, files and values of params.
const WITHIN_REACH: [&str; 5] =
    ["unknown-field", "missing-field", "wrong-type", "unknown-component", "bad-name"];

/// Files that only the compiler refuses: whether a sink needs `inputs` depends on `dead_letter`.
const BEYOND: [&str; 1] = ["the sink `screen` has no `inputs`"];

#[test]
fn the_schema_accepts_good_files_and_rejects_what_it_can() {
    let schema = schema(&registry());
    assert!(jsonschema::meta::is_valid(&schema), "{schema:#}");
    let validator = jsonschema::validator_for(&schema).expect("a good schema");
    let (mut accepted, mut rejected) = (0, 0);
    for text in single_files() {
        let compiled = compile_text(&text);
        let Ok(value) = serde_yaml::from_str::<Value>(&text) else { continue };
        let errors: Vec<_> =
            compiled.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
        if errors.is_empty() {
            let complaints: Vec<String> =
                validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(complaints.is_empty(), "{text}\n{complaints:#?}");
            accepted += 1;
        } else if errors.iter().all(|error| WITHIN_REACH.contains(&error.code))
            && !errors.iter().any(|error| BEYOND.contains(&error.message.as_str()))
        {
            assert!(!validator.is_valid(&value), "the schema accepts\n{text}");
            rejected += 1;
        }
    }
    assert!(accepted >= 6 && rejected >= 14, "{accepted} accepted, {rejected} rejected");
}

#[test]
fn a_variable_may_stand_for_a_number_and_a_station_for_a_part() {
    let validator = jsonschema::validator_for(&schema(&registry())).expect("a good schema");
    let valid = |text: &str| validator.is_valid(&serde_yaml::from_str::<Value>(text).expect("YAML"));
    let text = "pipeline: p\nsources:\n  a: { type: ticker, every: 1s, average: \"${env.N}\", eager: \"${params.x}\" }\nsinks:\n  s: { type: console, inputs: a, max_rate: \"${env.R}\", buffer: { type: disk, max_size: 1MiB } }\n";
    assert!(valid(text));
    assert!(!valid(&text.replace("${env.N}", "many")));
    assert!(!valid(&text.replace("type: disk", "type: disc")));
    assert!(valid("use: t.yaml\nparams: { any: [1] }\nsinks:\n  s: { width: 4 }\n  k: ~\n"));
    assert!(!valid("use: t.yaml\nsinks:\n  s: { type: console, widht: 4 }\n"));
}

#[test]
fn fields_have_their_descriptions() {
    let schema = schema(&registry());
    let field = &schema["$defs"]["source_ticker"]["properties"]["every"];
    assert!(field.to_string().contains("Time between readings."), "{field}");
    assert_eq!(schema["$defs"]["source_ticker"]["description"], "Emits readings.");
}

#[test]
fn every_definition_is_there_and_is_used() {
    let schema = schema(&registry());
    let text = schema.to_string();
    let definitions = schema["$defs"].as_object().expect("definitions");
    for name in definitions.keys() {
        assert!(text.contains(&format!("\"#/$defs/{name}\"")), "nothing refers to {name}");
    }
    for reference in text.split("\"#/$defs/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(definitions.contains_key(reference), "{reference} is not there");
    }
}
