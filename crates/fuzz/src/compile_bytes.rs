//! The body of the fuzz target; a property test of the compiler runs it too, so that it is always type-checked.

use std::path::PathBuf;

use fieldline_compiler::change::{Change, Fate};
use fieldline_compiler::diagnostics::data::data;
use fieldline_compiler::diagnostics::render::{Color, line, render};
use fieldline_compiler::{MemoryFiles, MemoryVariables, Overrides, Request, compile, draw};
use fieldline_core::Registry;

/// Compiles `bytes` as a file that may also use itself, shows all that is said of it, and draws what it became.
///
/// # Panics
/// If a promise is broken: what is whole has no error, and a plan differs from itself.
pub(crate) fn compile_bytes(bytes: &[u8], registry: &Registry) {
    let files = MemoryFiles::default().with("p.yaml", bytes.to_vec());
    let roots = [PathBuf::from("p.yaml")];
    let variables = MemoryVariables::default();
    let overrides = Overrides::default();
    let compiled =
        compile(&Request { roots: &roots, files: &files, variables: &variables, registry, overrides });
    for diagnostic in &compiled.diagnostics {
        let shown = render(diagnostic, &compiled.files, Color::Never);
        assert!(shown.contains(diagnostic.code));
        assert!(line(diagnostic, &compiled.files).contains(diagnostic.code));
        let place = data(diagnostic, &compiled.files).place;
        assert!(place.line >= 1 && place.column >= 1);
    }
    assert!(compiled.is_ok() || !compiled.diagnostics.is_empty());
    let change = Change::between(&compiled.plan, &compiled.plan);
    assert!(change.nodes.iter().all(|node| node.fate == Fate::Keep));
    assert!(draw::mermaid(&compiled.plan).starts_with("flowchart"));
    assert!(draw::dot(&compiled.plan).ends_with("}\n"));
}
