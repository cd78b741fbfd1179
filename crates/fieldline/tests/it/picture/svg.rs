//! A [`Picture`] as SVG, readable on light and dark pages. Lengths are in pixels.

use std::collections::BTreeSet;

use super::fates::Fate;
use super::{Lane, Line, Mark, Picture};

const WIDTH: f64 = 720.0;
/// Where the names of rows end and the time axis begins.
const LEFT: f64 = 150.0;
const RIGHT: f64 = 710.0;
/// The height in which the marks of a lane stand.
const BAND: f64 = 44.0;
const ROW: f64 = 16.0;
/// About how wide a letter of the values is.
const LETTER: f64 = 7.0;

const TOP: &str = "<!-- Written from the component's definition; `UPDATE=1 cargo test` writes it anew. -->\n";

const STYLE: &str = "\
<style>
text { font-family: system-ui, sans-serif; font-size: 12px; fill: #57606a; }
.value { font-family: ui-monospace, monospace; font-size: 11px; fill: #24292f; text-anchor: middle; }
.name { text-anchor: end; }
.time { text-anchor: middle; }
.lane { font-weight: 600; }
.axis { stroke: #d0d7de; }
.course { stroke: #54aeff; stroke-width: 1.5; fill: none; }
.passes { fill: #0969da; }
.aside { fill: #bf8700; }
.gathered { fill: none; stroke: #0969da; stroke-width: 1.5; }
.out { stroke: #6e7781; stroke-width: 2; }
.failed { stroke: #cf222e; stroke-width: 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1; }
  .value { fill: #e6edf3; }
  .axis { stroke: #3d444d; }
  .course { stroke: #1f6feb; }
  .passes { fill: #58a6ff; }
  .aside { fill: #d29922; }
  .gathered { stroke: #58a6ff; }
  .out { stroke: #8b949e; }
  .failed { stroke: #f85149; }
}
</style>
";

/// Draws the lanes one below the other, and under them the time and what the marks mean.
pub(super) fn draw(picture: &Picture) -> String {
    let mut body = String::new();
    let mut y = 8.0;
    for lane in &picture.lanes {
        body += &draw_lane(picture, lane, y);
        y += height(lane);
    }
    let ticks = (1..=picture.last as u32).map(|second| (Some(f64::from(second)), format!("{second} s")));
    let end = picture.has_end.then(|| (None, "end".to_owned()));
    for (second, text) in ticks.chain(end) {
        body += &label("time", x(picture, second), y + 12.0, &text);
    }
    body += &legend(picture, y + 36.0);
    let height = y + 48.0;
    format!(
        "{TOP}<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\">\n<title>{}</title>\n{STYLE}{body}</svg>\n",
        escaped(&picture.title)
    )
}

fn height(lane: &Lane) -> f64 {
    BAND + ROW * lane.rows.len() as f64 + 20.0
}

/// Where a second is; the end has a place of its own behind the last.
fn x(picture: &Picture, second: Option<f64>) -> f64 {
    let places = picture.last + if picture.has_end { 1.0 } else { 0.0 };
    let place = second.unwrap_or(picture.last + 1.0);
    LEFT + (place - 0.5) * (RIGHT - LEFT) / places
}

fn draw_lane(picture: &Picture, lane: &Lane, top: f64) -> String {
    let bottom = top + BAND;
    let mut text = label("lane", 8.0, top + BAND / 2.0, lane.title);
    text += &format!("<path class=\"axis\" d=\"M{LEFT} {bottom}H{RIGHT}\"/>\n");
    let places: Vec<(f64, f64)> = positions(picture, lane)
        .into_iter()
        .zip(&lane.marks)
        .map(|(x, mark)| (x, bottom - 8.0 - level(lane, mark) * (BAND - 16.0)))
        .collect();
    text += &course(lane, &places);
    for ((x, y), mark) in places.iter().zip(&lane.marks) {
        text += &shape(mark.fate, *x, *y);
    }
    for (row, name) in lane.rows.iter().enumerate() {
        let y = bottom + ROW * (row as f64 + 1.0);
        text += &label("name", LEFT - 6.0, y, &shortened(name, (LEFT - 10.0) / LETTER));
        for (x, values, room) in columns(picture, lane, name) {
            text += &label("value", x, y, &shortened(&values, room / LETTER));
        }
    }
    text
}

/// Where each mark stands; marks of the same moment stand side by side.
fn positions(picture: &Picture, lane: &Lane) -> Vec<f64> {
    let offset = |(index, mark): (usize, &Mark)| {
        let same = |other: &&Mark| other.second == mark.second;
        let before = lane.marks[..index].iter().filter(same).count() as f64;
        let all = lane.marks.iter().filter(same).count() as f64;
        x(picture, mark.second) + (before - (all - 1.0) / 2.0) * 14.0
    };
    lane.marks.iter().enumerate().map(offset).collect()
}

/// How high a mark stands, from 0 to 1: by its number where the lane has a line, else in the middle.
fn level(lane: &Lane, mark: &Mark) -> f64 {
    let Some(Line { name, low, high }) = &lane.line else { return 0.5 };
    let number = mark.value(name).and_then(serde_json::Value::as_f64);
    number.map_or(0.0, |number| (number - low) / (high - low))
}

/// The line through the marks that have a number.
fn course(lane: &Lane, places: &[(f64, f64)]) -> String {
    let Some(Line { name, .. }) = &lane.line else { return String::new() };
    let is_number = |mark: &Mark| mark.value(name).is_some_and(serde_json::Value::is_number);
    let points = places.iter().zip(&lane.marks).filter(|(_, mark)| is_number(mark));
    let points: Vec<String> = points.map(|((x, y), _)| format!("{x:.1},{y:.1}")).collect();
    format!("<polyline class=\"course\" points=\"{}\"/>\n", points.join(" "))
}

/// The values of a row: where, what, and how much room there is. Those of the same moment are one text.
fn columns(picture: &Picture, lane: &Lane, name: &str) -> Vec<(f64, String, f64)> {
    let mut columns: Vec<(f64, String, f64)> = Vec::new();
    for mark in &lane.marks {
        let text = mark.value(name).map_or(String::new(), |value| match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        });
        let place = x(picture, mark.second);
        match columns.last_mut() {
            Some((before, _, _)) if *before == place && text.is_empty() => {}
            Some((before, values, _)) if *before == place => *values += &format!(", {text}"),
            _ => columns.push((place, text, RIGHT - LEFT)),
        }
    }
    let gaps = columns.windows(2).map(|pair| pair[1].0 - pair[0].0);
    let room = gaps.fold(RIGHT - LEFT, f64::min) - 4.0;
    columns.iter_mut().for_each(|column| column.2 = room);
    columns
}

fn shape(fate: Fate, x: f64, y: f64) -> String {
    let cross = |class: &str| {
        let (left, right, top, bottom) = (x - 4.0, x + 4.0, y - 4.0, y + 4.0);
        format!(
            "<path class=\"{class}\" d=\"M{left:.1} {top:.1}L{right:.1} {bottom:.1}M{left:.1} {bottom:.1}L{right:.1} {top:.1}\"/>\n"
        )
    };
    let disc = |class: &str| format!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>\n");
    match fate {
        Fate::Passes => disc("passes"),
        Fate::Aside => disc("aside"),
        Fate::Gathered => disc("gathered"),
        Fate::TakenOut(_) => cross("out"),
        Fate::Failed(_) => cross("failed"),
    }
}

/// What the marks mean that are there.
fn legend(picture: &Picture, y: f64) -> String {
    let there: BTreeSet<Fate> =
        picture.lanes.iter().flat_map(|lane| &lane.marks).map(|mark| mark.fate).collect();
    let mut text = String::new();
    let mut left = LEFT;
    for fate in there {
        let words = match fate {
            Fate::Passes => "passes".to_owned(),
            Fate::Aside => "at another output".to_owned(),
            Fate::Gathered => "part of what comes later".to_owned(),
            Fate::TakenOut(reason) => format!("taken out: {reason}"),
            Fate::Failed(reason) => format!("failed: {reason}"),
        };
        text += &shape(fate, left, y - 4.0);
        text += &label("key", left + 10.0, y, &words);
        left += 34.0 + LETTER * words.len() as f64;
    }
    text
}

fn label(class: &str, x: f64, y: f64, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>\n", escaped(text))
}

/// At most so many letters.
fn shortened(text: &str, most: f64) -> String {
    let most = most.max(2.0) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
