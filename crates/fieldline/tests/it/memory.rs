//! What the program remembers over its own end, as a person sees it who stops, kills and starts it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{fieldline, folder, write};
use crate::station::Station;

const AIR: &str = "pipeline: room
sources:
  sensor: { type: timer, every: 20ms, body: { gas: 50000, humidity: 40 } }
transforms:
  air: { type: air_quality, inputs: sensor, burn_in: 1s }
sinks:
  print: { type: stdout, inputs: air }
";

const COUNT: &str = "pipeline: count
sources:
  tick: { type: timer, every: 10ms }
transforms:
  counted:
    type: script
    inputs: tick
    state_version: 1
    code: \"state.count = (state.count ?? 0) + 1; this = #{ count: state.count };\"
sinks:
  print: { type: stdout, inputs: counted }
tests:
  - name: it begins with 1
    feed: { tick: [{}] }
    expect: { print: [{ count: 1 }] }
";

fn count(line: &Value) -> i64 {
    line["count"].as_i64().expect("a count")
}

/// The file in which the script's state is kept.
fn state(folder: &Path) -> PathBuf {
    folder.join("fieldline-data/memory/count/counted")
}

/// Turns the last bit of a file.
#[expect(clippy::disallowed_methods, reason = "a test of real files damages one")]
fn damage(path: &Path) {
    let mut bytes = fs::read(path).expect("it was saved");
    let last = bytes.last_mut().expect("there is something in it");
    *last ^= 1;
    fs::write(path, bytes).expect("it can be written");
}

#[test]
fn a_burn_in_is_not_repeated_after_a_stop() {
    let folder = folder(&[("room.yaml", AIR)]);
    let station = Station::start(folder.path(), &[]);
    assert_eq!(station.next()["air_quality"]["quality"], "burn_in");
    station.until(|line| line["air_quality"]["quality"] == "good");
    station.stop();
    let again = Station::start(folder.path(), &[]);
    let first = again.next();
    assert_eq!(first["air_quality"]["quality"], "good", "{first}");
    assert_eq!(first["air_quality"]["baseline"], 50_000.0);
    let status = again.ask("status").out;
    assert!(status.contains("kept over a restart: its burn-in and baseline, on disk as of 20"), "{status}");
}

#[test]
fn a_script_with_a_version_counts_on_after_a_stop_and_anew_with_another() {
    let folder = folder(&[("count.yaml", COUNT)]);
    let station = Station::start(folder.path(), &[]);
    let mut lines = station.until(|line| count(line) == 20);
    lines.extend(station.stop());
    let last = count(&lines[lines.len() - 1]);
    let again = Station::start(folder.path(), &[]);
    assert_eq!(count(&again.next()), last + 1);
    again.stop();
    let saved = fs::metadata(state(folder.path())).and_then(|file| file.modified()).expect("it is there");
    let tested = fieldline(folder.path(), &["test", "."]);
    assert_eq!(tested.code, 0, "a test reads nothing of the real run: {}", tested.out);
    let after = fs::metadata(state(folder.path())).and_then(|file| file.modified()).expect("it is there");
    assert_eq!(after, saved, "nor writes anything");
    write(&folder.path().join("count.yaml"), &COUNT.replace("state_version: 1", "state_version: 2"));
    let anew = Station::start(folder.path(), &[]);
    let warned = anew.logs(|line| line["level"] == "WARN");
    assert_eq!(warned["error"], "it was remembered as `1`, and the node is now configured for `2`");
    assert_eq!(count(&anew.next()), 1);
}

#[test]
fn a_program_that_is_killed_goes_on_with_what_it_saved() {
    let folder = folder(&[("count.yaml", COUNT)]);
    let station = Station::start(folder.path(), &["--save-every", "1"]);
    while !state(folder.path()).exists() {
        station.next();
    }
    let saved = count(&station.next());
    let mut lines = station.until(|line| count(line) == saved + 10);
    lines.extend(station.kill());
    let last = count(&lines[lines.len() - 1]);
    let again = Station::start(folder.path(), &[]);
    let first = count(&again.next());
    assert!((2..=last + 1).contains(&first), "{first} after {last}");
}

#[test]
fn a_damaged_file_is_told_and_left_out() {
    let folder = folder(&[("count.yaml", COUNT)]);
    let station = Station::start(folder.path(), &[]);
    station.until(|line| count(line) == 5);
    station.stop();
    damage(&state(folder.path()));
    let again = Station::start(folder.path(), &[]);
    let warned = again.logs(|line| line["level"] == "WARN");
    assert!(warned["message"].as_str().is_some_and(|text| text.contains("begins anew")), "{warned}");
    assert_eq!((warned["node"].as_str(), count(&again.next())), (Some("count/counted"), 1));
    again.stop();
    assert!(count(&Station::start(folder.path(), &[]).next()) > 1, "the damaged file was replaced");
}

#[test]
fn a_file_with_a_mistake_keeps_what_its_pipeline_remembered() {
    let folder = folder(&[("count.yaml", COUNT), ("room.yaml", AIR)]);
    let station = Station::start(folder.path(), &[]);
    station.until(|line| line["count"].as_i64() == Some(5));
    station.stop();
    write(&folder.path().join("count.yaml"), &COUNT.replace("inputs: tick", "inputs: tack"));
    let broken = Station::start(folder.path(), &[]);
    broken.next();
    broken.stop();
    write(&folder.path().join("count.yaml"), COUNT);
    let mended = Station::start(folder.path(), &[]);
    let lines = mended.until(|line| line["count"].is_i64());
    assert!(count(&lines[lines.len() - 1]) > 5, "{lines:?}");
}
