//! Changes that do worse than the version before, and some that only seem to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fieldline_api::{PlanPreview, ReloadOutcome, ReloadResult};

use crate::front_end::{FrontEnd, run};

const MINUTE: Duration = Duration::from_secs(60);
const GOOD: &str = "this.n = 1;";
const TEN: &str = "every: 100ms";

/// Readings from a timer, of which the script makes something.
fn pipeline(source: &str, code: &str) -> String {
    format!(
        "pipeline: p\nsources:\n  tick: {{ type: timer, {source} }}\ntransforms:\n  work: {{ type: script, inputs: tick, code: \"{code}\" }}\nsinks:\n  out: {{ type: blackhole, inputs: work }}\n"
    )
}

/// The same into the files of `folder` whose name is `file`.
fn into(folder: &Path, file: &str) -> String {
    let sink = format!("type: file, path: \"{}/{file}.jsonl\"", folder.display());
    pipeline(TEN, GOOD).replace("type: blackhole", &sink)
}

async fn last_reload(front: &FrontEnd) -> ReloadOutcome {
    front.engine.files().await.last_reload.expect("there was one")
}

/// The next reload with this result, within ten minutes.
async fn next_reload(front: &FrontEnd, result: ReloadResult) -> ReloadOutcome {
    for _ in 0..600 {
        let last = last_reload(front).await;
        if last.result() == result {
            return last;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("none was {result}, but: {:?}", last_reload(front).await);
}

/// Runs `before` for two minutes and `after` for one; gives the outcome. A program that is started then runs what has
/// not been rolled back.
async fn tried(before: &str, after: &str) -> ReloadOutcome {
    let mut outcome = None;
    run(before, async |front| {
        tokio::time::sleep(2 * MINUTE).await;
        assert_eq!(front.edit(after).await.result(), ReloadResult::Applied);
        tokio::time::sleep(MINUTE).await;
        let last = last_reload(front).await;
        let again = front.start_again();
        let runs_the_files = again.plan().fingerprint() == front.loader().load().compiled.plan.fingerprint();
        assert_eq!(runs_the_files, last.result() == ReloadResult::Applied);
        if let ReloadOutcome::RolledBack { reasons } = &last {
            let reasons = vec![format!("this version was rolled back: {}", reasons[0])];
            assert_eq!(front.engine.preview().await, Ok(PlanPreview::Rejected { reasons }));
        }
        outcome = Some(last);
    })
    .await;
    outcome.expect("just put there")
}

/// Why the change was rolled back.
async fn reason(before: &str, after: &str) -> String {
    let outcome = tried(before, after).await;
    assert_eq!(outcome.result(), ReloadResult::RolledBack, "{outcome:?}");
    outcome.reasons()[0].clone()
}

#[tokio::test(start_paused = true)]
async fn a_change_that_does_as_well_stays() {
    let outcome = tried(&pipeline(TEN, GOOD), &pipeline(TEN, "this.n = 2;")).await;
    assert_eq!(outcome.result(), ReloadResult::Applied, "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_under_which_every_event_fails_is_rolled_back() {
    let reason = reason(&pipeline(TEN, GOOD), &pipeline(TEN, "throw 1;")).await;
    assert!(reason.starts_with("`p/work` fails 100 % of its events"), "{reason}");
    assert!(reason.contains("; the first: plant/p.yaml:5:"), "{reason}");
    assert!(reason.ends_with("before the change 0 %"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_can_write_no_event_any_more_is_rolled_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let reason = reason(&into(folder.path(), "{{ event.n }}"), &into(folder.path(), "{{ event.m }}")).await;
    assert!(reason.starts_with("`p/out` fails 100 % of its events"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_fails_more_events_than_before_is_rolled_back() {
    let fails_one_of = |n: u32| pipeline(TEN, &format!("if meta.sequence % {n} == 0 {{ throw 1; }}"));
    let reason = reason(&fails_one_of(10), &fails_one_of(2)).await;
    assert!(reason.starts_with("`p/work` fails"), "{reason}");
    assert!(reason.ends_with("before the change 10 %"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_made_slower_stays() {
    let outcome = tried(&pipeline(TEN, GOOD), &pipeline("every: 1h", GOOD)).await;
    assert_eq!(outcome.result(), ReloadResult::Applied, "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_repair_that_fails_as_the_version_before_did_stays() {
    let outcome = tried(&pipeline(TEN, "throw 1;"), &pipeline(TEN, "throw 2;")).await;
    assert_eq!(outcome.result(), ReloadResult::Applied, "{outcome:?}");
}

/// A folder that a file sink writes into, and cannot open files in during an outage.
struct Plant {
    outside: tempfile::TempDir,
    folder: PathBuf,
}

impl Plant {
    fn new() -> Self {
        let outside = tempfile::tempdir().expect("a folder");
        let plant = Plant { folder: outside.path().join("out"), outside };
        std::fs::create_dir(&plant.folder).expect("a folder");
        plant
    }

    /// A file that is open is written on; the sink does not see the outage before it opens another.
    fn begin_outage(&self) {
        std::fs::rename(&self.folder, self.outside.path().join("away")).expect("it can be renamed");
        std::fs::File::create_new(&self.folder).expect("nothing can be written into a file");
    }

    fn end_outage(&self) {
        std::fs::remove_file(&self.folder).expect("it was made");
        std::fs::create_dir(&self.folder).expect("a folder");
    }

    /// The pipeline that writes into this file of the folder.
    fn pipeline(&self, file: &str) -> String {
        into(&self.folder, file)
    }

    fn has(&self, file: &str) -> bool {
        self.folder.join(file).with_extension("jsonl").exists()
    }

    /// Edits the pipeline during an outage that nobody has seen, and waits until that is rolled back for it.
    async fn edit_in_vain(&self, front: &FrontEnd) {
        tokio::time::sleep(2 * MINUTE).await;
        self.begin_outage();
        assert_eq!(front.edit(&self.pipeline("after")).await.result(), ReloadResult::Applied);
        let rolled_back = next_reload(front, ReloadResult::RolledBack).await;
        assert!(rolled_back.reasons()[0].starts_with("`p/out` does not come to work"), "{rolled_back:?}");
    }
}

/// Waits until the sink has written ten more events.
async fn ten_more(front: &FrontEnd) {
    let delivered = front.node("out").balance.delivered;
    front.until("out", |out| out.balance.delivered > delivered + 10).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_is_applied_again_where_the_version_before_does_not_work_either() {
    let plant = Plant::new();
    run(&plant.pipeline("before"), async |front| {
        plant.edit_in_vain(front).await;
        next_reload(front, ReloadResult::Applied).await;
        assert_eq!(front.reload().await.result(), ReloadResult::Unchanged);
        plant.end_outage();
        ten_more(front).await;
        assert!(plant.has("after") && !plant.has("before"));
        let again = front.start_again();
        assert_eq!(again.plan().fingerprint(), front.loader().load().compiled.plan.fingerprint());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_no_longer_in_the_files_is_not_applied_again() {
    let plant = Plant::new();
    run(&plant.pipeline("before"), async |front| {
        plant.edit_in_vain(front).await;
        assert_eq!(front.edit(&plant.pipeline("before")).await.result(), ReloadResult::Unchanged);
        tokio::time::sleep(2 * MINUTE).await;
        plant.end_outage();
        ten_more(front).await;
        assert!(plant.has("before") && !plant.has("after"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_rolled_back_when_the_files_are_broken_is_not_applied_again() {
    let plant = Plant::new();
    run(&plant.pipeline("before"), async |front| {
        tokio::time::sleep(2 * MINUTE).await;
        plant.begin_outage();
        assert_eq!(front.edit(&plant.pipeline("after")).await.result(), ReloadResult::Applied);
        assert_eq!(front.edit("pipeline: [").await.result(), ReloadResult::Rejected);
        next_reload(front, ReloadResult::RolledBack).await;
        tokio::time::sleep(2 * MINUTE).await;
        plant.end_outage();
        ten_more(front).await;
        assert!(plant.has("before") && !plant.has("after"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_is_rolled_back_only_in_the_pipeline_where_it_is_worse() {
    let (plant, other) = (Plant::new(), Plant::new());
    plant.begin_outage();
    let beside = |code: &str| pipeline(TEN, code).replace("pipeline: p", "pipeline: q");
    run(&plant.pipeline("out"), async |front| {
        front.files.write("plant/q.yaml", beside(GOOD));
        assert_eq!(front.reload().await.result(), ReloadResult::Applied);
        tokio::time::sleep(2 * MINUTE).await;
        front.files.write("plant/q.yaml", beside("throw 1;"));
        assert_eq!(front.edit(&other.pipeline("out")).await.result(), ReloadResult::Applied);
        let outcome = next_reload(front, ReloadResult::RolledBack).await;
        assert!(outcome.reasons()[0].starts_with("`q/work` fails 100 %"), "{outcome:?}");
        assert_eq!(outcome.reasons(), front.reload().await.reasons());
        tokio::time::sleep(2 * MINUTE).await;
        ten_more(front).await;
        assert!(other.has("out"));
        front.files.write("plant/q.yaml", beside(GOOD));
        assert_eq!(front.reload().await.result(), ReloadResult::Unchanged);
    })
    .await;
}

/// Makes every event fail and, before five have, makes the `second` edit of that.
async fn edit_twice(front: &FrontEnd, plant: &Plant, second: impl Fn(&str) -> String) {
    let slowly = |text: &str| text.replace(TEN, "every: 500ms");
    let bad = slowly(&plant.pipeline("first").replace(GOOD, "throw 1;"));
    assert_eq!(front.edit(&slowly(&plant.pipeline("first"))).await.result(), ReloadResult::Applied);
    tokio::time::sleep(2 * MINUTE).await;
    assert_eq!(front.edit(&bad).await.result(), ReloadResult::Applied);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(front.edit(&second(&bad)).await.result(), ReloadResult::Applied);
}

#[tokio::test(start_paused = true)]
async fn a_bad_change_is_rolled_back_also_if_another_follows_at_once() {
    let plant = Plant::new();
    run(&plant.pipeline("first"), async |front| {
        edit_twice(front, &plant, |bad| bad.replace("first.jsonl", "second.jsonl")).await;
        let outcome = next_reload(front, ReloadResult::RolledBack).await;
        assert!(outcome.reasons()[0].starts_with("`p/work` fails 100 %"), "{outcome:?}");
        assert_eq!(front.reload().await, outcome);
        ten_more(front).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_repair_of_a_change_that_is_still_on_trial_stays() {
    let plant = Plant::new();
    run(&plant.pipeline("first"), async |front| {
        edit_twice(front, &plant, |bad| bad.replace("throw 1;", "this.n = 2;")).await;
        tokio::time::sleep(MINUTE).await;
        let outcome = last_reload(front).await;
        assert_eq!(outcome.result(), ReloadResult::Applied, "{outcome:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_is_applied_again_when_the_outage_ends_that_it_was_blamed_for() {
    let plant = Plant::new();
    run(&plant.pipeline("before"), async |front| {
        plant.edit_in_vain(front).await;
        front.until("out", |out| out.error.is_some()).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        plant.end_outage();
        next_reload(front, ReloadResult::Applied).await;
        ten_more(front).await;
        assert_eq!(front.reload().await.result(), ReloadResult::Unchanged);
        assert!(plant.has("after"));
        tokio::time::sleep(2 * MINUTE).await;
        assert_eq!(last_reload(front).await.result(), ReloadResult::Applied);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_does_not_work_stays_out_where_the_version_before_works_at_once() {
    let plant = Plant::new();
    std::fs::File::create_new(plant.folder.join("file")).expect("nothing can be written into a file");
    run(&plant.pipeline("before"), async |front| {
        tokio::time::sleep(2 * MINUTE).await;
        assert_eq!(front.edit(&plant.pipeline("file/after")).await.result(), ReloadResult::Applied);
        next_reload(front, ReloadResult::RolledBack).await;
        tokio::time::sleep(2 * MINUTE).await;
        assert_eq!(front.reload().await.result(), ReloadResult::RolledBack);
        ten_more(front).await;
    })
    .await;
}
