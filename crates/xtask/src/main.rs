//! `cargo xtask tidy` and `new`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use xtask::new::{ComponentKind, create};
use xtask::tidy;
use xtask::workspace::{Workspace, root};

const USAGE: &str = "usage: cargo xtask tidy
       cargo xtask new transform|source|sink NAME
trials and benchmarks of the program are `cargo trials`";

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["tidy"] => tidy(&root()),
        ["new", kind, name] => new(&root(), kind, name),
        _ => bail!(USAGE),
    }
}

fn tidy(root: &Path) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load(root)?;
    let findings = tidy::check(&workspace)?;
    let mut out = std::io::stdout();
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    writeln!(out, "{}", tidy::size::summary(&workspace.sources))?;
    writeln!(out, "{} findings", findings.len())?;
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn new(root: &Path, kind: &str, name: &str) -> anyhow::Result<ExitCode> {
    let Some(kind) = ComponentKind::parse(kind) else { bail!("`{kind}` is no kind of component\n{USAGE}") };
    let mut out = std::io::stdout();
    for path in create(root, kind, name)? {
        writeln!(out, "wrote {}", path.display())?;
    }
    let formatted =
        Command::new("cargo").current_dir(root).args(["fmt", "-p", "fieldline-components"]).status();
    if !formatted.context("`cargo` does not start")?.success() {
        writeln!(out, "`cargo fmt` did not run; format the file before the tests do")?;
    }
    writeln!(out, "next: cargo test -p fieldline-components")?;
    Ok(ExitCode::SUCCESS)
}
