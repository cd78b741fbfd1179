//! The report for people: what failed and why, what no case reached, and a line that sums it up.

use std::fmt::{self, Write as _};

use fieldline_core::amount;

use crate::coverage::Coverage;
use crate::report::{CaseReport, Report};

/// Whether terminal colours are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// Plain text.
    Never,
    /// ANSI escapes.
    Always,
}

/// The report without its last line, [`Report::summary`]. Ends without a newline; empty if there is nothing to say.
pub fn human(report: &Report, color: Color) -> String {
    let mut text = String::new();
    write_report(&mut text, report, color).expect("a string takes everything");
    text.trim_end().to_owned()
}

fn write_report(text: &mut String, report: &Report, color: Color) -> fmt::Result {
    for case in report.cases.iter().filter(|case| !case.has_passed()) {
        write_case(text, case, color)?;
    }
    match &report.coverage {
        Some(coverage) => write_coverage(text, coverage),
        None => Ok(()),
    }
}

fn write_case(text: &mut String, case: &CaseReport, color: Color) -> fmt::Result {
    let painted = |code: &str, words: &str| match color {
        Color::Never => words.to_owned(),
        Color::Always => format!("\u{1b}[{code}m{words}\u{1b}[0m"),
    };
    let title = format!("{}: {}", case.pipeline, case.name);
    writeln!(text, "{} {}", painted("1;31", "FAIL"), painted("1", &title))?;
    writeln!(text, "  --> {}", case.place)?;
    for failure in &case.failures {
        match &failure.place {
            Some(place) => writeln!(text, "  {} (line {})", failure.message, place.line)?,
            None => writeln!(text, "  {}", failure.message)?,
        }
        if let Some(expected) = &failure.expected {
            writeln!(text, "    expected {}", painted("32", expected))?;
        }
        if let Some(actual) = &failure.actual {
            writeln!(text, "    actual   {}", painted("31", actual))?;
        }
    }
    for note in &case.notes {
        writeln!(text, "  note: {note}")?;
    }
    writeln!(text)
}

fn write_coverage(text: &mut String, coverage: &Coverage) -> fmt::Result {
    for (pipeline, seen) in &coverage.pipelines {
        let (nodes, ports) = seen.missing();
        write!(
            text,
            "coverage of {pipeline}: {} of {}",
            seen.nodes.len() - nodes.len(),
            amount(seen.nodes.len(), "node", "nodes")
        )?;
        if !seen.ports.is_empty() {
            let all = amount(seen.ports.len(), "port", "ports");
            write!(text, ", {} of {all}", seen.ports.len() - ports.len())?;
        }
        let unseen: Vec<String> = nodes.iter().chain(&ports).map(|name| format!("`{name}`")).collect();
        if unseen.is_empty() {
            writeln!(text)?;
        } else {
            writeln!(text, "; no event reached {}", unseen.join(", "))?;
        }
    }
    Ok(())
}
