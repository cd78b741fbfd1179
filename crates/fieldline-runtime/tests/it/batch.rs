//! Transforms that work on all events at hand at once, and what a panic costs them.

use std::sync::Arc;
use std::vec::Drain;

use async_trait::async_trait;
use fieldline_core::{
    Balance, Batch, BuildCx, BuildError, Built, CheckCx, Clock, ComponentError, Draft, Event, Facts, Meta,
    Moment, Outcome, Outputs, Prepare, Source, Transform, Value,
};
use fieldline_runtime::NodeState;

use crate::bench_plan::{Draw, Part, Witness, assert_balanced, finished, runtime};

/// Gives the numbers from 0 to 99 at once.
#[derive(Clone)]
struct Burst {
    is_over: bool,
    witness: Witness,
}

impl Prepare for Burst {
    fn check(&self, _: &mut CheckCx<'_>) {}

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Source(Box::new(self.clone())))
    }
}

#[async_trait]
impl Source for Burst {
    async fn next(&mut self, clock: &Clock) -> Result<Option<Batch>, ComponentError> {
        if std::mem::replace(&mut self.is_over, true) {
            return Ok(None);
        }
        let draft = |number| Draft { body: Value::Int(number), meta: Meta::new(clock.time(), "".into()) };
        Ok(Some(Batch { events: (0..100).map(draft).collect(), ..Batch::default() }))
    }

    async fn settle(&mut self, token: u64, outcome: Outcome) -> Result<(), ComponentError> {
        self.witness.0.lock().expect("no panic holds it").settled.insert(token, outcome);
        Ok(())
    }
}

/// What a transform does with a batch.
#[derive(Clone, Copy)]
enum Model {
    /// Each body becomes the size of its batch.
    Counts,
    /// Takes one after the other, and panics when it has taken 40.
    PanicsWithForty,
    /// Looks at all, and panics if 40 is among them, before it takes any.
    PanicsAtTheSightOfForty,
    /// Sends half of them and leaves the others.
    LeavesHalf,
}

impl Prepare for Model {
    fn check(&self, _: &mut CheckCx<'_>) {}

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Transform(Box::new(*self)))
    }
}

fn is_forty(event: &Event) -> bool {
    event.body() == &Value::Int(40)
}

impl Transform for Model {
    fn apply(&mut self, _: Event, _: &Moment<'_>, _: &mut Outputs) {
        unreachable!("it works on batches")
    }

    fn apply_batch(&mut self, events: &mut Drain<'_, Event>, _: &Moment<'_>, out: &mut Outputs) {
        let size = events.len();
        assert!(
            !(matches!(self, Model::PanicsAtTheSightOfForty) && events.as_slice().iter().any(is_forty)),
            "told to"
        );
        let most = if matches!(self, Model::LeavesHalf) { size / 2 } else { size };
        for mut event in events.take(most) {
            assert!(!(matches!(self, Model::PanicsWithForty) && is_forty(&event)), "told to");
            if matches!(self, Model::Counts) {
                *event.body_mut() = Value::Int(size as i64);
            }
            out.send(event);
        }
    }
}

/// What comes of a hundred numbers at once: what was written, the outcome, the account of the model and its restarts.
async fn run(model: Model) -> (Vec<i64>, Outcome, Balance, u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::default();
    let mut plan = Draw::new(&witness)
        .node("air", Part::Numbers { pause: std::time::Duration::ZERO, limit: 0 }, &[])
        .node("model", Part::Pass, &["air"])
        .node("out", Part::Writes, &["model"])
        .plan();
    plan.nodes[0].prepared = Arc::new(Burst { is_over: false, witness: witness.clone() });
    plan.nodes[1].prepared = Arc::new(model);
    let mut runtime = runtime(folder.path());
    runtime.apply(plan).await.expect("it can be built");
    finished(&runtime).await;
    runtime.stop(std::time::Duration::from_secs(60)).await;
    let status = runtime.view().status();
    assert_balanced(&status);
    let node = status.nodes.iter().find(|node| node.id.node() == "model").expect("it is there");
    assert_eq!(node.state, NodeState::Running);
    (witness.written("out"), witness.outcomes()[0], node.balance.clone(), node.restarts)
}

#[tokio::test(start_paused = true)]
async fn a_transform_gets_all_events_that_are_at_hand_at_once() {
    let (written, outcome, model, restarts) = run(Model::Counts).await;
    assert_eq!((written, outcome), (vec![100; 100], Outcome::Delivered));
    assert_eq!((model.received, model.delivered, restarts), (100, 100, 0));
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_what_a_batch_had_in_hand_and_the_rest_goes_to_a_new_instance() {
    let (written, outcome, model, restarts) = run(Model::PanicsWithForty).await;
    assert_eq!(written, (0..100).filter(|number| *number != 40).collect::<Vec<_>>());
    assert_eq!((outcome, model.lost, restarts), (Outcome::Lost, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_panic_before_anything_was_taken_costs_the_next_event() {
    let (written, outcome, model, restarts) = run(Model::PanicsAtTheSightOfForty).await;
    assert_eq!(written, (41..100).collect::<Vec<_>>());
    assert_eq!((outcome, model.lost, restarts), (Outcome::Lost, 41, 41));
}

#[tokio::test(start_paused = true)]
async fn what_a_transform_leaves_of_a_batch_is_lost_and_its_source_told_so() {
    let (written, outcome, model, restarts) = run(Model::LeavesHalf).await;
    assert_eq!(written, (0..50).collect::<Vec<_>>());
    assert_eq!((outcome, model.lost, restarts), (Outcome::Lost, 50, 0));
}
