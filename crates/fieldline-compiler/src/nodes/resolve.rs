//! From a node as it was written to its component's typed config, and what can be learnt of that.

use std::collections::BTreeMap;
use std::path::PathBuf;

use fieldline_core::memory::Memory;
use fieldline_core::policy::{SinkPolicy, SourcePolicy};
use fieldline_core::report::{Place, Problem, Report};
use fieldline_core::{CheckCx, Facts, Prepared};

use crate::diagnostics::Diagnostics;
use crate::nodes::component_files::ComponentFiles;
use crate::nodes::control::{self, Right};
use crate::nodes::fields::Fields;
use crate::nodes::policy;
use crate::nodes::spec::NodeSpec;
use crate::nodes::typed::read_all;
use crate::params::secrets::Secrets;
use crate::text::files::FileSet;

/// What a node's config has become.
pub(crate) struct Resolved {
    pub(crate) prepared: Prepared,
    pub(crate) facts: Facts,
    pub(crate) memory: Option<Memory>,
    pub(crate) policy: SinkPolicy,
    pub(crate) source: SourcePolicy,
    /// Who may set what, one for each input of commands.
    pub(crate) rights: Vec<Right>,
    /// The paths of files as they were joined, by field; part of the fingerprint.
    pub(crate) paths: BTreeMap<String, PathBuf>,
}

/// Reads and checks a node; `None` when it has errors. A file of its component that has one is added to `files`. Of what
/// the component finds only that is told which `is_told` wants.
pub(crate) fn resolve(
    spec: &NodeSpec,
    is_told: fn(&NodeSpec, &Problem) -> bool,
    files: &mut FileSet,
    component_files: &ComponentFiles<'_>,
    secrets: &mut Secrets,
    diagnostics: &mut Diagnostics,
) -> Option<Resolved> {
    let definition = spec.definition?;
    let errors = diagnostics.errors();
    let cx = Fields::of(&spec.config, files);
    let what = format!("{} `{}`", spec.kind.word(), definition.name);
    let prepared =
        read_all(spec, &spec.config, &what, &cx, diagnostics, |value| (definition.read)(value, &cx));
    let paths = cx.paths.into_inner();
    cx.concealed.into_inner().into_iter().for_each(|node| secrets.add_field(node));
    let policy = policy::of_sink(spec, files, diagnostics);
    let source = policy::of_source(spec, files, diagnostics);
    let (prepared, policy, source) = (prepared?, policy?, source?);
    if diagnostics.errors() > errors {
        return None;
    }
    let mut report = Report::default();
    let mut cx = CheckCx::new(&mut report, component_files).beside(spec.beside()).reading(spec.reading());
    prepared.check(&mut cx);
    for problem in report.problems().iter().filter(|problem| is_told(spec, problem)) {
        complain(spec, problem, files, component_files, diagnostics);
    }
    let mut facts = prepared.facts();
    if facts.outputs.is_empty() {
        facts.outputs.push("main".into());
    }
    let rights = control::read(spec, &facts, files, diagnostics)?;
    if !rights.is_empty() {
        facts.outputs.push(control::RESPONSE.into());
    }
    if diagnostics.errors() > errors {
        return None;
    }
    let memory = prepared.memory(component_files);
    Some(Resolved { prepared, facts, memory, policy, source, rights, paths })
}

/// Turns what a component says of a field into a diagnostic at its place.
fn complain(
    spec: &NodeSpec,
    problem: &Problem,
    files: &mut FileSet,
    component_files: &ComponentFiles<'_>,
    diagnostics: &mut Diagnostics,
) {
    let (span, node) = match &problem.place {
        Place::File { path, line, column } => {
            let place = component_files.place(path, *line, *column, files);
            (place.unwrap_or(spec.span), None)
        }
        place => Fields::of(&spec.config, files).place(spec.span, place),
    };
    diagnostics.component_problem(span, node, problem);
}
