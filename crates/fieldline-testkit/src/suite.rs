//! [`run_tests`]: all cases of a compilation, spread over threads.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use fieldline_compiler::cases::{Expected, TestCase};
use fieldline_compiler::diagnostics::render;
use fieldline_compiler::files::{FileSet, Span};
use fieldline_compiler::{Compiled, FileSource, Overrides, Plan, Request, compile_case};
use fieldline_core::report::Severity;

use crate::coverage::Coverage;
use crate::error::{CaseError, SuiteError};
use crate::golden::{self, Golden};
use crate::play::{Played, play};
use crate::report::{CaseReport, Failure, Place, Report};
use crate::schedule::Schedule;
use crate::threads::in_parallel;
use crate::{accounts, compare};

/// How cases are run.
pub struct Options<'a> {
    /// Only cases whose `pipeline: name` contains this.
    pub filter: Option<&'a str>,
    /// Golden files are not compared, but given back as they should be.
    pub update: bool,
    /// Counts what nodes and ports see.
    pub coverage: bool,
    /// How many cases run at once.
    pub threads: NonZeroUsize,
    /// Told after each case how many are done, and of how many; from any thread.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// Runs the cases of `compiled`, which `request` was compiled to. Cases that set params or environment are compiled
/// anew, all others share the plan.
pub fn run_tests(
    request: &Request<'_>,
    compiled: &Compiled,
    options: &Options<'_>,
) -> Result<Report, SuiteError> {
    let scratch = tempfile::tempdir()?;
    let is_chosen = |case: &&TestCase| {
        options.filter.is_none_or(|part| format!("{}: {}", case.pipeline, case.name).contains(part))
    };
    let cases: Vec<&TestCase> = compiled.tests.iter().filter(is_chosen).collect();
    let anew: Vec<Option<Compiled>> = cases
        .iter()
        .map(|case| (case.overrides != Overrides::default()).then(|| compile_case(request, case)))
        .collect();
    let (files, done) = (request.files, AtomicUsize::new(0));
    let results = in_parallel(cases.len(), options.threads, |index| {
        let place = place(&compiled.files, cases[index].span);
        let compiled = anew[index].as_ref().unwrap_or(compiled);
        let data_dir = scratch.path().join(index.to_string());
        let result = run_case((cases[index], place), compiled, files, &data_dir, options);
        (options.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, cases.len());
        result
    });
    let mut coverage = options.coverage.then(|| Coverage::of(&compiled.plan));
    let mut report = Report::default();
    for (case, goldens, played) in results {
        if let (Some(coverage), Some(played)) = (&mut coverage, &played) {
            coverage.add(&case.pipeline, played);
        }
        for golden in goldens {
            if !report.goldens.iter().any(|other| other.path == golden.path) {
                report.goldens.push(golden);
            }
        }
        report.cases.push(case);
    }
    report.coverage = coverage;
    Ok(report)
}

/// Runs one case, which was found with its place in the compilation as a whole; `compiled` is the one with its params.
fn run_case(
    (case, place): (&TestCase, Place),
    compiled: &Compiled,
    files: &dyn FileSource,
    data_dir: &Path,
    options: &Options<'_>,
) -> (CaseReport, Vec<Golden>, Option<Played>) {
    // Params may stand in a case as well, so that it says something else when it is compiled with its own.
    let same = |other: &&TestCase| other.name == case.name && other.pipeline == case.pipeline;
    let found = compiled.tests.iter().find(same);
    let mut report = CaseReport {
        pipeline: case.pipeline.clone(),
        name: case.name.clone(),
        place,
        failures: Vec::new(),
        notes: Vec::new(),
    };
    let (Some(case), true) = (found, compiled.is_ok()) else {
        let errors = compiled.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        report.failures.push(Failure::new("the pipeline has errors with the params of this case"));
        report.notes = errors.map(|error| render::line(error, &compiled.files)).collect();
        return (report, Vec::new(), None);
    };
    match play_case(case, &compiled.plan, files, data_dir, options) {
        Ok(played) => {
            let goldens = judge(case, &played, &compiled.files, files, options, &mut report);
            (report, goldens, Some(played))
        }
        Err(error) => {
            report.failures.push(Failure::new(error.to_string()));
            (report, Vec::new(), None)
        }
    }
}

fn play_case(
    case: &TestCase,
    plan: &Plan,
    files: &dyn FileSource,
    data_dir: &Path,
    options: &Options<'_>,
) -> Result<Played, CaseError> {
    let schedule = Schedule::of(case, files)?;
    play(plan, case, &schedule, data_dir, options.coverage)
}

/// Compares what became of a case with what it expects.
fn judge(
    case: &TestCase,
    played: &Played,
    places: &FileSet,
    files: &dyn FileSource,
    options: &Options<'_>,
    report: &mut CaseReport,
) -> Vec<Golden> {
    let mut goldens = Vec::new();
    for expectation in &case.expect {
        let tap = (expectation.node.clone(), expectation.port.clone());
        let records = played.records.get(&tap).map_or(&[][..], Vec::as_slice);
        if let (Expected::Golden(path), true) = (&expectation.events, options.update) {
            goldens.extend(golden::updated(path, records, files));
            continue;
        }
        let failures = compare::compare(expectation, records, files).into_iter();
        report.failures.extend(failures.map(|failure| failure.at(place(places, expectation.span))));
    }
    for account in &case.ledger {
        let failures = accounts::compare(account, played).into_iter();
        report.failures.extend(failures.map(|failure| failure.at(place(places, account.span))));
    }
    report.failures.extend(accounts::conservation(case, played));
    if !report.failures.is_empty() {
        report.notes = accounts::notes(played);
    }
    goldens
}

fn place(files: &FileSet, span: Span) -> Place {
    let file = files.file(span.file);
    let position = file.position(span.start as usize);
    Place { file: file.path.clone(), line: position.line, column: position.column }
}
