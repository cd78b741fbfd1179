//! The paths: what stands between the generator and the end, as YAML.

const FILTER: &str = "type: filter, keep: { status: success }";
const MAP: &str = "type: map, set: { line: 22 }, rename: { sequence: number }";
const CONVERT: &str = "type: convert, fields: { temperature: { from: °C, to: K } }";
const SCRIPT: &str = "type: script, code: \"this.temperature = 2.0 * this.temperature - this.cpu_temperature; this.kelvin = this.temperature + 273.15; this.status = \\\"success\\\";\"";
const WINDOW: &str = "type: window, last: 10, aggregate: { mean: mean(temperature), low: min(temperature), high: max(temperature) }";
const FEATURES: &str = "type: features, rate: 6400, channels: { a: a, b: b, c: c, d: d, e: e, f: f, g: g, h: h }, statistics: [rms, peak, crest_factor, kurtosis], spectrum: { segment: 1024, bands: { low: { from: 10, to: 1000 }, high: { from: 1000, to: 3000 } } }";

/// Each path by name, with its transforms in a row.
pub(crate) const PATHS: &[(&str, &[&str])] = &[
    ("nothing", &[]),
    ("filter", &[FILTER]),
    ("map", &[MAP]),
    ("convert", &[CONVERT]),
    ("filter, map, convert", &[FILTER, MAP, CONVERT]),
    ("10 filters", &[FILTER; 10]),
    ("script", &[SCRIPT]),
    ("5 scripts", &[SCRIPT; 5]),
    ("window", &[WINDOW]),
    ("JSON decode", &[]),
    ("JSON encode", &[]),
    ("features", &[FEATURES]),
];

/// The pipeline of a path for so many events; `None` if there is no such path.
pub(crate) fn pipeline(path: &str, events: u64) -> Option<String> {
    let (_, transforms) = PATHS.iter().find(|(name, _)| *name == path)?;
    let body = match path {
        "JSON decode" => "decode",
        "features" => "samples",
        _ => "reading",
    };
    let mut text = format!(
        "pipeline: bench\nsources:\n  in: {{ type: generator, events: {events}, body: {body} }}\ntransforms:\n"
    );
    let mut last = "in".to_owned();
    for (index, transform) in transforms.iter().enumerate() {
        text += &format!("  t{index}: {{ inputs: {last}, {transform} }}\n");
        last = format!("t{index}");
    }
    if transforms.is_empty() {
        text = text.replace("transforms:\n", "");
    }
    let sink = if path == "JSON encode" { "encoder" } else { "blackhole" };
    Some(format!("{text}sinks:\n  out: {{ type: {sink}, inputs: {last} }}\n"))
}
