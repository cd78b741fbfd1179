//! The `file` sink on a real disk, in a folder of its own.

use std::path::Path;
use std::time::Duration;

use fieldline_core::{Built, ComponentError, Door, Event, Kind, Meta, Receipt, Sink, WriteError, json};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::time::advance;

use crate::harness::{build, definition, read};

/// A `file` sink that writes into `folder`; `config` has its path first, relative to that folder.
async fn sink(folder: &TempDir, config: &str) -> Box<dyn Sink> {
    let config = config.replacen("path: ", &format!("path: {}/", folder.path().display()), 1);
    connected(&config).await.expect("the file can be opened")
}

async fn connected(config: &str) -> Result<Box<dyn Sink>, ComponentError> {
    let prepared = read(&definition(Kind::Sink, "file"), config).expect("the config fits");
    let Built::Sink(mut sink) = build(&prepared) else { panic!("no sink") };
    sink.connect().await?;
    Ok(sink)
}

async fn write(sink: &mut dyn Sink, bodies: &[&str]) -> Result<(), WriteError> {
    let event = |body: &&str| {
        let meta = Meta::new(Timestamp::UNIX_EPOCH, "drying/air".into());
        Event::new(json::decode(body.as_bytes()).expect("JSON"), meta, Receipt::untracked())
    };
    let events: Vec<Event> = bodies.iter().map(event).collect();
    let result = sink.write(&events).await;
    events.into_iter().for_each(|event| event.finish(Door::Delivered));
    result
}

/// The places and reasons of the events that were not written.
fn refused(result: Result<(), WriteError>) -> Vec<(usize, &'static str)> {
    match result {
        Err(WriteError::Some(refused)) => {
            refused.iter().map(|(place, error)| (*place, error.reason())).collect()
        }
        other => panic!("not refused one by one: {other:?}"),
    }
}

async fn content(folder: &TempDir, name: &str) -> String {
    tokio::fs::read_to_string(folder.path().join(name)).await.expect("the file is there")
}

async fn names(folder: &Path) -> Vec<String> {
    let mut entries = tokio::fs::read_dir(folder).await.expect("the folder is there");
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await.expect("the folder can be read") {
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    names
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for a while")
}

#[tokio::test]
async fn lines_are_appended_to_what_is_there() {
    let folder = folder();
    for body in [r#"{"a":1}"#, r#"{"a":2}"#] {
        let mut sink = sink(&folder, "path: deep/readings.jsonl").await;
        assert_eq!(write(sink.as_mut(), &[body, "5"]).await, Ok(()));
        sink.close().await;
    }
    assert_eq!(content(&folder, "deep/readings.jsonl").await, "{\"a\":1}\n5\n{\"a\":2}\n5\n");
}

#[tokio::test]
async fn a_line_cut_off_by_a_power_failure_is_ended() {
    let folder = folder();
    tokio::fs::write(folder.path().join("a.jsonl"), "{\"a\":").await.expect("room for it");
    let mut sink = sink(&folder, "path: a.jsonl").await;
    assert_eq!(write(sink.as_mut(), &["1"]).await, Ok(()));
    assert_eq!(content(&folder, "a.jsonl").await, "{\"a\":\n1\n");
}

#[tokio::test]
async fn no_file_grows_beyond_its_size_and_only_the_newest_stay() {
    let folder = folder();
    let mut sink = sink(&folder, "path: a.jsonl\nrotate: { max_size: 6B, keep: 2 }").await;
    let bodies: Vec<String> = (10..20).map(|number: i32| number.to_string()).collect();
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    assert_eq!(write(sink.as_mut(), &bodies[..5]).await, Ok(()));
    assert_eq!(write(sink.as_mut(), &bodies[5..]).await, Ok(()));
    assert_eq!(names(folder.path()).await, ["a.jsonl", "a.jsonl.1", "a.jsonl.2"]);
    assert_eq!(content(&folder, "a.jsonl").await, "18\n19\n");
    assert_eq!(content(&folder, "a.jsonl.1").await, "16\n17\n");
    assert_eq!(content(&folder, "a.jsonl.2").await, "14\n15\n");
    assert_eq!(write(sink.as_mut(), &["1234567890", "1"]).await, Ok(()));
    assert_eq!(content(&folder, "a.jsonl.1").await, "1234567890\n");
    assert_eq!(content(&folder, "a.jsonl").await, "1\n");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_old_enough_is_begun_anew() {
    let folder = folder();
    let mut sink = sink(&folder, "path: a.jsonl\nrotate: { every: 24h }").await;
    assert_eq!(write(sink.as_mut(), &["1"]).await, Ok(()));
    advance(Duration::from_secs(86_000)).await;
    assert_eq!(write(sink.as_mut(), &["2"]).await, Ok(()));
    advance(Duration::from_secs(500)).await;
    assert_eq!(write(sink.as_mut(), &["3"]).await, Ok(()));
    assert_eq!(content(&folder, "a.jsonl.1").await, "1\n2\n");
    assert_eq!(content(&folder, "a.jsonl").await, "3\n");
}

#[tokio::test]
async fn each_new_table_begins_with_its_names() {
    let folder = folder();
    let mut sink = sink(&folder, "path: a.csv\nformat: csv\nrotate: { max_size: 12B }").await;
    let bodies = [r#"{"a":1,"b":2}"#, r#"{"b":4,"a":3}"#, r#"{"a":5,"b":6}"#, r#"{"a":5,"c":6}"#];
    assert_eq!(refused(write(sink.as_mut(), &bodies).await), [(3, "unknown_column")]);
    assert_eq!(content(&folder, "a.csv.1").await, "a,b\n1,2\n3,4\n");
    assert_eq!(content(&folder, "a.csv").await, "a,b\n5,6\n");

    let mut sink = self::sink(&folder, "path: a.csv\nformat: csv").await;
    assert_eq!(write(sink.as_mut(), &[r#"{"b":8,"a":7}"#]).await, Ok(()));
    assert_eq!(content(&folder, "a.csv").await, "a,b\n5,6\n7,8\n");
}

#[tokio::test]
async fn a_table_begun_anew_takes_the_fields_of_its_own_first_event() {
    let folder = folder();
    let mut sink = sink(&folder, "path: a.csv\nformat: csv\nrotate: { max_size: 8B }").await;
    let bodies = [r#"{"a":1,"b":2}"#, r#"{"a":3}"#, r#"{"c":4}"#];
    assert_eq!(refused(write(sink.as_mut(), &bodies).await), [(2, "unknown_column")]);
    assert_eq!(content(&folder, "a.csv").await, "a\n3\n");
}

#[tokio::test]
async fn a_table_with_other_columns_is_left_alone() {
    let folder = folder();
    tokio::fs::write(folder.path().join("a.csv"), "x,y\n1,2\n").await.expect("room for it");
    let config = format!("path: {}/a.csv\nformat: csv\ncolumns: [x]", folder.path().display());
    let error = connected(&config).await.err().expect("it is refused");
    assert_eq!((error.is_retryable(), error.reason()), (false, "bad_columns"));
    assert_eq!(content(&folder, "a.csv").await, "x,y\n1,2\n");
}

#[tokio::test]
async fn events_go_to_the_file_they_name_and_never_out_of_the_folder() {
    let folder = folder();
    let mut sink = sink(&folder, "path: line{{ event.line }}/{{ event.name }}.jsonl").await;
    let bodies = [
        r#"{"line":1,"name":"a"}"#,
        r#"{"line":2,"name":"../a"}"#,
        r#"{"line":2,"name":"a"}"#,
        r#"{"line":1}"#,
        r#"{"line":1,"name":"a"}"#,
    ];
    let reason = "bad_template_value";
    assert_eq!(refused(write(sink.as_mut(), &bodies).await), [(1, reason), (3, reason)]);
    assert_eq!(content(&folder, "line1/a.jsonl").await, format!("{}\n{}\n", bodies[0], bodies[4]));
    assert_eq!(content(&folder, "line2/a.jsonl").await, format!("{}\n", bodies[2]));
}

#[tokio::test]
async fn more_files_than_can_be_open_are_written_in_turn() {
    let folder = folder();
    let mut sink = sink(&folder, "path: n{{ event.n }}.jsonl\nsync: never").await;
    let bodies: Vec<String> = (0..100).map(|number| format!("{{\"n\":{number}}}")).collect();
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    for _ in 0..2 {
        assert_eq!(write(sink.as_mut(), &bodies).await, Ok(()));
    }
    assert_eq!(names(folder.path()).await.len(), 100);
    assert_eq!(content(&folder, "n7.jsonl").await, "{\"n\":7}\n{\"n\":7}\n");
}

#[tokio::test]
async fn a_full_disk_may_get_room_again() {
    let mut sink = connected("path: /dev/full").await.expect("it can be opened");
    let Err(WriteError::All(error)) = write(sink.as_mut(), &["1", "2"]).await else { panic!("it is full") };
    assert_eq!((error.is_retryable(), error.reason()), (true, "disk_full"));
}

#[tokio::test]
async fn a_path_through_a_file_never_works() {
    let folder = folder();
    tokio::fs::write(folder.path().join("file"), "").await.expect("room for it");
    let config = format!("path: {}/file/{{{{ event.name }}}}.jsonl", folder.path().display());
    let mut sink = connected(&config).await.expect("there is nothing to open yet");
    let result = write(sink.as_mut(), &[r#"{"name":"a"}"#]).await;
    assert_eq!(refused(result), [(0, "not_a_file")]);
}
