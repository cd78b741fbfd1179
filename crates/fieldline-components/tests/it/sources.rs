//! Sources under a driver that drops their `next` again and again: in paused time, so that each reading
//! is seen to come when it is due.

use std::io::Write as _;
use std::time::Duration;

use fieldline_core::{Built, Clock, Kind, Source, TimeSource, Value, json};
use jiff::{SignedDuration, Timestamp};
use tempfile::NamedTempFile;
use tokio::time::{Instant, timeout};

use crate::harness::{build, definition, read};

/// The paused clock as the wall clock: 1970 when the test begins.
struct Paused(Instant);

impl TimeSource for Paused {
    fn instant(&self) -> std::time::Instant {
        Instant::now().into_std()
    }

    fn time(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.0.elapsed()).expect("a test is short");
        Timestamp::UNIX_EPOCH + elapsed
    }
}

/// Milliseconds from the start, milliseconds of the event's own time, and the body, for each event.
type Seen = Vec<(u128, i64, String)>;

async fn source(name: &str, config: &str) -> (Box<dyn Source>, Clock) {
    let prepared = read(&definition(Kind::Source, name), config).expect("the config fits");
    let Built::Source(mut source) = build(&prepared) else { panic!("`{name}` is no source") };
    let clock = Clock::new(Paused(Instant::now()));
    source.connect(&clock).await.expect("what it reads from is there");
    (source, clock)
}

/// Takes up to `most` events; each `next` is dropped after 70 ms and called again.
async fn interrupted(name: &str, config: &str, most: usize) -> Seen {
    let (mut source, clock) = source(name, config).await;
    let start = Instant::now();
    let mut seen = Seen::new();
    while seen.len() < most {
        let Ok(batch) = timeout(Duration::from_millis(70), source.next(&clock)).await else { continue };
        let Some(batch) = batch.expect("nothing fails here") else { break };
        // Of what failed, the text that goes to the dead letter.
        for draft in batch.events.into_iter().chain(batch.failed.into_iter().map(|(draft, _)| draft)) {
            let body = json::encode(&draft.body).expect("finite");
            let body = String::from_utf8(body).expect("UTF-8");
            seen.push((start.elapsed().as_millis(), draft.meta.time.as_millisecond(), body));
        }
    }
    source.close().await;
    seen
}

fn file(content: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file for a while");
    file.write_all(content.as_bytes()).expect("room for it");
    file
}

fn bodies(seen: &Seen) -> Vec<&str> {
    seen.iter().map(|(_, _, body)| body.as_str()).collect()
}

fn times(seen: &Seen) -> Vec<u128> {
    seen.iter().map(|(time, ..)| *time).collect()
}

#[tokio::test(start_paused = true)]
async fn a_timer_keeps_its_interval_and_ends_after_its_count() {
    let seen = interrupted("timer", "every: 1s\nbody: { ask: status }\ncount: 3", 10).await;
    assert_eq!(times(&seen), [0, 1000, 2000]);
    assert_eq!(bodies(&seen), [r#"{"ask":"status"}"#; 3]);
    assert_eq!(seen[2].1, 2000);
}

#[tokio::test(start_paused = true)]
async fn a_processor_temperature_is_read_at_its_interval() {
    let thermometer = file("48312\n");
    let config = format!("every: 500ms\npath: {}", thermometer.path().display());
    let seen = interrupted("cpu_temperature", &config, 3).await;
    assert_eq!(bodies(&seen), [r#"{"celsius":48.312,"status":"success"}"#; 3]);
    assert_eq!(times(&seen), [0, 500, 1000]);
}

#[tokio::test(start_paused = true)]
async fn a_thermometer_that_fails_is_reported_and_read_again() {
    let thermometer = file("hot\n");
    let path = thermometer.path().display().to_string();
    let seen = interrupted("cpu_temperature", &format!("path: {path}"), 2).await;
    let reason = format!("`{path}` holds no temperature in thousandths of a degree");
    let wanted = format!(r#"{{"celsius":null,"status":"fail","reason":"{reason}"}}"#);
    assert_eq!(bodies(&seen), [wanted.as_str(), wanted.as_str()]);

    drop(thermometer);
    let seen = interrupted("cpu_temperature", &format!("path: {path}"), 1).await;
    assert!(seen[0].2.contains("No such file"), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_temperature_that_is_not_in_thousandths_fails() {
    for (content, expected) in [
        ("48", None),
        ("-5", None),
        ("0", None),
        ("48312000", None),
        ("-20500", Some("-20.5")),
        ("1000", Some("1.0")),
    ] {
        let thermometer = file(content);
        let config = format!("path: {}", thermometer.path().display());
        let seen = interrupted("cpu_temperature", &config, 1).await;
        match expected {
            Some(celsius) => {
                assert_eq!(bodies(&seen), [format!(r#"{{"celsius":{celsius},"status":"success"}}"#)])
            }
            None => {
                assert!(seen[0].2.contains(&format!("says {content}, which is no processor's")), "{seen:?}")
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_recording_is_played_with_its_own_pauses() {
    let recording = file("{\"t\":100,\"v\":1}\n{\"t\":101.5,\"v\":2}\nno JSON\n{\"t\":104,\"v\":3}\n");
    let config = format!("path: {}\ntime_field: t\nspeed: 2", recording.path().display());
    let seen = interrupted("file", &config, 10).await;
    assert_eq!(times(&seen), [0, 750, 750, 2000]);
    assert_eq!(seen.iter().map(|(_, time, _)| *time).collect::<Vec<_>>(), [100_000, 101_500, 750, 104_000]);
    assert_eq!(seen[2].2, r#"{"text":"no JSON"}"#);
}

#[tokio::test(start_paused = true)]
async fn a_record_without_a_time_fails_and_is_never_taken_now() {
    let recording =
        file("date,v\n15.02.2020 16:43:16,1\nnoon,2\n,3\n15.02.2020 16:43:17,4\n2020-02-15T14:43:16Z,5\n");
    let config = format!(
        "path: {}\nformat: csv\ntime: {{ field: date, format: '%d.%m.%Y %H:%M:%S', zone: '+02:00' }}",
        recording.path().display()
    );
    let (mut source, clock) = source("file", &config).await;
    let (mut times, mut failed) = (Vec::new(), Vec::new());
    while let Some(batch) = source.next(&clock).await.expect("it can be read") {
        times.extend(batch.events.iter().map(|draft| draft.meta.time.as_second()));
        failed.extend(batch.failed.into_iter().map(|(draft, error)| {
            assert_eq!(error.reason, "no_time");
            (draft.body.as_map().expect("a map")["v"].clone(), error.to_string())
        }));
    }
    assert_eq!(times, [1_581_777_796, 1_581_777_797]);
    assert_eq!(failed.iter().map(|(v, _)| v.clone()).collect::<Vec<_>>(), [2, 3, 5].map(Value::Int));
    assert!(failed[0].1.contains("`noon` is not written as `%d.%m.%Y %H:%M:%S`"), "{failed:?}");
    assert!(failed[1].1.contains("null"), "{failed:?}");
}

#[tokio::test(start_paused = true)]
async fn milliseconds_are_exact() {
    let lines: String = (0..1_000).map(|ms| format!("{{\"t\":{}}}\n", 1_581_784_996_000_i64 + ms)).collect();
    let recording = file(&lines);
    let seen =
        interrupted("file", &format!("path: {}\ntime_field: t", recording.path().display()), 2_000).await;
    let wanted: Vec<i64> = (0..1_000).map(|ms| 1_581_784_996_000 + ms).collect();
    assert_eq!(seen.iter().map(|(_, time, _)| *time).collect::<Vec<_>>(), wanted);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_does_not_fit_fails_alone_with_its_text_and_line() {
    let recording = file("id,size\n1,3\"\n2\n3,\"4\n4,6\n");
    let (mut source, clock) =
        source("file", &format!("path: {}\nformat: csv", recording.path().display())).await;
    let (mut events, mut failed) = (Vec::new(), Vec::new());
    while let Some(batch) = source.next(&clock).await.expect("it can be read") {
        events.extend(batch.events.into_iter().map(|draft| draft.body));
        failed.extend(batch.failed.into_iter().map(|(draft, error)| {
            (
                draft.body.as_map().expect("a map")["text"].clone(),
                draft.meta.fields["line"].clone(),
                error.reason,
            )
        }));
    }
    let row = |id, size: Value| Value::from([("id", Value::Int(id)), ("size", size)]);
    assert_eq!(events, [row(1, "3\"".into()), row(4, Value::Int(6))]);
    assert_eq!(
        failed,
        [(Value::from("2"), Value::Int(3), "not_csv"), (Value::from("3,\"4"), Value::Int(4), "not_csv"),]
    );
}

#[tokio::test(start_paused = true)]
async fn a_table_whose_names_cannot_be_read_fails_for_good() {
    let mut recording = file("t,");
    recording.write_all(b"\xb0C\n1,2\n").expect("room for it");
    let (mut source, clock) =
        source("file", &format!("path: {}\nformat: csv", recording.path().display())).await;
    let error = source.next(&clock).await.expect_err("its names are Latin-1");
    assert_eq!((error.reason(), error.is_retryable()), ("bad_head", false));
}

#[tokio::test(start_paused = true)]
async fn a_recording_of_nothing_but_bad_lines_ends_even_if_it_repeats() {
    let recording = file("x\ny\n");
    let seen = interrupted("file", &format!("path: {}\nrepeat: true", recording.path().display()), 9).await;
    assert_eq!(bodies(&seen), [r#"{"text":"x"}"#, r#"{"text":"y"}"#]);
}

#[tokio::test(start_paused = true)]
async fn a_recording_that_repeats_begins_again_with_its_header() {
    let recording = file("v\n1\n2\n");
    let config = format!("path: {}\nformat: csv\nevery: 100ms\nrepeat: true", recording.path().display());
    let seen = interrupted("file", &config, 5).await;
    assert_eq!(bodies(&seen), [r#"{"v":1}"#, r#"{"v":2}"#, r#"{"v":1}"#, r#"{"v":2}"#, r#"{"v":1}"#]);
    assert_eq!(times(&seen), [0, 100, 200, 300, 400]);
}

#[tokio::test(start_paused = true)]
async fn a_recording_without_events_ends_even_if_it_repeats() {
    let recording = file("\n\n");
    let config = format!("path: {}\nrepeat: true", recording.path().display());
    assert_eq!(interrupted("file", &config, 5).await, []);
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_long_recording_is_lost_between_interruptions() {
    let lines: Vec<String> = (0..20_000).map(|number| format!("{{\"n\":{number}}}")).collect();
    let recording = file(&lines.join("\n"));
    let seen = interrupted("file", &format!("path: {}", recording.path().display()), usize::MAX).await;
    assert_eq!(bodies(&seen), lines);
}

#[tokio::test(start_paused = true)]
async fn a_recording_opened_again_goes_on_where_it_was() {
    let recording = file("1\n2\n3");
    let (mut source, clock) =
        source("file", &format!("path: {}\nevery: 1s", recording.path().display())).await;
    let mut numbers = Vec::new();
    while let Some(batch) = source.next(&clock).await.expect("nothing fails here") {
        numbers.extend(batch.events.iter().filter_map(|draft| draft.body.as_i64()));
        source.connect(&clock).await.expect("the file is still there");
    }
    assert_eq!(numbers, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_there_may_come_and_a_folder_never_will() {
    let folder = tempfile::tempdir().expect("a folder for a while");
    let missing = folder.path().join("missing.jsonl");
    let clock = Clock::new(Paused(Instant::now()));
    for (path, wanted) in [(missing.as_path(), (true, "not_found")), (folder.path(), (false, "not_a_file"))] {
        let config = format!("path: {}", path.display());
        let prepared = read(&definition(Kind::Source, "file"), &config).expect("the config fits");
        let Built::Source(mut source) = build(&prepared) else { panic!("no source") };
        let error = match source.connect(&clock).await {
            Ok(()) => source.next(&clock).await.expect_err("a folder has no lines"),
            Err(error) => error,
        };
        assert_eq!((error.is_retryable(), error.reason()), wanted);
    }
}
