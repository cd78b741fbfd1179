//! The report for programs, as JSON.

use serde_json::{Value, json};

use crate::coverage::Coverage;
use crate::report::{CaseReport, Failure, Place, Report};

/// `{"passed": …, "failed": …, "cases": […]}`, and `coverage` and `updated` where they were asked for.
pub fn data(report: &Report) -> Value {
    let failed = report.failed();
    let mut value = json!({
        "passed": report.cases.len() - failed,
        "failed": failed,
        "cases": report.cases.iter().map(case).collect::<Vec<_>>(),
    });
    if let Some(measured) = &report.coverage {
        value["coverage"] = coverage(measured);
    }
    if !report.goldens.is_empty() {
        value["updated"] = report.goldens.iter().map(|golden| json!(golden.path)).collect();
    }
    value
}

fn case(case: &CaseReport) -> Value {
    json!({
        "pipeline": case.pipeline,
        "name": case.name,
        "place": place(&case.place),
        "passed": case.has_passed(),
        "failures": case.failures.iter().map(failure).collect::<Vec<_>>(),
        "notes": case.notes,
    })
}

fn failure(failure: &Failure) -> Value {
    json!({
        "message": failure.message,
        "place": failure.place.as_ref().map(place),
        "expected": failure.expected,
        "actual": failure.actual,
    })
}

fn place(place: &Place) -> Value {
    json!({ "file": place.file, "line": place.line, "column": place.column })
}

fn coverage(coverage: &Coverage) -> Value {
    let pipelines = coverage
        .pipelines
        .iter()
        .map(|(name, seen)| (name.clone(), json!({ "nodes": seen.nodes, "ports": seen.ports })));
    Value::Object(pipelines.collect())
}
