//! The `filter` transform: lets some events pass and takes the others out, counted.

use fieldline_core::condition::Condition;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, Example, Kind, Moment, Outputs, Transform,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The fields of a `filter`; exactly one of them is given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilterConfig {
    /// Events for which this condition holds pass; all others are taken out.
    keep: Option<Condition>,
    /// Events for which this condition holds are taken out; all others pass.
    drop: Option<Condition>,
}

impl Config for FilterConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "filter";
    const SUMMARY: &'static str = "Lets events pass or takes them out, by a condition on the body.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Only readings that succeeded",
            config: "keep: { status: success }",
            input: "{\"value\":21.5,\"status\":\"success\"}\n{\"value\":null,\"status\":\"fail\"}",
            output: "1s {\"value\":21.5,\"status\":\"success\"}",
        },
        Example {
            title: "Take out what cannot be true",
            config: "drop: { any: [ { temperature: { below: -40 } }, { temperature: { above: 85 } } ] }",
            input: "{\"temperature\":21.5}\n{\"temperature\":-274}\n{\"temperature\":85}",
            output: "1s {\"temperature\":21.5}\n3s {\"temperature\":85}",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        match (&self.keep, &self.drop) {
            (Some(_), Some(_)) => {
                cx.error("conflicting-fields", "drop", "`keep` and `drop` exclude each other")
                    .help("keep one of them; `not` turns a condition around");
            }
            (None, None) => {
                cx.error("missing-field", "", "a filter needs `keep` or `drop`")
                    .help("write for example `keep: { status: success }`");
            }
            _ => {}
        }
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let (condition, keep) = match (&self.keep, &self.drop) {
            (Some(condition), None) => (condition, true),
            (None, Some(condition)) => (condition, false),
            _ => return Err(BuildError::new("a filter needs either `keep` or `drop`")),
        };
        Ok(Built::Transform(Box::new(Filter { condition: condition.clone(), keep })))
    }
}

struct Filter {
    condition: Condition,
    keep: bool,
}

impl Transform for Filter {
    fn apply(&mut self, event: Event, _moment: &Moment<'_>, out: &mut Outputs) {
        if self.condition.holds(event.body()) == self.keep {
            out.send(event);
        } else {
            out.discard(event, if self.keep { "keep" } else { "drop" });
        }
    }
}
