//! The folder `schemas`, and what of it the program embeds: written from the definitions of the components, and never
//! stale.

use std::collections::BTreeMap;
use std::path::PathBuf;

use fieldline_api::openapi;
use fieldline_components::reference;
use fieldline_core::Registry;
use serde_json::{Map, Value};

use crate::picture::picture;
use crate::program::{fieldline, files, read, updates, workspace, write};
use crate::topics::topics;

const REFRESH: &str = "UPDATE=1 cargo test -p fieldline generated";

/// What is written, by path.
fn generated() -> BTreeMap<PathBuf, String> {
    let folder = workspace().join("schemas");
    let registry = Registry::new(fieldline_components::all());
    let mut all = BTreeMap::from([
        (folder.join("pipeline.schema.json"), schema(&registry)),
        (folder.join("admin.openapi.json"), pretty(&openapi::document())),
    ]);
    let mut list = String::from(LIST_BEGIN);
    for definition in registry.iter() {
        let name = format!("reference/{}/{}.md", definition.kind.section(), definition.name);
        list += &format!("    include_str!(\"../../../schemas/{name}\"),\n");
        for (number, example) in (1..).zip(definition.examples) {
            if let Some(path) = reference::picture(definition, number) {
                let section = folder.join("reference").join(definition.kind.section());
                all.insert(section.join(path), picture(definition, example));
            }
        }
        all.insert(folder.join(name), reference::page(definition));
    }
    list += LIST_OF_TOPICS;
    for (name, page) in topics() {
        let path = format!("reference/topics/{name}.md");
        // The program has this one in its code.
        if name != "exit-codes" {
            list += &format!("    include_str!(\"../../../schemas/{path}\"),\n");
        }
        all.insert(folder.join(path), page);
    }
    all.insert(workspace().join("crates/fieldline/src/reference.rs"), list + "];\n");
    all
}

/// The beginning of the module with all pages.
const LIST_BEGIN: &str = "\
//! Written by `UPDATE=1 cargo test -p fieldline generated`: the reference pages of all components and topics.

/// The pages of components, as they are in the folder `schemas`.
pub(crate) const PAGES: &[&str] = &[
";

/// What stands between components and topics there.
const LIST_OF_TOPICS: &str = "\
];

/// The pages of topics.
pub(crate) const TOPICS: &[&str] = &[
";

/// The schema of pipeline files, with a first line that says where it comes from.
fn schema(registry: &Registry) -> String {
    let comment =
        "Written by `fieldline schema --out FILE` from the definitions of the components; do not edit.";
    let mut schema = Map::from_iter([("$comment".to_owned(), comment.into())]);
    schema.extend(fieldline_compiler::schema::schema(registry).as_object().expect("an object").clone());
    pretty(&schema.into())
}

fn pretty(json: &Value) -> String {
    serde_json::to_string_pretty(json).expect("JSON") + "\n"
}

#[test]
fn schema_and_reference_pages_are_fresh() {
    let wanted = generated();
    let there: Vec<PathBuf> = ["json", "md", "svg"]
        .iter()
        .flat_map(|extension| files(&workspace().join("schemas"), extension))
        .collect();
    if updates() {
        for path in there.iter().filter(|path| !wanted.contains_key(*path)) {
            std::fs::remove_file(path).expect("a page of a component that is gone can be removed");
        }
        for (path, text) in &wanted {
            std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
            write(path, text);
        }
        return;
    }
    let left: Vec<&PathBuf> = there.iter().filter(|path| !wanted.contains_key(*path)).collect();
    assert!(left.is_empty(), "nothing makes {left:?} any more; refresh with `{REFRESH}`");
    for (path, text) in &wanted {
        assert!(read(path) == *text, "`{}` is stale; refresh with `{REFRESH}`", path.display());
    }
}

#[test]
fn every_generated_file_says_so_at_its_top() {
    for (path, text) in generated() {
        let top = text.lines().take(2).collect::<String>();
        assert!(top.contains("Written "), "{}: {top}", path.display());
    }
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&fieldline(&workspace(), &["schema"]).out).expect("JSON");
    assert!(jsonschema::meta::is_valid(&schema), "no schema of draft 2020-12");
    jsonschema::validator_for(&schema).expect("a schema that can be used")
}

#[test]
fn the_schema_accepts_every_pipeline_and_example() {
    let validator = validator();
    let mut paths = Vec::new();
    for folder in ["pipelines", "examples"] {
        paths.extend(files(&workspace().join(folder), "yaml"));
    }
    assert!(!paths.is_empty());
    for path in paths {
        let value: Value = serde_yaml::from_str(&read(&path)).expect("YAML");
        let complaints: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(complaints.is_empty(), "{}\n{complaints:#?}", path.display());
    }
}

/// Codes of components whose pages show what a schema can see to be wrong.
const WITHIN_REACH: [&str; 2] = ["bad-number", "bad-qos"];

/// The first pipeline of the page of a component's code.
fn case(code: &str) -> Value {
    let path = workspace().join(format!("crates/fieldline-components/tests/diagnostics/{code}.md"));
    let page = read(&path);
    let yaml = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a case");
    serde_yaml::from_str(yaml).expect("YAML")
}

#[test]
fn the_schema_rejects_what_it_can_know_to_be_wrong() {
    let validator = validator();
    let good = "pipeline: p\nsources:\n  air: { type: timer, every: 5s }\nsinks:\n  out: { type: stdout, inputs: air }\n";
    let valid = |text: &str| validator.is_valid(&serde_yaml::from_str::<Value>(text).expect("YAML"));
    assert!(valid(good));
    let broken = [
        ("unknown field", "every: 5s", "evry: 5s"),
        ("unknown field", "type: timer,", "type: timer, inputs: x,"),
        ("unknown field of the file", "sources:", "sorces:"),
        ("missing field", ", every: 5s", ""),
        ("wrong type", "every: 5s", "every: [5]"),
        ("wrong type", "every: 5s", "every: 5s, count: many"),
        ("no unit", "every: 5s", "every: 5"),
        ("unknown component", "type: stdout", "type: stdot"),
        ("bad name", "air:", "Air:"),
    ];
    for (what, right, wrong) in broken {
        assert!(!valid(&good.replace(right, wrong)), "{what}: `{wrong}` is accepted");
    }
    for code in WITHIN_REACH {
        assert!(!validator.is_valid(&case(code)), "{code}");
    }
}

#[test]
fn an_editor_is_told_what_a_field_means() {
    let schema: Value = serde_json::from_str(&fieldline(&workspace(), &["schema"]).out).expect("JSON");
    let every = &schema["$defs"]["source_timer"]["properties"]["every"];
    assert!(every.to_string().contains("The time between two events"), "{every}");
}
