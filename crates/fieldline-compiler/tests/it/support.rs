//! Compiles files in memory.

use std::path::PathBuf;

use fieldline_compiler::diagnostics::render::{Color, render};
use fieldline_compiler::{Compiled, MemoryFiles, MemoryVariables, Overrides, Request, SecretError, compile};

use crate::components::registry;

/// The environment and the secrets of the tests.
pub(crate) fn variables() -> MemoryVariables {
    let env = [("STATION", "drying"), ("PORT", "8883"), ("EMPTY", ""), ("LINES", "a\nb"), ("FAST", "true")];
    let secrets = [
        ("password", Ok("hunter2-is-secret".to_owned())),
        ("empty", Ok(String::new())),
        ("open", Err(SecretError::ReadableByOthers("credentials/open".into()))),
    ];
    MemoryVariables {
        env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        secrets: secrets.map(|(name, value)| (name.to_owned(), value)).into(),
    }
}

/// Compiles `files`, starting from `roots`.
pub(crate) fn compile_files(files: &MemoryFiles, roots: &[&str], overrides: Overrides) -> Compiled {
    let roots: Vec<PathBuf> = roots.iter().map(PathBuf::from).collect();
    let (variables, registry) = (variables(), registry());
    compile(&Request { roots: &roots, files, variables: &variables, registry: &registry, overrides })
}

/// Compiles one file.
pub(crate) fn compile_text(text: &str) -> Compiled {
    let files = MemoryFiles::default().with("pipeline.yaml", text.to_owned());
    compile_files(&files, &["pipeline.yaml"], Overrides::default())
}

/// Compiles one file that must have no error.
pub(crate) fn compile_well(text: &str) -> Compiled {
    let compiled = compile_text(text);
    assert!(compiled.is_ok(), "{}", shown(&compiled));
    compiled
}

/// All diagnostics as a person sees them.
pub(crate) fn shown(compiled: &Compiled) -> String {
    let all = compiled.diagnostics.iter().map(|each| render(each, &compiled.files, Color::Never));
    all.collect::<Vec<_>>().join("\n\n")
}
