//! What transforms remember over the end of the program: written at an interval and at the end, read before the first
//! event, and left alone where it does not fit.

use std::sync::Arc;
use std::time::Duration;

use fieldline_compiler::{NodeId, Pipeline, Plan};
use fieldline_core::Clock;
use fieldline_runtime::{Environment, MemoryStatus, Runtime, SystemTime, Unset};

use crate::bench_plan::{Draw, Part, Witness};
use crate::card::{Card, SAVE_EVERY};

const SECOND: Duration = Duration::from_secs(1);

/// A pipeline whose node `sum` adds 1 a second.
fn adding(witness: &Witness) -> Plan {
    let mut plan = Draw::new(witness)
        .node("air", Part::Numbers { pause: SECOND, limit: i64::MAX }, &[])
        .node("sum", Part::Adds(1), &["air"])
        .node("out", Part::Writes, &["sum"])
        .plan();
    plan.pipelines.push(pipeline("p"));
    plan
}

fn pipeline(name: &str) -> Pipeline {
    Pipeline {
        name: name.into(),
        description: None,
        file: format!("{name}.yaml").into(),
        sources: Vec::new(),
        dead_letter: None,
        letter_file: Default::default(),
        rollback_window: None,
    }
}

/// Runs a program in virtual time.
fn run<T>(program: impl Future<Output = T>) -> T {
    let single = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    single.expect("a tokio runtime").block_on(program)
}

/// Runs `plan` for `seconds`; lets it stop, or crash.
async fn live_on(mut runtime: Runtime, plan: Plan, seconds: u64, is_clean: bool) {
    runtime.apply(plan).await.expect("it can be built");
    tokio::time::sleep(Duration::from_secs(seconds) + SECOND / 2).await;
    if is_clean {
        runtime.stop(Duration::from_secs(5)).await;
    }
}

/// The sums of one life of the program.
fn live(card: &Card, seconds: u64, is_clean: bool) -> Vec<i64> {
    let witness = Witness::default();
    run(live_on(card.runtime(), adding(&witness), seconds, is_clean));
    witness.written("out")
}

/// The same for a plan that was changed, on a clock that begins later.
fn live_changed(card: &Card, start: &str, change: impl FnOnce(&mut Plan)) -> Vec<i64> {
    let witness = Witness::default();
    let mut plan = adding(&witness);
    change(&mut plan);
    run(live_on(card.runtime_at(start), plan, 5, true));
    witness.written("out")
}

fn file(card: &Card) -> std::path::PathBuf {
    card.folder.path().join("memory/p/sum")
}

#[test]
fn a_program_that_was_stopped_goes_on_where_it_was() {
    let card = Card::new();
    assert_eq!(live(&card, 5, true), [1, 2, 3, 4, 5]);
    assert_eq!(live(&card, 3, true), [6, 7, 8]);
    assert_eq!(live(&card, 2, true), [9, 10]);
}

#[test]
fn a_crash_costs_one_interval_at_most() {
    let card = Card::new();
    let mut before = 0;
    for seconds in [150, 61, 200, 90] {
        let sums = live(&card, seconds, false);
        let lost = before + 1 - sums[0];
        assert!((0..=SAVE_EVERY.as_secs() as i64 + 1).contains(&lost), "{lost} were lost");
        before = *sums.last().expect("there were readings");
    }
}

#[test]
fn the_disk_is_left_alone_while_nothing_changes() {
    let card = Card::new();
    let witness = Witness::default();
    run(async {
        let mut runtime = card.runtime();
        let plan = Draw::new(&witness)
            .node("air", Part::Numbers { pause: SECOND, limit: 200 }, &[])
            .node("sum", Part::Adds(0), &["air"])
            .node("out", Part::Writes, &["sum"])
            .plan();
        runtime.apply(plan).await.expect("it can be built");
        tokio::time::sleep(2 * SAVE_EVERY).await;
        let after_the_first = card.storage.counters().syncs;
        assert!(after_the_first > 0);
        tokio::time::sleep(60 * SAVE_EVERY).await;
        runtime.stop(SECOND).await;
        assert_eq!(card.storage.counters().syncs, after_the_first);
    });
}

#[test]
fn what_is_damaged_is_left_out_and_replaced() {
    let card = Card::new();
    live(&card, 5, true);
    card.storage.flip_bit(&file(&card), 140);
    assert_eq!(live(&card, 2, true), [1, 2]);
    assert_eq!(live(&card, 2, true), [3, 4]);
}

#[test]
fn what_was_remembered_under_another_configuration_is_left_out() {
    let card = Card::new();
    live(&card, 5, true);
    let other_key = |plan: &mut Plan| {
        let memory = plan.nodes[1].memory.as_mut().expect("the sum is remembered");
        memory.key = Some("other".to_owned());
    };
    assert_eq!(live_changed(&card, "2026-01-01T00:01:00Z", other_key)[0], 1);

    live(&card, 5, true);
    let other_type = |plan: &mut Plan| plan.nodes[1].component = "other";
    assert_eq!(live_changed(&card, "2026-01-01T00:01:00Z", other_type)[0], 1);
}

#[test]
fn what_is_too_old_is_left_out() {
    for (start, first) in
        [("2026-01-01T23:59:00Z", 6), ("2026-01-02T01:00:00Z", 1), ("1970-01-01T00:00:00Z", 6)]
    {
        let card = Card::new();
        live(&card, 5, true);
        assert_eq!(live_changed(&card, start, |_| {})[0], first, "{start}");
    }
}

#[test]
fn what_may_be_old_is_left_out_while_the_clock_is_not_set() {
    for (outlives, first) in [(Duration::MAX, 6), (3600 * SECOND, 1)] {
        let card = Card::new();
        live(&card, 5, true);
        let unset = Unset::default();
        unset.set(true);
        let environment = Environment {
            clock: Clock::new(SystemTime::new(unset)),
            data_dir: card.folder.path().into(),
            drain: SECOND,
            save_every: Some(SAVE_EVERY),
        };
        let witness = Witness::default();
        let mut plan = adding(&witness);
        let memory = plan.nodes[1].memory.as_mut().expect("the sum is remembered");
        memory.outlives = Some(outlives);
        run(async {
            let runtime = Runtime::with_storage(environment, Arc::new(card.storage.clone()));
            live_on(runtime, plan, 2, true).await;
        });
        assert_eq!(witness.written("out")[0], first);
    }
}

/// What is remembered of `p/sum` in the folder, by a program that runs `plan` and stops.
fn is_there_after(card: &Card, plan: Plan) -> bool {
    run(live_on(card.runtime(), plan, 1, true));
    use fieldline_store::Storage;
    card.storage.open(&file(card), false).is_ok()
}

#[test]
fn it_goes_with_its_node_and_stays_with_a_pipeline_that_does_not_run() {
    let card = Card::new();
    live(&card, 5, true);
    let mut elsewhere = Plan::default();
    elsewhere.pipelines.push(pipeline("q"));
    assert!(is_there_after(&card, elsewhere), "the file of `p` may be broken");
    let mut without = adding(&Witness::default());
    without.nodes[1].memory = None;
    assert!(!is_there_after(&card, without));
    assert_eq!(live(&card, 2, true), [1, 2]);
}

#[test]
fn a_pipeline_that_is_taken_out_while_it_runs_takes_its_memory_along() {
    let card = Card::new();
    run(async {
        let mut runtime = card.runtime();
        runtime.apply(adding(&Witness::default())).await.expect("it can be built");
        tokio::time::sleep(5 * SECOND).await;
        runtime.apply(Plan::default()).await.expect("nothing can be built");
    });
    assert_eq!(live(&card, 2, true), [1, 2]);
}

fn status(runtime: &Runtime) -> MemoryStatus {
    let nodes = runtime.view().status().nodes;
    let node = nodes.into_iter().find(|node| node.id == NodeId::new("p", "sum")).expect("it runs");
    node.memory.expect("it remembers a sum")
}

#[test]
fn a_disk_that_fails_is_told_and_written_to_again() {
    let card = Card::new();
    run(async {
        let mut runtime = card.runtime();
        card.storage.set_read_only(true);
        runtime.apply(adding(&Witness::default())).await.expect("it can be built");
        tokio::time::sleep(2 * SAVE_EVERY).await;
        let failed = status(&runtime);
        assert!(failed.is_kept && failed.saved_at.is_none() && failed.fault.is_some(), "{failed:?}");
        card.storage.set_read_only(false);
        tokio::time::sleep(2 * SAVE_EVERY).await;
        let saved = status(&runtime);
        assert!(saved.saved_at.is_some() && saved.fault.is_none(), "{saved:?}");
    });
}

#[test]
fn a_node_that_an_edit_changes_goes_on_and_is_saved() {
    let card = Card::new();
    run(async {
        let mut runtime = card.runtime();
        let witness = Witness::default();
        runtime.apply(adding(&witness)).await.expect("it can be built");
        tokio::time::sleep(10 * SECOND + SECOND / 2).await;
        let edited = Draw::new(&witness)
            .node("air", Part::Numbers { pause: SECOND, limit: i64::MAX }, &[])
            .node("sum", Part::Adds(100), &["air"])
            .node("out", Part::Writes, &["sum"])
            .plan();
        runtime.apply(edited).await.expect("it can be built");
        tokio::time::sleep(SECOND).await;
        assert_eq!(witness.written("out").last(), Some(&110));
        runtime.stop(SECOND).await;
    });
    assert_eq!(live(&card, 1, true), [111]);
}

#[tokio::test(start_paused = true)]
async fn a_program_that_saves_nothing_reads_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..2 {
        let witness = Witness::default();
        live_on(crate::bench_plan::runtime(folder.path()), adding(&witness), 5, true).await;
        assert_eq!(witness.written("out"), [1, 2, 3, 4, 5]);
    }
    assert!(!folder.path().join("memory").exists());
}
