//! Runs the cases of one pipeline text.

use std::num::NonZeroUsize;

use fieldline_compiler::diagnostics::render;
use fieldline_compiler::{MemoryFiles, MemoryVariables, Overrides, Request, compile};
use fieldline_core::Registry;
use fieldline_testkit::report::Report;
use fieldline_testkit::report::human::{Color, human};
use fieldline_testkit::{Options, run_tests};

use crate::conservation::FORGETS;

/// The options of a run that only compares.
pub(crate) fn options() -> Options<'static> {
    let threads = NonZeroUsize::new(2).expect("not zero");
    Options { filter: None, update: false, coverage: false, threads, progress: &|_, _| {} }
}

/// Runs the cases of `pipeline.yaml` among `files`, which must compile.
pub(crate) fn run(text: &str, files: MemoryFiles, options: &Options<'_>) -> Report {
    let files = files.with("pipeline.yaml", text.to_owned());
    let (registry, variables) =
        (Registry::new(fieldline_components::all().chain([FORGETS])), MemoryVariables::default());
    let roots = ["pipeline.yaml".into()];
    let request = Request {
        roots: &roots,
        files: &files,
        variables: &variables,
        registry: &registry,
        overrides: Overrides::default(),
    };
    let compiled = compile(&request);
    let lines: Vec<String> =
        compiled.diagnostics.iter().map(|found| render::line(found, &compiled.files)).collect();
    assert!(compiled.is_ok(), "{}", lines.join("\n"));
    run_tests(&request, &compiled, options).expect("a temporary folder")
}

/// What the compiler says of a pipeline, one line each.
pub(crate) fn complaints(text: &str) -> Vec<String> {
    let compiled = compile(&Request {
        roots: &["pipeline.yaml".into()],
        files: &MemoryFiles::default().with("pipeline.yaml", text.to_owned()),
        variables: &MemoryVariables::default(),
        registry: &Registry::new(fieldline_components::all()),
        overrides: Overrides::default(),
    });
    compiled.diagnostics.iter().map(|found| render::line(found, &compiled.files)).collect()
}

/// The whole report of a pipeline, as a person sees it.
pub(crate) fn shown(text: &str, options: &Options<'_>) -> String {
    let report = run(text, MemoryFiles::default(), options);
    format!("{}\n\n{}", human(&report, Color::Never), report.summary()).trim_start().to_owned()
}

/// Checks the whole report of a pipeline.
pub(crate) fn check(text: &str, expected: &str) {
    assert_eq!(shown(text, &options()), expected);
}
