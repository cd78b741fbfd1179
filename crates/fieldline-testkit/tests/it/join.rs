//! Joins whose sides are told by the input their events come by.

use crate::support::check;

#[test]
fn two_branches_of_one_source_are_told_by_their_inputs() {
    check(
        "pipeline: p
sources:
  readings: { type: timer, every: 15s }
transforms:
  sorted: { type: route, inputs: readings, routes: { low: { v: { below: 10 } } } }
  doubled: { type: script, inputs: sorted.low, code: \"this.v *= 2;\" }
  pairs: { type: join, inputs: [sorted.low, sorted.otherwise], sides: { low: { input: sorted.low }, high: { input: sorted.otherwise } }, within: 1m }
  both: { type: join, inputs: [doubled, sorted.low], sides: { once: { input: sorted.low }, twice: { input: doubled } }, within: 1m }
sinks:
  out: { type: blackhole, inputs: both }
  paired: { type: blackhole, inputs: pairs }
tests:
  - name: case
    feed: { readings: [{ v: 1 }, { v: 20 }] }
    expect:
      out: [{ once: { v: 1 }, twice: { v: 2 } }]
      paired: [{ low: { v: 1 }, high: { v: 20 } }]
",
        "1 case: 1 passed, 0 failed",
    );
}
