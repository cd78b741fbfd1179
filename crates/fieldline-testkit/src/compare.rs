//! Compares what came out of a node with what its case expects.

use std::time::Duration;

use fieldline_compiler::FileSource;
use fieldline_compiler::cases::{Expectation, Expected};
use fieldline_core::condition::Condition;
use fieldline_core::{Value, amount};

use crate::collector::Record;
use crate::difference::first_difference;
use crate::golden;
use crate::recording::text;
use crate::report::Failure;

/// How many events of one expectation are shown; the others are counted.
const MOST_SHOWN: usize = 3;

/// Everything in which `records` are not what `expectation` says, without places.
pub(crate) fn compare(expectation: &Expectation, records: &[Record], files: &dyn FileSource) -> Vec<Failure> {
    let name = match &expectation.port {
        Some(port) => format!("`{}.{port}`", expectation.node),
        None => format!("`{}`", expectation.node),
    };
    match &expectation.events {
        Expected::Patterns(patterns) => {
            let patterns = patterns.iter().map(|pattern| (&pattern.condition, &pattern.value));
            sequence(&name, &patterns.collect::<Vec<_>>(), &expectation.times, records)
        }
        Expected::Count(count) if *count == records.len() as u64 => Vec::new(),
        Expected::Count(count) => {
            vec![Failure::new(format!(
                "{name}: {} expected, {} came",
                amount(*count, "event", "events"),
                records.len()
            ))]
        }
        Expected::Golden(path) => match golden::read(path, files) {
            Ok(bodies) => {
                let conditions: Vec<Condition> = bodies.iter().cloned().map(Condition::Equals).collect();
                sequence(&name, &conditions.iter().zip(&bodies).collect::<Vec<_>>(), &[], records)
            }
            Err(error) => vec![Failure::new(format!("{name}: {error}"))],
        },
    }
}

/// Compares event by event.
fn sequence(
    name: &str,
    patterns: &[(&Condition, &Value)],
    times: &[Duration],
    records: &[Record],
) -> Vec<Failure> {
    let mut failures = Vec::new();
    for index in 0..patterns.len().max(records.len()) {
        let number = index + 1;
        let event = if patterns.len() > 1 {
            format!("event {number} of {}", patterns.len())
        } else {
            format!("event {number}")
        };
        match (patterns.get(index), records.get(index)) {
            (Some((condition, pattern)), Some(record)) => {
                if let Some(field) = first_difference(condition, &record.body) {
                    let field = field.to_string();
                    let inside = if field.is_empty() { String::new() } else { format!(" in `{field}`") };
                    let failure = Failure::new(format!("{name}: {event} differs{inside}"));
                    failures.push(failure.expected(text(pattern)).actual(text(&record.body)));
                } else if let Some(time) = times.get(index).filter(|time| **time != record.at) {
                    failures.push(Failure::new(format!(
                        "{name}: {event} came at {:?}, not at {time:?}",
                        record.at
                    )));
                }
            }
            (Some((_, pattern)), None) => {
                failures.push(Failure::new(format!("{name}: {event} is missing")).expected(text(pattern)));
            }
            (None, Some(record)) => {
                let failure = Failure::new(format!("{name}: event {number} was not expected"));
                failures.push(failure.actual(text(&record.body)));
            }
            (None, None) => {}
        }
    }
    let more = failures.len().saturating_sub(MOST_SHOWN);
    failures.truncate(MOST_SHOWN);
    if more > 0 {
        let more = amount(more, "more event is", "more events are");
        failures.push(Failure::new(format!("{name}: {more} not as expected")));
    }
    failures
}
