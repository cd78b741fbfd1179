//! `fieldline completions`: what a shell needs to complete commands and options.

use clap::CommandFactory;

use crate::cli::{Arguments, CompletionsOptions};
use crate::exit::Exit;
use crate::output;

/// Prints the script for the shell.
pub(crate) fn completions(options: &CompletionsOptions) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "fieldline", &mut script);
    output::print(String::from_utf8(script)?.trim_end());
    Ok(Exit::Done)
}
