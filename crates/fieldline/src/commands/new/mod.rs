//! `fieldline new`: begins a station file that uses a template, or a pipeline of its own. Never overwrites a file.

mod interview;
mod paths;
mod starter;
mod station;

use std::io::IsTerminal;
use std::path::Path;

use anyhow::bail;
use fieldline_compiler::{Overrides, ParamInfo, Request, template_params};
use fieldline_core::report::Severity;

use self::station::Station;
use crate::cli::NewOptions;
use crate::disk::{self, Machine};
use crate::exit::Exit;
use crate::output;

/// The codes of what is wrong with the params themselves; anything else can be mended in the file.
const ABOUT_PARAMS: [&str; 3] = ["bad-param", "missing-param", "unknown-param"];

/// Writes the file and says what to do next.
pub(crate) fn new(options: &NewOptions) -> anyhow::Result<Exit> {
    if options.into.exists() {
        bail!("`{}` is there already; choose another name or remove it", options.into.display());
    }
    match &options.template {
        Some(template) => from_template(template, options),
        None => {
            disk::write_new(&options.into, &starter::text(&options.into))?;
            next_steps(&options.into);
            Ok(Exit::Done)
        }
    }
}

fn from_template(template: &Path, options: &NewOptions) -> anyhow::Result<Exit> {
    let (machine, registry) = (Machine::new(None), disk::registry());
    let request = Request {
        roots: &[],
        files: &machine,
        variables: &machine,
        registry: &registry,
        overrides: Overrides::default(),
    };
    let params = match template_params(&request, template) {
        Ok(params) => params,
        Err((problems, files)) => {
            output::problems(&problems, &files);
            return Ok(Exit::BadConfig);
        }
    };
    let mut station = Station::new(template, &options.into, &params)?;
    for (name, value) in &options.set {
        station.answer(name, value);
    }
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        let mut wrong = |station: &Station<'_>| {
            let compiled = station.compile(&request);
            compiled.diagnostics.into_iter().find(|one| one.code == "bad-param").map(|one| one.message)
        };
        interview::interview(&mut station, &mut wrong, &mut std::io::stdin().lock(), &mut std::io::stderr())?;
    }
    let missing = station.missing();
    if !missing.is_empty() {
        output::error(&anyhow::anyhow!("{}", unset(&missing)));
        return Ok(Exit::WrongUsage);
    }
    let compiled = station.compile(&request);
    output::problems(&compiled.diagnostics, &compiled.files);
    if compiled
        .diagnostics
        .iter()
        .any(|one| ABOUT_PARAMS.contains(&one.code) && one.severity == Severity::Error)
    {
        return Ok(Exit::BadConfig);
    }
    disk::write_new(&options.into, &station.text())?;
    if let Some(found) = output::count(&compiled) {
        output::print(format!("{found} above: mend what they name before it can run"));
    }
    next_steps(&options.into);
    Ok(Exit::Done)
}

/// What must be set and how.
fn unset(missing: &[&ParamInfo]) -> String {
    let mut text = String::from("the template asks for values that are not set; add");
    for param in missing {
        text += &format!("\n  --set {}=…   {}", param.name, station::describe(param));
    }
    text
}

fn next_steps(file: &Path) {
    let file = file.display();
    output::print(format!(
        "wrote {file}\nnext: fieldline check {file}\n      fieldline test {file}\n      fieldline run {file}"
    ));
}
