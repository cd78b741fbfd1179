//! The dead letter as a sink, what it does not take, and how its events get back in.

use std::sync::Arc;
use std::time::Duration;

use fieldline_compiler::change::Losses;
use fieldline_compiler::{NodeId, Pipeline, Plan};
use fieldline_core::policy::{LetterFile, SinkPolicy};
use fieldline_core::{Draft, Outcome, Size};
use fieldline_runtime::InjectError;
use fieldline_runtime::dead_letter::Letter;

use crate::bench_plan::{Draw, Part, Witness, assert_balanced, balance, finished, runtime};

const SECOND: Duration = Duration::from_secs(1);

fn base(witness: &Witness) -> Draw {
    Draw::new(witness).node("air", Part::Numbers { pause: Duration::from_millis(1), limit: 30 }, &[])
}

/// The plan, with node `letters` for what fails.
fn with_dead_letter(draw: &Draw) -> Plan {
    let mut plan = draw.plan();
    plan.pipelines.push(Pipeline {
        name: Arc::from("p"),
        description: None,
        file: "p.yaml".into(),
        sources: Vec::new(),
        dead_letter: Some(NodeId::new("p", "letters")),
        letter_file: LetterFile::default(),
        rollback_window: None,
    });
    plan
}

async fn lines(folder: &std::path::Path) -> Vec<String> {
    let text = tokio::fs::read_to_string(folder.join("dead-letter/p.jsonl")).await.unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn failed_events_go_to_the_dead_letter_sink_which_answers_for_them() {
    let (folder, witness) = (tempfile::tempdir().expect("a folder"), Witness::default());
    let mut runtime = runtime(folder.path());
    let draw = base(&witness)
        .node("check", Part::Fails(3), &["air"])
        .node("out", Part::Refuses(5), &["check"])
        .node("letters", Part::WritesLettersAfter(4), &[]);
    runtime.apply(with_dead_letter(&draw)).await.expect("it can be built");
    tokio::time::sleep(SECOND / 2).await;
    assert!(witness.outcomes().len() <= 16, "what failed is not settled before the dead letter sink has it");
    finished(&runtime).await;
    assert_eq!(runtime.stop(60 * SECOND).await.cut_off, []);
    let expected = (0..30).filter(|n| n % 3 == 0 || n % 5 == 0);
    let mut letters = witness.written("letters");
    letters.sort_unstable();
    assert_eq!(letters, expected.collect::<Vec<i64>>());
    let status = runtime.view().status();
    assert_eq!(balance(&status, "check").dead_lettered, 10);
    assert_eq!(balance(&status, "letters").received, 14);
    assert_eq!(witness.outcomes(), vec![Outcome::Delivered; 30]);
    assert_balanced(&status);
    assert!(lines(folder.path()).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_dead_letter_sink_refuses_or_cannot_take_goes_to_the_file() {
    for letters in [Part::RefusesLetters, Part::Hangs] {
        let (folder, witness) = (tempfile::tempdir().expect("a folder"), Witness::default());
        let mut runtime = runtime(folder.path());
        let mut policy = SinkPolicy::default();
        policy.buffer.max_events = Some(1);
        let draw =
            base(&witness).node("check", Part::Fails(1), &["air"]).node("out", Part::Writes, &["check"]);
        let draw = draw.node_with("letters", letters.clone(), &[], policy);
        runtime.apply(with_dead_letter(&draw)).await.expect("it can be built");
        tokio::time::sleep(10 * SECOND).await;
        runtime.stop(SECOND).await;
        let status = runtime.view().status();
        assert_balanced(&status);
        let lines = lines(folder.path()).await;
        let nodes: Vec<NodeId> =
            lines.iter().map(|line| Letter::read(line).expect("a letter").node).collect();
        match letters {
            Part::Hangs => {
                assert!(nodes.iter().all(|node| node.node() == "check"));
                assert_eq!(lines.len() as u64 + balance(&status, "letters").lost, 30);
            }
            _ => {
                assert_eq!(nodes, vec![NodeId::new("p", "letters"); 30], "a letter fails once, in no circle")
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_sink_is_replaced_without_a_loss() {
    let (folder, witness) = (tempfile::tempdir().expect("a folder"), Witness::default());
    let mut runtime = runtime(folder.path());
    let plan = |after: u32| {
        let draw = Draw::new(&witness)
            .node("air", Part::Numbers { pause: Duration::from_millis(1), limit: 400 }, &[])
            .node("check", Part::Fails(1), &["air"])
            .node("out", Part::Writes, &["check"])
            .node("letters", Part::WritesLettersAfter(after), &[]);
        with_dead_letter(&draw)
    };
    runtime.apply(plan(0)).await.expect("it can be built");
    for after in 1..4 {
        tokio::time::sleep(SECOND / 20).await;
        assert_eq!(runtime.apply(plan(after)).await.expect("it can be built").cut_off, []);
    }
    finished(&runtime).await;
    assert_eq!(runtime.stop(60 * SECOND).await.cut_off, []);
    assert_eq!(witness.written("letters"), (0..400).collect::<Vec<_>>());
    assert_balanced(&runtime.view().status());
}

#[tokio::test(start_paused = true)]
async fn what_failed_can_be_put_in_again_where_it_failed() {
    let (folder, witness) = (tempfile::tempdir().expect("a folder"), Witness::default());
    let mut runtime = runtime(folder.path());
    let draw = |check| {
        let draw = base(&witness).node("before", Part::Twice, &["air"]);
        draw.node("check", check, &["before"]).node("out", Part::Writes, &["check"]).plan()
    };
    runtime.apply(draw(Part::Fails(3))).await.expect("it can be built");
    finished(&runtime).await;
    tokio::time::sleep(SECOND).await;
    runtime.apply(draw(Part::Pass)).await.expect("it can be built");
    for line in lines(folder.path()).await {
        let letter = Letter::read(&line).expect("a letter");
        let draft = Draft { body: letter.body, meta: letter.meta };
        runtime.inject(&letter.node, None, vec![draft]).await.expect("the node takes it");
    }
    let error = runtime.inject(&NodeId::new("p", "air"), None, Vec::new()).await;
    assert_eq!(error, Err(InjectError::TakesNone(NodeId::new("p", "air"))));
    let error = runtime.inject(&NodeId::new("p", "gone"), None, Vec::new()).await;
    assert_eq!(error, Err(InjectError::Unknown(NodeId::new("p", "gone"))));
    runtime.stop(60 * SECOND).await;
    let mut written = witness.written("out");
    written.sort_unstable();
    assert_eq!(
        written,
        (0..30).flat_map(|n| [n, n]).collect::<Vec<_>>(),
        "put in behind the node that doubles"
    );
    let check = balance(&runtime.view().status(), "check");
    assert_eq!((check.received, check.dead_lettered, check.delivered), (80, 20, 60));
}

#[tokio::test(start_paused = true)]
async fn what_a_full_dead_letter_file_lets_go_is_dropped_in_the_account_of_its_node() {
    let (folder, witness) = (tempfile::tempdir().expect("a folder"), Witness::default());
    let mut runtime = runtime(folder.path());
    let draw = base(&witness)
        .node("check", Part::Fails(2), &["air"])
        .node("out", Part::Refuses(3), &["check"])
        .node("letters", Part::Writes, &[]);
    let mut plan = with_dead_letter(&draw);
    let failed = |pipeline: &mut Pipeline| {
        pipeline.dead_letter = None;
        pipeline.letter_file = LetterFile { folder: Some("failed".into()), max_size: Size(600), files: 2 };
    };
    plan.pipelines.iter_mut().for_each(failed);
    runtime.apply(plan).await.expect("it can be built");
    finished(&runtime).await;
    runtime.stop(60 * SECOND).await;
    let status = runtime.view().status();
    assert_balanced(&status);
    let (check, out) = (balance(&status, "check"), balance(&status, "out"));
    assert_eq!((check.dead_lettered, out.dead_lettered), (15, 5));
    assert_eq!(check.dropped, check.reasons[&("dropped", "dead_letter_full")]);
    assert!(check.dropped > 0 && out.dropped > 0, "{check:?} and {out:?}");
    let mut kept = 0;
    for name in ["failed/p.jsonl", "failed/p.1.jsonl"] {
        kept += tokio::fs::read_to_string(folder.path().join(name)).await.expect(name).lines().count() as u64;
    }
    assert_eq!(kept, 20 - check.dropped - out.dropped, "what is not in the files is in the account");
}

#[tokio::test(start_paused = true)]
async fn what_is_put_in_again_comes_by_the_input_it_came_by() {
    let (folder, witness) = (tempfile::tempdir().expect("a folder"), Witness::default());
    let mut runtime = runtime(folder.path());
    let draw = |check, inputs: &[&str]| {
        let draw = base(&witness).node("split", Part::Split, &["air"]);
        draw.node("check", check, inputs).node("out", Part::Writes, &["check"]).plan()
    };
    runtime.apply(draw(Part::Fails(1), &["split", "split.1"])).await.expect("it can be built");
    finished(&runtime).await;
    tokio::time::sleep(SECOND).await;
    runtime.apply(draw(Part::Came("split.odd"), &["split", "split.1"])).await.expect("it can be built");
    let letters: Vec<Letter> =
        lines(folder.path()).await.iter().map(|line| Letter::read(line).expect("a letter")).collect();
    for letter in &letters {
        let draft = Draft { body: letter.body.clone(), meta: letter.meta.clone() };
        runtime.inject(&letter.node, letter.input.as_deref(), vec![draft]).await.expect("the node takes it");
    }
    let odd: Vec<i64> = letters.iter().map(|letter| letter.body.as_i64().expect("a number") % 2).collect();
    let check = NodeId::new("p", "check");
    let gone = runtime.inject(&check, Some("other"), Vec::new()).await;
    assert_eq!(gone, Err(InjectError::NoInput { node: check, input: "other".into() }));
    runtime.stop(60 * SECOND).await;
    assert_eq!(odd.iter().sum::<i64>(), 15, "half of the thirty");
    assert_eq!(witness.written("out"), odd);
}

/// The dead letter sink is replaced by one of another name while it cannot write: its letters go to the file, and nobody
/// waits for a sink that is not there yet.
#[tokio::test(start_paused = true)]
async fn letters_of_a_dead_letter_sink_that_is_renamed_are_kept() {
    let (folder, witness) = (tempfile::tempdir().expect("a folder"), Witness::default());
    let mut runtime = runtime(folder.path());
    let plan = |name: &str, part: Part| {
        let draw =
            base(&witness).node("check", Part::Fails(2), &["air"]).node("out", Part::Writes, &["check"]);
        let mut plan = with_dead_letter(&draw.node(name, part, &[]));
        plan.pipelines[0].dead_letter = Some(NodeId::new("p", name));
        plan
    };
    runtime.apply(plan("letters", Part::WritesLettersAfter(1_000))).await.expect("it can be built");
    tokio::time::sleep(SECOND).await;
    let next = plan("others", Part::Writes);
    let refused = runtime.apply(next.clone()).await.expect_err("it would lose letters");
    assert!(refused.to_string().contains("events wait in `p/letters`"), "{refused}");
    let begun = tokio::time::Instant::now();
    let applied = runtime.apply_with(next, Losses::CarryOver).await.expect("somebody says so");
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    assert_eq!(applied.cut_off, []);
    finished(&runtime).await;
    runtime.stop(60 * SECOND).await;
    let kept = lines(folder.path()).await.len();
    assert_eq!(applied.dead_lettered[&NodeId::new("p", "letters")], kept as u64);
    assert_eq!(kept + witness.written("others").len(), 15, "every letter is in one of both");
    assert_balanced(&runtime.view().status());
}
