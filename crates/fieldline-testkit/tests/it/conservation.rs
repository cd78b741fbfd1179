//! What no case may do, whether it expects something or not: lose an event without saying so.

use fieldline_core::{
    BuildCx, BuildError, Built, Config, Definition, Event, Example, Kind, Moment, Outputs, Transform,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::support::check;

/// A transform with a mistake: it drops every event without a word.
pub(crate) const FORGETS: Definition = Definition::of::<Forgets>();

/// The fields of a `forgets`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forgets {}

impl Config for Forgets {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "forgets";
    const SUMMARY: &'static str = "Loses events.";
    const EXAMPLES: &'static [Example] = &[];

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Transform(Box::new(Forgetting)))
    }
}

struct Forgetting;

impl Transform for Forgetting {
    fn apply(&mut self, event: Event, _: &Moment<'_>, _: &mut Outputs) {
        drop(event);
    }
}

fn forgetful(case: &str) -> String {
    format!(
        "pipeline: drying
sources:
  air: {{ type: timer, every: 1s }}
transforms:
  hole: {{ type: forgets, inputs: [air] }}
sinks:
  out: {{ type: blackhole, inputs: [hole] }}
tests:
  - name: into the hole
    feed: {{ air: [1, 2] }}
{case}"
    )
}

#[test]
fn a_case_that_loses_events_fails_although_it_expects_nothing() {
    check(
        &forgetful(""),
        "FAIL drying: into the hole
  --> pipeline.yaml:9:11
  `hole` lost 2 of 2

1 case: 0 passed, 1 failed",
    );
}

#[test]
fn a_loss_may_be_expected() {
    check(&forgetful("    ledger: { hole: { lost: 2 } }\n"), "1 case: 1 passed, 0 failed");
}
