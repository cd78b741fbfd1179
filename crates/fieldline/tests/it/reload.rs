//! Files that are edited while the program runs them.

use serde_json::Value;

use crate::program::{folder, unused_port, write};
use crate::station::Station;

/// A station that counts its readings in a script.
fn counting(code: &str) -> String {
    format!(
        "pipeline: count\nsources:\n  tick: {{ type: timer, every: 10ms }}\ntransforms:\n  counted:\n    type: script\n    \
         inputs: tick\n    state_version: 1\n    code: |\n      state.count = (state.count ?? 0) + 1;\n      {code}\n\
         sinks:\n  print: {{ type: stdout, inputs: counted }}\n"
    )
}

const OLD: &str = "this = #{ count: state.count, sequence: meta.sequence, version: 1 };";
const NEW: &str = "this = #{ count: state.count, sequence: meta.sequence, version: 2 };";

/// Whether a line comes from a version of the script.
fn is_of(version: i64) -> impl Fn(&Value) -> bool {
    move |line| line["version"] == version
}

#[test]
fn a_script_that_is_edited_counts_on() {
    let folder = folder(&[("count.yaml", &counting(OLD))]);
    let station = Station::start(folder.path(), &[]);
    let mut lines = station.until(|line| line["count"].as_i64() > Some(20));
    write(&folder.path().join("count.yaml"), &counting(NEW));
    lines.extend(station.until(is_of(2)));
    for (index, line) in (1..).zip(&lines) {
        assert_eq!((&line["count"], &line["sequence"]), (&Value::from(index), &Value::from(index)), "{line}");
    }
}

#[test]
fn every_answer_to_a_reload_has_its_word_and_its_exit_code() {
    let folder = folder(&[("count.yaml", &counting(OLD))]);
    let path = folder.path().join("count.yaml");
    let station = Station::start(folder.path(), &["--no-watch"]);
    station.next();
    let before = station.ask_data("status");
    assert_eq!((&before["generation"], &before["files_differ"]), (&Value::from(1), &Value::from(false)));

    write(&path, &counting(NEW));
    assert_eq!(station.ask_data("status")["files_differ"], true, "an edit is seen before it is applied");
    let plan = station.ask("plan");
    assert_eq!(plan.code, 0, "{}", plan.out);
    assert!(plan.out.contains("~ inherit  count/counted"), "{}", plan.out);
    assert!(plan.out.contains("carried over: its `state`"), "{}", plan.out);
    let applied = station.ask("reload");
    assert_eq!((applied.code, applied.out.trim()), (0, "applied\nnodes: 1 restarted, 2 continued"));
    station.until(is_of(2));
    let unchanged = station.ask("reload");
    assert_eq!((unchanged.code, unchanged.out.trim()), (0, "unchanged"));

    write(&path, &counting(NEW).replace("inputs: counted", "inputs: cuonted"));
    let rejected = station.ask("reload");
    assert_eq!(rejected.code, 78);
    assert!(rejected.out.starts_with("rejected\n") && rejected.out.contains("cuonted"), "{}", rejected.out);
    let after = station.ask_data("status");
    assert_eq!((&after["generation"], &after["files_differ"]), (&Value::from(2), &Value::from(true)));
    assert_ne!(after["config"], before["config"]);
    assert!(after["errors"][0].as_str().is_some_and(|error| error.contains("cuonted")), "{after}");

    write(&path, &counting(NEW).replace("state_version: 1", "state_version: 2"));
    let plan = station.ask("plan");
    assert_eq!(plan.code, 3, "{}", plan.out);
    assert!(plan.out.contains("lost: its `state`"), "{}", plan.out);
}

#[test]
fn a_change_that_fails_is_taken_back_and_said_so() {
    let folder = folder(&[("count.yaml", &counting(OLD))]);
    let station = Station::start(folder.path(), &["--no-watch"]);
    station.until(|line| line["count"].as_i64() > Some(20));
    write(&folder.path().join("count.yaml"), &counting("throw \"no\";"));
    assert!(station.ask("reload").out.starts_with("applied\n"));
    let taken_back =
        station.logs(|line| line["message"] == "reload: rolled back; the version before runs again");
    let reason = taken_back["reason"].as_str().expect("it has one").to_owned();
    assert!(
        reason.starts_with("`count/counted` fails ") && reason.ends_with("before the change 0 %"),
        "{reason}"
    );
    assert!(reason.contains("; the first: count.yaml:11:7: no)"), "{reason}");
    station.until(is_of(1));
    let again = station.ask("reload");
    assert_eq!((again.code, again.out.trim()), (4, format!("rolled_back\n{reason}").as_str()));
    assert_eq!(station.ask_data("status")["last_reload"]["result"], "rolled_back");
}

#[test]
fn a_broken_station_runs_on_as_it_was_while_another_is_updated() {
    let other = |every: &str| {
        format!(
            "pipeline: other\nsources:\n  tick: {{ type: timer, every: {every} }}\nsinks:\n  none: {{ type: blackhole, inputs: tick }}\n"
        )
    };
    let folder = folder(&[("count.yaml", &counting(OLD)), ("other.yaml", &other("1s"))]);
    let station = Station::start(folder.path(), &["--no-watch"]);
    let mut lines = station.until(|line| line["count"].as_i64() > Some(20));
    write(&folder.path().join("count.yaml"), &counting(OLD).replace("inputs: counted", "inputs: cuonted"));
    let rejected = station.ask("reload");
    assert_eq!(rejected.code, 78, "nothing but the broken file was edited: {}", rejected.out);
    write(&folder.path().join("other.yaml"), &other("2s"));
    let plan = station.ask("plan");
    assert_eq!(plan.code, 78, "{}", plan.out);
    assert!(plan.out.starts_with("~ restart  other/tick: "), "{}", plan.out);
    assert!(plan.out.contains("\nfiles with errors continue as they run:\n    "), "{}", plan.out);
    let applied = station.ask_data("reload");
    assert_eq!(applied["started"], serde_json::json!(["other/tick"]));
    assert_eq!(station.ask_data("status")["files_differ"], true);
    let next = lines.len() as i64 + 100;
    lines.extend(station.until(|line| line["count"].as_i64() > Some(next)));
    for (index, line) in (1..).zip(&lines) {
        assert_eq!((&line["count"], &line["sequence"]), (&Value::from(index), &Value::from(index)), "{line}");
    }
}

#[test]
fn a_refused_change_is_told_with_its_reason_and_that_it_waits() {
    let port = unused_port();
    let pipeline = |sink: &str| {
        format!(
            "pipeline: p\nconnections:\n  c: {{ type: mqtt, url: \"mqtt://127.0.0.1:{port}\", client_id: i }}\nsources:\n  tick: {{ type: timer, every: 10ms }}\nsinks:\n  {sink}: {{ type: mqtt, inputs: tick, connection: c, topic: t }}\n  print: {{ type: stdout, inputs: tick }}\n"
        )
    };
    let folder = folder(&[("p.yaml", &pipeline("out"))]);
    let station = Station::start(folder.path(), &["--no-watch"]);
    (0..20).for_each(|_| drop(station.next()));
    write(&folder.path().join("p.yaml"), &pipeline("other"));
    let plan = station.ask("plan");
    assert_eq!(plan.code, 3, "{}", plan.out);
    let refused = station.ask("reload");
    assert_eq!(refused.code, 78, "{}", refused.out);
    let lines: Vec<&str> = refused.out.lines().collect();
    assert_eq!(lines[0], "rejected");
    assert!(lines[1].contains("wait in `p/out`, which cannot send now"), "{}", refused.out);
    let waits = "the files are applied without another reload once these events are sent";
    assert_eq!(lines[2..], [waits]);
    let status = station.ask("status").out;
    let told = format!("\nthe last change was refused:\n    {}\n{waits}", lines[1]);
    assert!(status.contains(&told), "{status}");
}
