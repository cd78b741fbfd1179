//! A pipeline from its start to its stop: edits, good and bad, a preview, a replay, and triggers.

use std::time::Duration;

use fieldline_api::{Fate, NodeState, PlanPreview, ReloadOutcome, ReloadResult, Status};
use fieldline_engine::Trigger;

use crate::front_end::run;

/// Ten readings a second, each made into something by `code`.
fn pipeline(code: &str) -> String {
    format!(
        "pipeline: p\nsources:\n  tick: {{ type: timer, every: 100ms }}\ntransforms:\n  work: {{ type: script, inputs: tick, code: \"{code}\" }}\nsinks:\n  out: {{ type: blackhole, inputs: work }}\n"
    )
}

#[tokio::test(start_paused = true)]
async fn a_good_edit_is_previewed_and_applied_and_a_bad_one_changes_nothing() {
    let heard = run(&pipeline("this.n = 1;"), async |front| {
        front.until("out", |out| out.balance.delivered > 3).await;

        front.files.write("plant/p.yaml", pipeline("this.n = 2;"));
        assert!(front.engine.files().await.files_differ, "an edit is seen before it is applied");
        let Ok(PlanPreview::Change(change)) = front.engine.preview().await else { panic!("it can be made") };
        let fates: Vec<_> = change.nodes.iter().map(|node| (node.node.as_str(), node.fate)).collect();
        assert_eq!(fates, [("p/tick", Fate::Keep), ("p/work", Fate::Restart), ("p/out", Fate::Keep)]);
        let outcome = front.edit(&pipeline("this.n = 2;")).await;
        assert_eq!(outcome.result(), ReloadResult::Applied);

        let bad = front.edit(&pipeline("this.n = ;")).await;
        assert_eq!(bad.result(), ReloadResult::Rejected);
        assert!(bad.reasons()[0].starts_with("plant/p.yaml:5:"), "{bad:?}");
        let preview = front.engine.preview().await;
        assert_eq!(preview, Ok(PlanPreview::Rejected { reasons: bad.reasons().to_vec() }));
        let Status { program, files } = front.engine.status().await;
        assert_eq!((program.generation, files.files_differ), (2, true));
        assert_eq!(files.last_reload, Some(bad));
        let delivered = front.node("out").balance.delivered;
        front.until("out", |out| out.balance.delivered > delivered + 10).await;
    })
    .await;
    assert_eq!(heard, ["ready with 3 nodes", "applied", "rejected", "stopping"]);
}

#[tokio::test(start_paused = true)]
async fn a_preview_beside_a_broken_file_is_what_the_reload_does() {
    let heard = run(&pipeline("this.n = 1;"), async |front| {
        let other = |code: &str| pipeline(code).replace("pipeline: p", "pipeline: q");
        front.files.write("plant/q.yaml", other("this.n = 1;"));
        assert_eq!(front.reload().await.result(), ReloadResult::Applied);

        front.files.write("plant/q.yaml", "oops: [".to_owned());
        front.files.write("plant/p.yaml", pipeline("this.n = 2;"));
        let Ok(PlanPreview::Change(change)) = front.engine.preview().await else { panic!("it can be made") };
        let of = |fate: Fate| {
            let nodes = change.nodes.iter().filter(|node| node.fate == fate);
            nodes.map(|node| node.node.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of(Fate::Restart), ["p/work"]);
        assert_eq!(of(Fate::Keep).len(), 5, "the broken pipeline continues as it runs: {change:?}");
        assert!(change.errors[0].starts_with("plant/q.yaml:1:"), "{change:?}");

        let ReloadOutcome::Applied(applied) = front.reload().await else {
            panic!("the other file is applied")
        };
        assert_eq!((applied.started, applied.errors), (vec!["p/work".to_owned()], change.errors));
        let Ok(PlanPreview::Rejected { reasons }) = front.engine.preview().await else {
            panic!("nothing but the errors is left")
        };
        assert_eq!(front.reload().await.reasons(), reasons);
    })
    .await;
    assert_eq!(heard, ["ready with 3 nodes", "applied", "applied", "rejected", "stopping"]);
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "dead letters are a real file")]
async fn what_has_failed_is_put_in_again_after_the_fix() {
    let heard = run(&pipeline("throw 1;"), async |front| {
        front.until("work", |work| work.balance.dead_lettered >= 5).await;
        let outcome = front.edit(&pipeline("this.n = 1;")).await;
        assert_eq!(outcome.result(), ReloadResult::Applied);
        let file = front.data.path().join("dead-letter/p.jsonl");
        let letters = std::fs::read_to_string(file).expect("events have failed");
        let failed = letters.lines().count() as u64;
        let before = front.node("out").balance.delivered;
        let outcome = front.engine.replay(&format!("{letters}nonsense\n")).await.expect("it runs");
        assert_eq!((outcome.replayed, outcome.refused.len()), (failed, 0));
        assert!(outcome.unreadable[0].starts_with(&format!("line {}: ", failed + 1)), "{outcome:?}");
        front.until("out", |out| out.balance.delivered >= before + failed).await;
    })
    .await;
    assert_eq!(heard, ["ready with 3 nodes", "applied", "stopping"]);
}

#[tokio::test(start_paused = true)]
async fn of_many_lines_that_are_no_letters_the_first_are_told_and_all_counted() {
    run(&pipeline("this.n = 1;"), async |front| {
        let outcome = front.engine.replay(&"x\n".repeat(100_000)).await.expect("it runs");
        assert_eq!((outcome.unreadable.len(), outcome.unreadable_lines), (20, 100_000));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_trigger_reloads_and_files_that_did_not_change_are_no_reason() {
    let heard = run(&pipeline("this.n = 1;"), async |front| {
        assert_eq!(front.heard(), ["ready with 3 nodes"]);
        let heard_after = async |trigger| {
            front.triggers.send(trigger).await.expect("it runs");
            tokio::time::sleep(Duration::from_secs(1)).await;
            front.heard()
        };
        assert_eq!(heard_after(Trigger::FilesChanged).await, [""; 0]);
        assert_eq!(heard_after(Trigger::Reload).await, ["unchanged"]);
        front.files.write("plant/p.yaml", pipeline("this.n = 2;"));
        assert_eq!(heard_after(Trigger::FilesChanged).await, ["applied"]);
        assert_eq!(heard_after(Trigger::FilesChanged).await, [""; 0]);
    })
    .await;
    assert_eq!(heard, ["stopping"]);
}

#[tokio::test(start_paused = true)]
async fn a_question_to_an_engine_that_has_stopped_is_answered_with_that() {
    let mut engine = None;
    let heard = run(&pipeline("this.n = 1;"), async |front| {
        engine = Some(front.engine.clone());
    })
    .await;
    assert_eq!(heard.last().map(String::as_str), Some("stopping"));
    let engine = engine.expect("just put there");
    let preview = engine.preview().await;
    assert_eq!(preview.expect_err("it has stopped").to_string(), "the program is stopping");
}

#[tokio::test(start_paused = true)]
async fn a_change_to_nothing_is_rejected_and_the_running_version_stays() {
    let heard = run(&pipeline("this.n = 1;"), async |front| {
        front.files.remove("plant/p.yaml");
        let renamed = front.reload().await;
        assert_eq!(renamed.result(), ReloadResult::Rejected, "the folder is gone: {renamed:?}");
        front.files.write("plant/notes.txt", "no pipeline");
        let emptied = front.reload().await;
        assert_eq!(emptied.reasons()[0], "no pipeline is left in the files; to end the program, stop it");
        let preview = front.engine.preview().await;
        assert_eq!(preview, Ok(PlanPreview::Rejected { reasons: emptied.reasons().to_vec() }));
        let delivered = front.node("out").balance.delivered;
        front.until("out", |out| out.balance.delivered > delivered + 10).await;
        let back = front.edit(&pipeline("this.n = 1;")).await;
        assert_eq!(back.result(), ReloadResult::Unchanged);
        assert!(!front.engine.files().await.files_differ);
    })
    .await;
    assert_eq!(heard, ["ready with 3 nodes", "rejected", "rejected", "unchanged", "stopping"]);
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "dead letters are a real file")]
async fn a_replay_into_a_queue_that_is_full_keeps_the_engine_from_nothing() {
    let slow = |code: &str| {
        pipeline(code).replace("blackhole,", "blackhole, max_rate: 1, buffer: { max_events: 1 },")
    };
    run(&slow("throw 1;"), async |front| {
        front.until("work", |work| work.balance.dead_lettered >= 5).await;
        let file = front.data.path().join("dead-letter/p.jsonl");
        let letter = std::fs::read_to_string(file).expect("events have failed");
        let letter = letter.lines().next().expect("a letter").replace("\"p/work\"", "\"p/out\"");
        let begun = tokio::time::Instant::now();
        let outcome = front.engine.replay(&format!("{letter}\n").repeat(2_000)).await.expect("it runs");
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
        assert!(outcome.replayed > 0 && outcome.replayed < 100, "{outcome:?}");
        let refused = format!(
            "`p/out` takes no more events now: its queue is full ({} events)",
            2_000 - outcome.replayed
        );
        assert_eq!(outcome.refused, [refused]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_fails_all_its_events_is_called_failing_until_it_is_mended() {
    let heard = run(&pipeline("throw \\\"no\\\";"), async |front| {
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert!(front.engine.program().ready, "it is not judged so soon");
        let work = front.until("work", |work| work.state == NodeState::Failing).await;
        assert!(work.error.is_some_and(|error| error.contains("no")), "the first error is told");
        assert!(!front.engine.program().ready && front.engine.program().healthy);
        assert!(!front.node("work").state.is_up() && front.node("out").state.is_up());
        let outcome = front.edit(&pipeline("this.n = 1;")).await;
        assert_eq!(outcome.result(), ReloadResult::Applied);
        front.until("out", |out| out.balance.delivered > 20).await;
        assert!(front.engine.program().ready);
    })
    .await;
    assert_eq!(heard.last().map(String::as_str), Some("stopping"));
}

#[tokio::test(start_paused = true)]
async fn a_source_without_its_sensor_is_called_failing_although_its_events_are_delivered() {
    let text = "pipeline: p\nsources:\n  air: { type: cpu_temperature, every: 1s, path: /nobody/has/this }\nsinks:\n  out: { type: blackhole, inputs: air }\n";
    run(text, async |front| {
        let air = front.until("air", |air| air.state == NodeState::Failing).await;
        assert!(air.error.as_deref().is_some_and(|error| error.contains("No such file")), "{air:?}");
        assert!(air.balance.delivered > 1 && !front.engine.program().ready);
        assert_eq!(front.node("out").state, NodeState::Running);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_fails_half_of_its_events_is_degraded_and_ready() {
    run(&pipeline("if meta.sequence % 2 == 0 { throw 1; }"), async |front| {
        let work = front.until("work", |work| work.state == NodeState::Degraded).await;
        assert!(work.error.is_some_and(|error| error.starts_with("script_error: ")));
        assert!(front.engine.program().ready);
    })
    .await;
}
