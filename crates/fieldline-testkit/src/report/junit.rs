//! The report for build servers, as JUnit's XML: a suite for each pipeline.

use std::fmt::Write as _;

use crate::report::{CaseReport, Report};

/// The whole document, with a newline at its end. There are no durations: cases run in virtual time.
pub fn junit(report: &Report) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut pipelines: Vec<&str> = report.cases.iter().map(|case| case.pipeline.as_str()).collect();
    pipelines.dedup();
    line(&mut text, &opening("testsuites", "fieldline", report.cases.iter()));
    for pipeline in pipelines {
        let cases = report.cases.iter().filter(|case| case.pipeline == pipeline);
        line(&mut text, &format!("  {}", opening("testsuite", pipeline, cases.clone())));
        cases.for_each(|case| write_case(&mut text, case));
        line(&mut text, "  </testsuite>");
    }
    line(&mut text, "</testsuites>");
    text
}

fn opening<'r>(element: &str, name: &str, cases: impl Iterator<Item = &'r CaseReport>) -> String {
    let (passed, failed): (Vec<_>, Vec<_>) = cases.partition(|case| case.has_passed());
    let (tests, failures) = (passed.len() + failed.len(), failed.len());
    format!("<{element} name=\"{}\" tests=\"{tests}\" failures=\"{failures}\">", escaped(name))
}

fn write_case(text: &mut String, case: &CaseReport) {
    let (name, file) = (escaped(&case.name), escaped(&case.place.file.display().to_string()));
    let pipeline = escaped(&case.pipeline);
    let start = format!(
        "    <testcase classname=\"{pipeline}\" name=\"{name}\" file=\"{file}\" line=\"{}\"",
        case.place.line
    );
    let Some(first) = case.failures.first() else {
        line(text, &format!("{start}/>"));
        return;
    };
    line(text, &format!("{start}>"));
    let mut details = String::new();
    for failure in &case.failures {
        line(&mut details, &failure.message);
        for (word, value) in [("expected", &failure.expected), ("actual  ", &failure.actual)] {
            if let Some(value) = value {
                line(&mut details, &format!("  {word} {value}"));
            }
        }
    }
    case.notes.iter().for_each(|note| line(&mut details, &format!("note: {note}")));
    let message = escaped(&first.message);
    line(text, &format!("      <failure message=\"{message}\">{}</failure>", escaped(details.trim_end())));
    line(text, "    </testcase>");
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes everything");
}

/// Text as it may stand in an attribute or element; characters that XML cannot hold become `?`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            control if control.is_control() => escaped.push('?'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('?'),
            other => escaped.push(other),
        }
    }
    escaped
}
