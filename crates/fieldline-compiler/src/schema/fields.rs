//! The parts of the schema that are the language's own: the file's fields, inputs, params, tests.

use serde_json::{Map, Value, json};

use crate::params::TYPES;

/// The fields of a file beside its sections.
pub(super) fn top_level() -> Map<String, Value> {
    let fields = json!({
        "pipeline": {
            "description": "The name of the pipeline, unique in the program.",
            "type": "string",
            "pattern": r"^[A-Za-z0-9][A-Za-z0-9_.-]*$|\$\{",
            "maxLength": 256,
        },
        "description": { "description": "What the pipeline is for.", "type": "string" },
        "use": { "description": "The template that this station file sets the params of.", "type": "string" },
        "include": { "description": "Files whose nodes and params are added.", "$ref": "#/$defs/paths" },
        "params": {
            "description": "What a template asks for, or with `use` what a station answers.",
            "type": ["object", "null"],
            "propertyNames": { "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 64 },
        },
        "dead_letter": { "$ref": "#/$defs/dead_letter" },
        "rollback_window": { "$ref": "#/$defs/duration" },
        "tests": { "description": "Cases that `fieldline test` runs in virtual time.", "type": ["array", "null"],
            "items": { "$ref": "#/$defs/test" } },
    });
    fields.as_object().cloned().unwrap_or_default()
}

/// Adds what the fields refer to.
pub(super) fn add(definitions: &mut Map<String, Value>) {
    let shared = json!({
        "duration": {
            "description": "A span of time with units: `250ms`, `5s`, `1m30s`, `24h`.",
            "type": "string",
            "pattern": r"^(\s*[0-9.]+\s*(us|µs|ms|s|min|m|h|d)\s*)+$|^0$|\$\{",
        },
        "dead_letter": {
            "description": "Where failed events go: the name of a sink, or more. Without it they go to a file.",
            "anyOf": [{ "type": "string" }, {
                "type": "object",
                "properties": {
                    "sink": { "description": "The sink that takes them; what it does not take goes to the file.",
                        "type": "string" },
                    "folder": { "description": "Where the file PIPELINE.jsonl is; `dead-letter` of the data folder by default, and relative to that folder.", "type": "string" },
                    "max_size": { "description": "The size at which a file is put aside, 4KiB to 16MiB; 8MiB by default.", "$ref": "#/$defs/Size" },
                    "files": { "description": "How many files are kept, the one that is written included; 2 by default. The oldest goes, and what it held counts as dropped, `dead_letter_full`, at the nodes that failed it.", "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 100 }, { "type": "string", "pattern": r"\$\{" }] },
                },
                "additionalProperties": false,
            }],
        },
        "paths": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] },
        "node_name": {
            "description": "A source or transform, or one of its outputs: `node.output`.",
            "type": "string",
            "pattern": r"^[a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+)?$|\$\{",
        },
        "inputs": {
            "description": "The nodes whose events it takes.",
            "anyOf": [
                { "$ref": "#/$defs/node_name" },
                { "type": "array", "items": { "$ref": "#/$defs/node_name" } },
            ],
        },
        "with": {
            "description": "Nodes whose latest values lie beside each event: a list, or names of your own.",
            "anyOf": [
                { "$ref": "#/$defs/inputs" },
                { "type": "object", "additionalProperties": {
                    "anyOf": [{ "$ref": "#/$defs/node_name" }, { "$ref": "#/$defs/beside" }],
                } },
            ],
        },
        "beside": {
            "type": "object",
            "required": ["from"],
            "properties": {
                "from": { "$ref": "#/$defs/node_name" },
                "max_age": { "description": "How much older than the event the value may be, by the time of both; any age without it. An older one counts as missing.",
                    "$ref": "#/$defs/duration" },
                "missing": { "description": "What happens to an event without the value. `null`, the default: it is processed, and the value is null. `drop`: it is taken out, counted as `no_value` or `stale_value`. `wait`: it waits for the value, and those behind it too, 1,000 at most.",
                    "enum": ["null", null, "drop", "wait"] },
                "max_wait": { "description": "How long an event waits with `missing: wait`, 10s by default; after that it goes to the dead letter.",
                    "$ref": "#/$defs/duration" },
            },
            "additionalProperties": false,
        },
        "control": {
            "description": "Where commands come from that change settings of the node while it runs: a node, a block, or a list of those.",
            "anyOf": [
                { "$ref": "#/$defs/control_input" },
                { "type": "array", "items": { "$ref": "#/$defs/control_input" } },
            ],
        },
        "control_input": {
            "anyOf": [{ "$ref": "#/$defs/node_name" }, {
                "type": "object",
                "required": ["from"],
                "properties": {
                    "from": { "description": "The node whose events are commands.", "$ref": "#/$defs/node_name" },
                    "allow": { "description": "The settings they may set; all the node has without it.",
                        "type": "array", "items": { "type": "string" } },
                    "persist": { "description": "Whether what they set outlives the program.",
                        "anyOf": [{ "type": "boolean" }, { "type": "string", "pattern": r"\$\{" }] },
                    "expires": { "description": "How long what they set holds, and the longest that a command may ask for.",
                        "$ref": "#/$defs/duration" },
                },
                "additionalProperties": false,
            }],
        },
        "param": {
            "type": "object",
            "required": ["type"],
            "properties": {
                "type": { "description": "The type of its values.", "enum": TYPES },
                "default": { "description": "The value without one set; without a default it must be set." },
                "min": { "description": "The least amount.", "type": ["number", "string"] },
                "max": { "description": "The greatest amount.", "type": ["number", "string"] },
                "pattern": { "description": "A regular expression that the whole text matches.", "type": "string" },
                "choices": { "description": "The values there are.", "type": "array", "minItems": 1 },
                "description": { "description": "What it is for.", "type": "string" },
                "unit": { "description": "The unit of a number, for people.", "type": "string" },
                "secret": { "description": "Its value is never shown.", "type": "boolean" },
            },
            "additionalProperties": false,
        },
    });
    definitions.extend(shared.as_object().cloned().unwrap_or_default());
    definitions.extend(tests().as_object().cloned().unwrap_or_default());
}

fn counter(meaning: &str) -> Value {
    json!({ "description": meaning, "type": "integer", "minimum": 0 })
}

fn tests() -> Value {
    let mut row = json!({
        "name": { "description": "What the case shows.", "type": "string" },
        "at": { "description": "What time it is when the case begins.", "type": "string",
            "examples": ["2026-01-01T00:00:00Z"] },
        "params": { "description": "Params that the case sets.", "type": "object" },
        "env": { "description": "Environment variables that the case sets.", "type": "object",
            "additionalProperties": { "type": "string" } },
        "run": { "description": "Sources that run as they are, such as a timer; all others that are not fed are silent.",
            "type": "array", "items": { "type": "string" } },
        "feed": { "$ref": "#/$defs/feed" },
        "steps": { "description": "What happens then.", "type": "array", "items": { "$ref": "#/$defs/step" } },
        "expect": { "$ref": "#/$defs/expect" },
        "ledger": { "$ref": "#/$defs/ledger" },
    });
    let row_schema = json!({
        "type": "object", "required": ["name"], "properties": row.clone(), "additionalProperties": false,
    });
    row["each"] = json!({ "description": "A table: one case for each row, laid over this one.", "type": "array",
        "items": row_schema });
    let file = json!({ "type": "object", "required": ["file"], "properties": { "file": { "type": "string" } },
        "additionalProperties": false });
    let count = json!({ "type": "object", "required": ["count"],
        "properties": { "count": { "type": "integer", "minimum": 0 } }, "additionalProperties": false });
    let fed = json!({
        "type": "object",
        "properties": {
            "events": { "description": "The bodies of the events.", "type": "array" },
            "file": { "description": "A recording: JSON lines, or a table that ends in `.csv`.", "type": "string" },
            "every": { "description": "The time between two events; without it they come at once.",
                "$ref": "#/$defs/duration" },
            "time_field": { "description": "The field with the time of each event, whose pauses are kept.",
                "type": "string" },
            "repeat": { "description": "How many times all of them come.", "type": "integer", "minimum": 0 },
            "meta": { "description": "Metadata of all of them, such as `topic`.", "type": "object" },
        },
        "oneOf": [{ "required": ["events"] }, { "required": ["file"] }],
        "not": { "required": ["every", "time_field"] },
        "additionalProperties": false,
    });
    let timed = json!({ "type": "object", "required": ["events"], "properties": {
        "events": { "description": "Patterns, in order.", "type": "array" },
        "at": { "description": "How long after the case began each comes.", "type": "array",
            "items": { "$ref": "#/$defs/duration" } },
    }, "additionalProperties": false });
    let doors = [
        ("received", "Events that came in."),
        ("created", "Events that began here, such as readings or the results of a window."),
        ("delivered", "Events that were handed on or written."),
        ("filtered", "Events that were taken out on purpose."),
        ("absorbed", "Events that became part of later ones."),
        ("dead_lettered", "Events that failed and were kept aside."),
        ("dropped", "Events that a policy, such as that of a full buffer, threw away."),
        ("expired", "Events that grew too old."),
        ("lost", "Events that nobody accounted for; a case with any fails."),
    ];
    let doors: Map<String, Value> =
        doors.into_iter().map(|(door, meaning)| (door.to_owned(), counter(meaning))).collect();
    json!({
        "test": { "type": "object", "required": ["name"], "properties": row, "additionalProperties": false },
        "feed": {
            "description": "Events by node, which come from it, or to it if it is a sink: a list of bodies, or a recording \
                (JSON lines or CSV), with a pace.",
            "type": "object",
            "additionalProperties": { "anyOf": [{ "type": "array" }, fed] },
        },
        "step": {
            "type": "object",
            "properties": {
                "at": { "description": "How long after the case began.", "$ref": "#/$defs/duration" },
                "after": { "description": "How long after the step before.", "$ref": "#/$defs/duration" },
                "advance": { "description": "Lets this much time pass.", "$ref": "#/$defs/duration" },
                "feed": { "$ref": "#/$defs/feed" },
                "connection": { "description": "The connection that goes down.", "type": "string" },
                "down": { "description": "For how long.", "$ref": "#/$defs/duration" },
                "fail": {
                    "description": "The node that fails.",
                    "anyOf": [{ "type": "string" }, {
                        "type": "object",
                        "required": ["node"],
                        "properties": {
                            "node": { "type": "string" },
                            "times": { "type": "integer", "minimum": 0 },
                            "message": { "type": "string" },
                        },
                        "additionalProperties": false,
                    }],
                },
            },
            "anyOf": [{ "required": ["at"] }, { "required": ["after"] }, { "required": ["advance"] }],
            "dependentRequired": { "connection": ["down"], "down": ["connection"] },
            "additionalProperties": false,
        },
        "expect": {
            "description": "What comes out, by node: patterns in order, `{ count: 3 }`, `{ file: golden.jsonl }`, `absent`.",
            "type": "object",
            "additionalProperties": { "anyOf": [{ "type": "array" }, { "const": "absent" }, count, file, timed] },
        },
        "ledger": {
            "description": "What the accounts of nodes say in the end.",
            "type": "object",
            "additionalProperties": { "type": "object", "properties": doors, "additionalProperties": false },
        },
    })
}
