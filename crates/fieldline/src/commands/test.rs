//! `fieldline test`: runs the `tests:` of pipeline files in virtual time.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::bail;
use fieldline_compiler::{Compiled, Overrides, Request, compile};
use fieldline_core::amount;
use fieldline_testkit::report::{Report, data, human, junit};
use fieldline_testkit::{Options, run_tests};

use crate::cli::{Format, TestFormat, TestOptions};
use crate::exit::Exit;
use crate::{disk, output};

/// Compiles, runs the cases, writes golden files if that is wanted, and reports.
pub(crate) fn test(options: &TestOptions) -> anyhow::Result<Exit> {
    let (machine, registry) = (disk::Machine::new(options.paths.secrets.as_deref()), disk::registry());
    let request = Request {
        roots: &options.paths.paths,
        files: &machine,
        variables: &machine,
        registry: &registry,
        overrides: Overrides::default(),
    };
    let compiled = compile(&request);
    output::diagnostics(&compiled, Format::Human);
    if !compiled.is_ok() {
        let found = output::count(&compiled).unwrap_or_default();
        output::error(&anyhow::anyhow!("no case was run: {found}"));
        return Ok(Exit::BadConfig);
    }
    let start = disk::now();
    let report = run(&request, &compiled, options)?;
    let elapsed = start.elapsed().unwrap_or_default();
    for golden in &report.goldens {
        disk::write(&golden.path, &golden.text)?;
    }
    if let (Some(filter), true) = (&options.filter, report.cases.is_empty()) {
        bail!("no case is called `{filter}`");
    }
    output::print(match options.format {
        TestFormat::Human => for_people(&report, elapsed),
        TestFormat::Json => serde_json::to_string_pretty(&data::data(&report))?,
        TestFormat::Junit => junit::junit(&report).trim_end().to_owned(),
    });
    Ok(if report.failed() == 0 { Exit::Done } else { Exit::Failed })
}

/// Runs the cases on all cores, and tells how far it is once that takes longer than a second.
fn run(request: &Request<'_>, compiled: &Compiled, options: &TestOptions) -> anyhow::Result<Report> {
    /// How long a line of progress stands, in milliseconds.
    const STANDS: u128 = 200;
    let (start, shown) = (disk::now(), AtomicU64::new(0));
    let progress = |done: usize, all: usize| {
        let now = u64::try_from(start.elapsed().unwrap_or_default().as_millis() / STANDS).unwrap_or_default();
        if now >= 5 && shown.swap(now, Ordering::Relaxed) != now {
            output::progress(&format!("{done} of {}", amount(all, "case", "cases")));
        }
    };
    let report = run_tests(
        request,
        compiled,
        &Options {
            filter: options.filter.as_deref(),
            update: options.update,
            coverage: options.coverage,
            threads: available_parallelism().unwrap_or(NonZeroUsize::MIN),
            progress: &progress,
        },
    )?;
    if shown.into_inner() > 0 {
        output::progress("");
    }
    Ok(report)
}

fn for_people(report: &Report, elapsed: Duration) -> String {
    let color = if std::io::stdout().is_terminal() { human::Color::Always } else { human::Color::Never };
    let written: String =
        report.goldens.iter().map(|golden| format!("wrote {}\n", golden.path.display())).collect();
    let found = human::human(report, color);
    let gap = if found.is_empty() { "" } else { "\n\n" };
    format!("{written}{found}{gap}{}, in {:.1} s", report.summary(), elapsed.as_secs_f64())
}
