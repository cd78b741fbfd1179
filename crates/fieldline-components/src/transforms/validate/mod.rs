//! The `validate` transform: lets readings pass that can be true. Here is its config; [`rules`] judges.

mod rules;

mod schema;

use std::collections::BTreeMap;

use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, Example, Facts, FieldPath, FilePath, Files, Kind,
    Map, Moment, Outputs, Period, Port, Transform, Value, json,
};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use self::rules::{Memory, Rules};
use self::schema::{BodySchema, SchemaError};
use super::checks::{check_above_zero, check_positive};
use super::keyed::{Keyed, default_max_keys, key_of};
use super::timing::{Timeline, Timing, nanos};
use crate::fields::{any_map, check_not_zero};
use crate::lookup::Lookup;

/// The output for readings that cannot be true.
const INVALID: Port = 1;

/// The fields of a `validate`. What breaks a rule is at the output `invalid`, with the reason in `meta.invalid`.
///
/// Only `required` minds that a field is missing or null.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValidateConfig {
    /// Fields that must be there and not null.
    #[serde(default)]
    required: Vec<Lookup>,
    /// The least and the greatest number of a field, each allowed itself.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Range>")]
    range: IndexMap<FieldPath, Range>,
    /// How fast a number may change, per second, since the last valid reading. After a lasting jump readings become
    /// valid again as time goes on.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, f64>")]
    rate: IndexMap<FieldPath, f64>,
    /// How long a value may stay exactly the same before the sensor counts as stuck.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Period>")]
    stuck: IndexMap<FieldPath, Period>,
    /// A JSON Schema that the body must fit, of draft 2020-12 if it does not say another. It may refer only to itself.
    /// Needs a program that was built with the feature `json-schema`.
    #[serde(default)]
    #[schemars(schema_with = "any_map")]
    schema: Option<Map>,
    /// A file with the schema, as JSON.
    schema_file: Option<FilePath>,
    /// Which time counts for `rate` and `stuck`.
    #[serde(default)]
    time: Timing,
    /// Remembers readings for each value found here apart, such as `meta.topic`.
    by: Option<Lookup>,
    /// The most keys that are remembered. A new one takes the place of the key that was silent for longest.
    #[serde(default = "default_max_keys")]
    max_keys: usize,
}

/// The numbers that can be true.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Range {
    /// The least.
    min: Option<f64>,
    /// The greatest.
    max: Option<f64>,
}

impl Config for ValidateConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "validate";
    const SUMMARY: &'static str =
        "Sends readings that cannot be true to an output of their own, with the reason.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "What the sensor can measure",
            config: "required: [temperature]\nrange: { temperature: { min: -40, max: 85 } }",
            input: "{\"temperature\":21.5}\n{\"temperature\":-274}\n{\"temperature\":null}",
            output: "1s main: {\"temperature\":21.5}\n2s invalid: {\"temperature\":-274}\n3s invalid: {\"temperature\":null}",
        },
        Example {
            title: "A jump, and a sensor that is stuck",
            config: "rate: { t: 2 }\nstuck: { t: 2s }",
            input: "{\"t\":20}\n{\"t\":29}\n{\"t\":22}\n{\"t\":22}\n{\"t\":22}\n{\"t\":23}",
            output: "1s main: {\"t\":20}\n2s invalid: {\"t\":29}\n3s main: {\"t\":22}\n4s main: {\"t\":22}\n5s invalid: {\"t\":22}\n6s main: {\"t\":23}",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        let rules =
            [self.required.is_empty(), self.range.is_empty(), self.rate.is_empty(), self.stuck.is_empty()];
        let no_schema = self.schema.is_none() && self.schema_file.is_none();
        if no_schema && rules.iter().all(|empty| *empty) {
            cx.error(
                "missing-field",
                "",
                "a validate without `required`, `range`, `rate`, `stuck` or a schema does nothing",
            )
            .help("write for example `range: { temperature: { min: -40, max: 85 } }`");
        }
        for (path, range) in &self.range {
            let field = format!("range.{path}");
            match (range.min, range.max) {
                (None, None) => {
                    cx.error("missing-field", &field, "a range without `min` and `max` allows everything")
                        .help("write for example `{ min: -40, max: 85 }`");
                }
                (Some(min), Some(max)) if min > max => {
                    cx.error("bad-number", &field, format!("no number is at least {min} and at most {max}"))
                        .help("let `min` and `max` change places");
                }
                _ => {}
            }
        }
        for (path, rate) in &self.rate {
            check_above_zero(cx, &format!("rate.{path}"), *rate);
        }
        for (path, period) in &self.stuck {
            check_not_zero(cx, &format!("stuck.{path}"), *period);
        }
        check_positive(cx, "max_keys", self.max_keys);
        self.check_schema(cx);
    }

    fn facts(&self) -> Facts {
        let files = self.schema_file.iter().map(|file| file.0.clone()).collect();
        Facts { outputs: vec!["main".to_owned(), "invalid".to_owned()], files, ..Facts::default() }
    }

    fn memory(&self, _files: &dyn Files) -> Option<fieldline_core::memory::Memory> {
        let compares = !self.rate.is_empty() || !self.stuck.is_empty();
        compares.then(|| fieldline_core::memory::Memory::of("the readings before"))
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let schema = match (&self.schema, &self.schema_file) {
            (Some(map), _) => Some(Value::Map(map.clone())),
            (None, Some(path)) => Some(json::decode(&cx.file(path)?).map_err(BuildError::new)?),
            (None, None) => None,
        };
        let schema = schema.map(|schema| BodySchema::new(&schema)).transpose().map_err(BuildError::new)?;
        let limits =
            |range: &Range| (range.min.unwrap_or(f64::NEG_INFINITY), range.max.unwrap_or(f64::INFINITY));
        let rules = Rules {
            required: self.required.clone(),
            range: self.range.iter().map(|(path, range)| (path.clone(), limits(range))).collect(),
            rate: self.rate.iter().map(|(path, rate)| (path.clone(), *rate)).collect(),
            stuck: self.stuck.iter().map(|(path, period)| (path.clone(), nanos(period.0))).collect(),
        };
        Ok(Built::Transform(Box::new(Validate {
            rules,
            schema,
            timing: self.time.clone(),
            by: self.by.clone(),
            memories: Keyed::new(self.max_keys),
            timeline: Timeline::default(),
        })))
    }
}

impl ValidateConfig {
    fn check_schema(&self, cx: &mut CheckCx<'_>) {
        let (field, schema) = match (&self.schema, &self.schema_file) {
            (None, None) => return,
            (Some(_), Some(_)) => {
                cx.error(
                    "conflicting-fields",
                    "schema_file",
                    "`schema` and `schema_file` exclude each other",
                )
                .help("keep one of them");
                return;
            }
            (Some(map), None) => ("schema", Ok(Value::Map(map.clone()))),
            (None, Some(path)) => {
                let Some(content) = cx.file("schema_file", path) else { return };
                ("schema_file", json::decode(&content).map_err(SchemaError::from))
            }
        };
        if !schema::IS_BUILT_IN {
            cx.error("no-json-schema", field, "this program was built without JSON Schema")
                .help("build it with the feature `json-schema`, or use `required` and `range`");
        } else if let Err(error) = schema.and_then(|schema| BodySchema::new(&schema)) {
            cx.error("bad-schema", field, format!("this is no JSON Schema: {error}"))
                .help("write for example `{ type: object, required: [temperature] }`");
        }
    }
}

struct Validate {
    rules: Rules,
    schema: Option<BodySchema>,
    timing: Timing,
    by: Option<Lookup>,
    memories: Keyed<Memory>,
    timeline: Timeline,
}

impl Transform for Validate {
    fn apply(&mut self, mut event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let now = self.timeline.now(moment);
        let nanos = match self.timing.of(&event, now) {
            Ok(nanos) => nanos,
            Err(error) => return out.fail(event, error),
        };
        let (memory, _) = self.memories.touch(&key_of(&event, self.by.as_ref()), moment.instant);
        let misfit = self.schema.as_ref().and_then(|schema| schema.complaint(event.body()));
        match misfit.or_else(|| self.rules.complaint(&event, nanos, memory)) {
            None => out.send(event),
            Some(complaint) => {
                event.meta_mut().fields.insert("invalid".into(), Value::from(complaint));
                out.send_to(INVALID, event);
            }
        }
    }
}
