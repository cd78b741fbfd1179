//! The reference pages, as a user reads them.

use fieldline_components::reference::page;
use fieldline_core::Kind;
use schemars::generate::SchemaSettings;

use crate::harness::definition;

#[test]
fn a_page_tells_fields_defaults_and_examples() {
    let page = page(&definition(Kind::Source, "timer"));
    let expected = "\
<!-- Written from the component's definition; `UPDATE=1 cargo test` writes it anew. -->
# source `timer`

Makes the same event at an interval.

## Fields

The fields of a `timer`.

| Field | Type | Default | Meaning |
|---|---|---|---|
| `every` | duration | required | The time between two events, such as `5s`. The first event comes at once; one that could not be made in time is skipped. |
| `enabled` | boolean | `true` | Whether events are made. |
| `body` | map | `{}` | The body of each event; an empty map without it. |
| `count` | integer, at least 1 |  | How many events are made before the source ends; without it, it never does. |

## Settings

What commands can change while it runs, through `control:`.

| Setting | Value | Meaning |
|---|---|---|
| `every` | a duration from 100ms to 1d | The time between two readings. |
| `enabled` | true or false | Whether readings are taken; the first one is taken at once when it becomes true. |

## Examples

### Ask for a status every minute

```yaml
type: timer
every: 1m
body: { ask: status }
```

### Ten events, then stop

```yaml
type: timer
every: 100ms
count: 10
```
";
    assert_eq!(page, expected);
}

#[test]
fn a_block_and_a_choice_are_spelled_out() {
    let page = page(&definition(Kind::Sink, "file"));
    for line in [
        "| `path` | file path | required |",
        "| `format` | `jsonl` or `csv` | `jsonl` |",
        "| `columns` | list of field or meta paths |  |",
        "| `rotate` | block |  |",
        "| `rotate.max_size` | size |  |",
        "| `rotate.keep` | integer, at least 1 |",
        "| `sync` | `each_write` or `never` | `each_write` |",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
}

#[test]
fn an_example_shows_what_goes_in_and_what_comes_out() {
    let page = page(&definition(Kind::Transform, "route"));
    assert!(page.contains("| `routes` | map of conditions | required |"), "{page}");
    assert!(page.contains("\nIn:\n```\n1s {\"temperature\":31}\n"), "{page}");
    assert!(page.contains("\nOut:\n```\n1s alarm: {\"temperature\":31}\n"), "{page}");
}

#[test]
fn every_field_of_every_component_is_on_its_page() {
    for definition in fieldline_components::all() {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        let schema = (definition.schema)(&mut settings.into_generator()).to_value();
        let page = page(&definition);
        for field in schema["properties"].as_object().into_iter().flat_map(serde_json::Map::keys) {
            assert!(page.contains(&format!("| `{field}` | ")), "`{field}` is not in\n{page}");
        }
    }
}
