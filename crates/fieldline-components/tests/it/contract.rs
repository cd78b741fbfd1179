//! The contract of a component: what its definition, its config and its running part promise. A new
//! component is held to it by being listed, without a test of its own.

use std::path::Path;

use fieldline_core::read::Mismatch;
use fieldline_core::report::Severity;
use fieldline_core::{Definition, Kind, Outcome, Value, json};
use schemars::generate::SchemaSettings;

use crate::harness::{build, problems, read, run};

/// Runs `check` on every example of every component.
fn for_each_example(check: impl Fn(&Definition, &fieldline_core::Example)) {
    for definition in fieldline_components::all() {
        for example in definition.examples {
            check(&definition, example);
        }
    }
}

fn bodies(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| json::decode(line.as_bytes()).expect("the input is JSON lines")).collect()
}

fn schema(definition: &Definition) -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    (definition.schema)(&mut settings.into_generator()).to_value()
}

#[test]
fn a_component_is_found_under_its_name() {
    for definition in fieldline_components::all() {
        let name = definition.name;
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{name}");
        let section = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(definition.kind.section());
        let places = [section.join(format!("{name}.rs")), section.join(name).join("mod.rs")];
        assert!(places.iter().any(|place| place.exists()), "`{name}` is in none of {places:?}");
    }
}

#[test]
fn no_two_components_of_a_kind_have_the_same_name() {
    fieldline_core::Registry::new(fieldline_components::all());
}

#[test]
fn a_summary_is_one_sentence() {
    for definition in fieldline_components::all() {
        let summary = definition.summary;
        assert!(summary.starts_with(char::is_uppercase), "{summary}");
        assert!(summary.ends_with('.') && !summary[..summary.len() - 1].contains(". "), "{summary}");
    }
}

#[test]
fn every_field_has_a_description_that_is_a_sentence() {
    for definition in fieldline_components::all() {
        let schema = schema(&definition);
        let fields = schema["properties"].as_object().into_iter().flatten();
        for (field, schema) in fields {
            let description = schema["description"].as_str().unwrap_or_default();
            assert!(description.ends_with('.'), "{}.{field}: {description:?}", definition.name);
        }
    }
}

#[test]
fn an_unknown_field_is_refused() {
    for_each_example(|definition, example| {
        let mut config: Value = serde_yaml::from_str(example.config).expect("the example is YAML");
        config.as_map_mut().expect("a config is a map").insert("no_such_field".into(), Value::Null);
        let error = (definition.read)(&config, &fieldline_core::Plain).err().expect("it is refused");
        assert!(matches!(error.mismatch, Mismatch::UnknownField(..)), "{}: {error}", definition.name);
    });
}

#[test]
fn every_component_has_an_example_with_a_title() {
    for definition in fieldline_components::all() {
        assert!(!definition.examples.is_empty(), "{}", definition.name);
        assert!(definition.examples.iter().all(|example| !example.title.is_empty()), "{}", definition.name);
        let shown =
            definition.kind != Kind::Transform || definition.examples.iter().any(|e| !e.input.is_empty());
        assert!(shown, "no example of `{}` shows what goes in and comes out", definition.name);
    }
}

#[test]
fn every_example_passes_its_own_check() {
    for_each_example(|definition, example| {
        let prepared = read(definition, example.config).expect("the example fits");
        let errors: Vec<_> =
            problems(&prepared).into_iter().filter(|problem| problem.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{}, {}: {errors:?}", definition.name, example.title);
    });
}

/// No runtime is there in this test: a task, a timer or a socket begun by `build` would panic.
#[test]
fn every_example_builds_what_its_kind_says_without_any_effect() {
    for_each_example(|definition, example| {
        let built = build(&read(definition, example.config).expect("the example fits"));
        assert_eq!(built.kind(), definition.kind, "{}", definition.name);
    });
}

#[test]
fn settings_are_described_and_configured_by_every_example() {
    for definition in fieldline_components::all() {
        for setting in definition.settings {
            assert!(setting.summary.ends_with('.'), "{}.{}", definition.name, setting.name);
        }
    }
    for_each_example(|definition, example| {
        let facts = read(definition, example.config).expect("the example fits").facts();
        let names: Vec<&str> = facts.settings.0.keys().copied().collect();
        let mut declared: Vec<&str> = definition.settings.iter().map(|setting| setting.name).collect();
        declared.sort_unstable();
        assert_eq!(names, declared, "{}, {}", definition.name, example.title);
        for setting in definition.settings {
            let value = &facts.settings.0[setting.name];
            assert_eq!(setting.check(value).as_ref(), Ok(value), "{}, {}", definition.name, example.title);
        }
    });
}

#[tokio::test(start_paused = true)]
async fn every_transform_does_what_its_examples_say() {
    for definition in fieldline_components::all().filter(|definition| definition.kind == Kind::Transform) {
        for example in definition.examples {
            let run = run(&definition, example.config, &bodies(example.input)).await;
            let wanted: Vec<&str> = example.output.lines().collect();
            assert_eq!(run.timed, wanted, "{}, {}", definition.name, example.title);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_event_leaves_by_a_door_and_every_receipt_is_settled() {
    let strange = [r#"{}"#, r#"[1,2]"#, "null", r#""text""#, r#"{"temperature":{"a":[1]},"status":5}"#];
    for definition in fieldline_components::all().filter(|definition| definition.kind == Kind::Transform) {
        for example in definition.examples {
            let mut input = bodies(example.input);
            input.extend(bodies(&strange.join("\n")));
            let run = run(&definition, example.config, &input).await;
            assert_eq!((run.balance.in_flight(), run.balance.lost), (0, 0), "{}", definition.name);
            assert_eq!(run.outcomes.len(), input.len(), "{}: a receipt is kept back", definition.name);
            assert!(
                run.outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Delivered),
                "{}",
                definition.name
            );
        }
    }
}
