//! A template that no pipeline uses: which complaints hold whatever its params become.
//!
//! A station may still add what is missing, so only what stands there can be wrong; where a param has no value yet,
//! only what does not depend on it.

use fieldline_core::Step;
use fieldline_core::report::{Place, Problem};

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::nodes::component_files::ComponentFiles;
use crate::nodes::resolve::resolve;
use crate::nodes::spec::{NodeSpec, PipelineSpec};
use crate::params::secrets::Secrets;
use crate::text::files::{FileSet, Span};

/// What is missing, in the file or on the machine.
const MISSING: [&str; 6] =
    ["missing-field", "missing-param", "missing-secret", "missing-variable", "no-script", "unused-param"];

/// What is wrong at one place, whatever stands beside it.
const LOCAL: [&str; 2] = ["unknown-field", "wrong-type"];

/// Checks the nodes of a template, each by itself. `mark` is where its diagnostics begin.
pub(crate) fn check(
    spec: Option<&PipelineSpec>,
    mark: usize,
    files: &mut FileSet,
    component_files: &ComponentFiles<'_>,
    secrets: &mut Secrets,
    diagnostics: &mut Diagnostics,
) {
    for node in spec.iter().flat_map(|spec| &spec.nodes) {
        let mark = diagnostics.mark();
        resolve(node, is_certain, files, component_files, secrets, diagnostics);
        diagnostics.keep(mark, |diagnostic| is_apart(node, diagnostic));
    }
    diagnostics.keep(mark, |diagnostic| !MISSING.contains(&diagnostic.code));
}

/// Whether a problem that a component has found holds for all values of its open fields. A text that is complete, such as a
/// script, is right or wrong by itself.
fn is_certain(node: &NodeSpec, problem: &Problem) -> bool {
    let open = node.open_fields();
    let is_open = |name: &str| open.iter().any(|(open, _)| *open == name);
    match &problem.place {
        _ if open.is_empty() => true,
        Place::Text { field, .. } => {
            !is_open("with") && !matches!(field.steps(), [Step::Key(name), ..] if is_open(name))
        }
        Place::File { .. } => !is_open("with"),
        Place::Field(_) | Place::Key(_) => false,
    }
}

/// Whether a diagnostic is about no field that is still open, nor about a node as a whole that has one.
fn is_apart(node: &NodeSpec, diagnostic: &Diagnostic) -> bool {
    let open = node.open_fields();
    let at = diagnostic.span;
    let around = |span: &Span| span.file == at.file && (span.start..=span.end).contains(&at.start);
    LOCAL.contains(&diagnostic.code)
        || open.is_empty()
        || at != node.span && !open.iter().any(|(_, span)| around(span))
}
