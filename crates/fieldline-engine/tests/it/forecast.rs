//! What the preview says of an edit is what the edit does, with real components: scripts that count.

use std::path::Path;

use fieldline_api::{Change, Fate, PlanPreview, ReloadResult};
use fieldline_core::json;

use crate::front_end::{FrontEnd, run};

/// Counts in `state`, into the field `name`.
fn counts(name: &str) -> String {
    format!("state.n = (state.n ?? 0) + 1; this.{name} = state.n;")
}

/// Readings that `work` counts, with the only value of `other` beside them under `with`.
fn beside(folder: &Path, with: &str) -> String {
    format!(
        "pipeline: p\nsources:\n  tick: {{ type: timer, every: 100ms }}\n  other: {{ type: timer, every: 10ms, count: 1 }}\ntransforms:\n  work: {{ type: script, inputs: tick, with: {with}, code: \"{}\" }}\nsinks:\n  out: {{ type: file, inputs: work, path: \"{}\" }}\n",
        counts("n"),
        file(folder).display(),
    )
}

/// A chain of two scripts, each of which counts; `more` are more sinks.
fn chain(folder: &Path, more: &str) -> String {
    format!(
        "pipeline: p\nsources:\n  tick: {{ type: timer, every: 100ms }}\ntransforms:\n  first: {{ type: script, inputs: tick, code: \"{}\" }}\n  second: {{ type: script, inputs: first, code: \"{}\" }}\nsinks:\n  out: {{ type: file, inputs: second, path: \"{}\" }}\n{more}",
        counts("a"),
        counts("b"),
        file(folder).display(),
    )
}

fn file(folder: &Path) -> std::path::PathBuf {
    folder.join("out.jsonl")
}

/// The counts that were written under `name`, in order.
#[expect(clippy::disallowed_methods, reason = "the sink writes a real file")]
fn written(folder: &Path, name: &str) -> Vec<i64> {
    let text = std::fs::read_to_string(file(folder)).expect("the sink has written");
    let count = |line: &str| json::decode(line.as_bytes()).ok()?.as_map()?.get(name)?.as_i64();
    text.lines().map(|line| count(line).expect("each line has a count")).collect()
}

/// Lets `out` write ten events more.
async fn ten_more(front: &FrontEnd) {
    let delivered = front.node("out").balance.delivered;
    front.until("out", |out| out.balance.delivered >= delivered + 10).await;
}

/// Saves `text`, asks what a reload would do, and reloads.
async fn previewed_and_edited(front: &FrontEnd, text: &str) -> Change {
    front.files.write("plant/p.yaml", text.to_owned());
    let Ok(PlanPreview::Change(change)) = front.engine.preview().await else { panic!("it can be made") };
    assert_eq!(front.edit(text).await.result(), ReloadResult::Applied);
    change
}

/// What becomes of the node `p/name`, and which state gets lost.
fn forecast(change: &Change, name: &str) -> (Fate, Option<String>) {
    let node = change.nodes.iter().find(|node| node.node == format!("p/{name}")).expect("it has a forecast");
    (node.fate, node.lost.clone())
}

#[tokio::test(start_paused = true)]
async fn a_script_whose_value_gets_another_name_is_said_to_lose_its_count_and_begins_with_1() {
    let folder = tempfile::tempdir().expect("a folder");
    run(&beside(folder.path(), "{ v: other }"), async |front| {
        ten_more(front).await;
        let change = previewed_and_edited(front, &beside(folder.path(), "{ w: other }")).await;
        assert_eq!(forecast(&change, "work"), (Fate::Restart, Some("its `state`".to_owned())));
        assert!(change.loses);
        ten_more(front).await;
    })
    .await;
    let counts = written(folder.path(), "n");
    let before = counts.iter().skip(1).position(|count| *count == 1).expect("it begins anew") as i64 + 1;
    let after = counts.len() as i64 - before;
    assert_eq!(counts, (1..=before).chain(1..=after).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_second_reader_in_a_chain_is_said_to_move_two_scripts_and_both_count_on() {
    let folder = tempfile::tempdir().expect("a folder");
    run(&chain(folder.path(), ""), async |front| {
        ten_more(front).await;
        let tap = "  tap: { type: blackhole, inputs: first }\n";
        let change = previewed_and_edited(front, &chain(folder.path(), tap)).await;
        for (node, fate) in [
            ("tick", Fate::Keep),
            ("first", Fate::Move),
            ("second", Fate::Move),
            ("out", Fate::Keep),
            ("tap", Fate::Start),
        ] {
            assert_eq!(forecast(&change, node), (fate, None), "{node}");
        }
        assert!(!change.loses);
        ten_more(front).await;
        assert!(front.node("tap").balance.delivered >= 10);
    })
    .await;
    for name in ["a", "b"] {
        let counts = written(folder.path(), name);
        assert_eq!(counts, (1..=counts.len() as i64).collect::<Vec<_>>(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_must_be_fresh_now_is_said_to_move_a_script_which_obeys_and_counts_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let fresh = |age: &str| {
        beside(folder.path(), &format!("{{ v: {{ from: other, max_age: {age}, missing: drop }} }}"))
    };
    run(&fresh("1h"), async |front| {
        front.until("other", |other| other.balance.delivered == 1).await;
        ten_more(front).await;
        let change = previewed_and_edited(front, &fresh("1ms")).await;
        assert_eq!(forecast(&change, "work"), (Fate::Move, None));
        let delivered = front.node("out").balance.delivered;
        let filtered = front.node("work").balance.filtered;
        front.until("work", |work| work.balance.filtered >= filtered + 10).await;
        assert!(front.node("out").balance.delivered <= delivered + 1, "the value is too old for all");

        let change = previewed_and_edited(front, &fresh("1h")).await;
        assert_eq!(forecast(&change, "work"), (Fate::Move, None));
        ten_more(front).await;
    })
    .await;
    let counts = written(folder.path(), "n");
    assert!(counts.len() >= 20);
    assert_eq!(counts, (1..=counts.len() as i64).collect::<Vec<_>>());
}
