//! What people and programs read on the terminal; the only place that prints.
#![expect(clippy::print_stderr, reason = "the one place the ban points to")]

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use fieldline_compiler::Compiled;
use fieldline_compiler::diagnostics::{Diagnostic, data, render};
use fieldline_compiler::files::FileSet;
use fieldline_core::amount;
use fieldline_core::report::Severity;

use crate::cli::Format;

/// What a refused change waits for.
pub(crate) const WAITS: &str = "the files are applied without another reload once these events are sent";

/// Prints a result.
pub(crate) fn print(text: impl Display) {
    let mut output = std::io::stdout().lock();
    let _nobody_reads = writeln!(output, "{text}");
}

/// Prints what went wrong.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}

/// Puts a line of progress in place of the one before, on a terminal; an empty one ends it.
pub(crate) fn progress(line: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\u{1b}[K{line}");
    }
}

/// Prints what the compiler found, in the place that suits the format, and a line that counts it.
pub(crate) fn diagnostics(compiled: &Compiled, format: Format) {
    match format {
        Format::Json => {
            let list: Vec<_> = compiled
                .diagnostics
                .iter()
                .map(|diagnostic| data::data(diagnostic, &compiled.files))
                .collect();
            print(serde_json::to_string_pretty(&list).unwrap_or_else(|error| error.to_string()));
        }
        Format::Human => problems(&compiled.diagnostics, &compiled.files),
    }
}

/// Prints what is wrong, for people.
pub(crate) fn problems(diagnostics: &[Diagnostic], files: &FileSet) {
    let color = if std::io::stderr().is_terminal() { render::Color::Always } else { render::Color::Never };
    for diagnostic in diagnostics {
        eprintln!("{}\n", render::render(diagnostic, files, color).trim_end());
    }
}

/// `2 errors and 1 warning`, or `None` where there are none.
pub(crate) fn count(compiled: &Compiled) -> Option<String> {
    let count = |severity| compiled.diagnostics.iter().filter(|one| one.severity == severity).count();
    let of_errors = |errors: usize| amount(errors, "error", "errors");
    let of_warnings = |warnings: usize| amount(warnings, "warning", "warnings");
    match (count(Severity::Error), count(Severity::Warning)) {
        (0, 0) => None,
        (0, warnings) => Some(of_warnings(warnings)),
        (errors, 0) => Some(of_errors(errors)),
        (errors, warnings) => Some(format!("{} and {}", of_errors(errors), of_warnings(warnings))),
    }
}

/// The errors of files whose pipelines continue beside a change; no line without errors.
pub(crate) fn errors_beside(errors: &[String]) -> Vec<String> {
    let heading = (!errors.is_empty()).then(|| "files with errors continue as they run:".to_owned());
    heading.into_iter().chain(errors.iter().map(|error| format!("    {error}"))).collect()
}
