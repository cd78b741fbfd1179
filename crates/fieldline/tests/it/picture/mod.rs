//! Pictures of what a transform's examples do in time, for its reference page: what goes in on an upper lane, what comes
//! out on a lower one, each at its second. Here is what is shown; [`svg`] draws it.

use fieldline_core::{Definition, Example};
use serde_json::Value;

use self::fates::{Fate, fates};

mod fates;

mod svg;

/// The most rows of values a lane has.
const MOST_ROWS: usize = 4;

/// What is drawn.
struct Picture {
    title: String,
    /// The last second of the time axis; `end` comes behind it.
    last: f64,
    has_end: bool,
    lanes: [Lane; 2],
}

/// What happens on one side of the transform.
struct Lane {
    title: &'static str,
    marks: Vec<Mark>,
    /// The names of the values below the marks.
    rows: Vec<String>,
    line: Option<Line>,
}

/// A value that is drawn as a line, because it is the only one of its lane and a number.
struct Line {
    name: String,
    /// The number at the bottom of the lane.
    low: f64,
    /// The number at its top.
    high: f64,
}

/// One event.
struct Mark {
    /// `None` is the end.
    second: Option<f64>,
    values: Vec<(String, Value)>,
    fate: Fate,
}

/// The picture of an example, as SVG.
pub(crate) fn picture(definition: &Definition, example: &Example) -> String {
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("examples are JSON lines");
    let bodies: Vec<Value> = example.input.lines().map(json).collect();
    let given = bodies.iter().zip(fates(definition, example)).zip(1..);
    let given: Vec<Mark> = given
        .map(|((body, fate), second)| Mark { second: Some(f64::from(second)), values: leaves(body), fate })
        .collect();
    let sent: Vec<Mark> = example.output.lines().map(|line| mark(line, json)).collect();
    let last = given.iter().chain(&sent).filter_map(|mark| mark.second).fold(1.0, f64::max).ceil();
    let has_end = sent.iter().any(|mark| mark.second.is_none());
    let names = varying(&given);
    let mut results = varying(&sent);
    if results.len() > MOST_ROWS {
        results.retain(|name| !is_passed_on(name, &given, &sent));
    }
    let mut lanes = [lane("in", given, names), lane("out", sent, results)];
    align(&mut lanes);
    svg::draw(&Picture { title: example.title.to_owned(), last, has_end, lanes })
}

/// The row that names the output of a transform with several.
const OUTPUT: &str = "output";

/// A line of an example's output: `3s {…}`, `3s port: {…}`, `end {…}`.
fn mark(line: &str, json: impl Fn(&str) -> Value) -> Mark {
    let (when, rest) = line.split_once(' ').expect("a time stands before what comes out");
    let second = when.strip_suffix('s').map(|seconds| seconds.parse().expect("seconds"));
    let port =
        rest.split_once(": ").filter(|(port, _)| port.chars().all(|c| c.is_alphanumeric() || c == '_'));
    let (fate, body) = match port {
        Some(("main", body)) => (Fate::Passes, body),
        Some((_, body)) => (Fate::Aside, body),
        None => (Fate::Passes, rest),
    };
    let port = port.map(|(port, _)| (OUTPUT.to_owned(), Value::from(port)));
    Mark { second, values: port.into_iter().chain(leaves(&json(body))).collect(), fate }
}

/// Every value inside a body, under its path. Times are left out: the axis shows them.
fn leaves(body: &Value) -> Vec<(String, Value)> {
    let Value::Object(members) = body else { return vec![("body".to_owned(), body.clone())] };
    let mut leaves = Vec::new();
    for (name, value) in members {
        if value.is_object() {
            leaves.extend(
                self::leaves(value).into_iter().map(|(inner, value)| (format!("{name}.{inner}"), value)),
            );
        } else if !value.as_str().is_some_and(|text| text.starts_with("1970-01-01T")) {
            leaves.push((name.clone(), value.clone()));
        }
    }
    leaves
}

/// Whether a value always comes out as it went in at the same second.
fn is_passed_on(name: &str, given: &[Mark], sent: &[Mark]) -> bool {
    let went_in = |mark: &Mark| given.iter().find(|other| other.second == mark.second)?.value(name);
    sent.iter().all(|mark| mark.value(name).is_some() && mark.value(name) == went_in(mark))
}

/// The names of values that are not the same in all events; all names where there is none, as with a single event.
fn varying(marks: &[Mark]) -> Vec<String> {
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in marks.iter().flat_map(|mark| &mark.values) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let varies = |name: &&&String| marks.iter().any(|mark| mark.value(name) != marks[0].value(name));
    let varying: Vec<String> = names.iter().filter(varies).map(|name| (*name).clone()).collect();
    if varying.is_empty() { names.into_iter().cloned().collect() } else { varying }
}

fn lane(title: &'static str, marks: Vec<Mark>, mut rows: Vec<String>) -> Lane {
    rows.truncate(MOST_ROWS);
    let mut values = rows.iter().filter(|name| *name != OUTPUT);
    let only = values.next().filter(|_| values.next().is_none());
    let line = only.and_then(|name| line(name, &marks));
    Lane { title, marks, rows, line }
}

fn line(name: &str, marks: &[Mark]) -> Option<Line> {
    let numbers = || marks.iter().filter_map(|mark| mark.value(name).and_then(Value::as_f64));
    let low = numbers().fold(f64::INFINITY, f64::min);
    let high = numbers().fold(f64::NEG_INFINITY, f64::max);
    (low < high).then(|| Line { name: name.to_owned(), low, high })
}

/// Gives two lines of the same value the same scale, so that they can be compared.
fn align(lanes: &mut [Lane; 2]) {
    let [Lane { line: Some(above), .. }, Lane { line: Some(below), .. }] = lanes else { return };
    if above.name == below.name {
        (above.low, above.high) = (above.low.min(below.low), above.high.max(below.high));
        (below.low, below.high) = (above.low, above.high);
    }
}

impl Mark {
    fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }
}

#[test]
fn what_an_example_shows_is_told_in_the_picture() {
    let definitions = fieldline_components::all();
    let deadband = definitions.into_iter().find(|one| one.name == "deadband").expect("it is there");
    let drawn = picture(&deadband, &deadband.examples[0]);
    assert_eq!(
        drawn.matches("class=\"passes\"").count(),
        4 + 4 + 1,
        "seven of which three are taken out, and a key"
    );
    assert_eq!(drawn.matches("class=\"out\"").count(), 3 + 1);
    assert!(drawn.contains("taken out: deadband"), "{drawn}");
    assert!(drawn.contains(">20.4<") && drawn.contains(">7 s<"), "{drawn}");
}
