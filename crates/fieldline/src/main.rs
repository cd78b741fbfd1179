//! The `fieldline` program. Each command is a file in `commands`; `cli` lists them and their options,
//! `exit` the exit codes.

use std::process::ExitCode;

use clap::Parser;

mod admin;
mod canonical;
mod cli;
mod commands;
mod disk;
mod exit;
mod logging;
mod output;
mod reference;
mod service;
mod telemetry;

use exit::Exit;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let result = match arguments.command {
        cli::Command::Run(options) => commands::run::run(&options),
        cli::Command::Check(options) => commands::check::check(&options),
        cli::Command::Test(options) => commands::test::test(&options),
        cli::Command::Graph(options) => commands::graph::graph(&options),
        cli::Command::Explain(options) => commands::explain::explain(&options),
        cli::Command::New(options) => commands::new::new(&options),
        cli::Command::Certs(options) => commands::certs::certs(&options),
        cli::Command::Plan(options) => commands::plan::plan(&options),
        cli::Command::Status(options) => commands::ask::status(&options),
        cli::Command::Reload(options) => commands::reload::reload(&options),
        cli::Command::Replay(options) => commands::replay::replay(&options),
        cli::Command::Shadow(options) => commands::shadow::shadow(&options),
        cli::Command::Schema(options) => commands::schema::schema(&options),
        cli::Command::Completions(options) => commands::completions::completions(&options),
    };
    let exit = result.unwrap_or_else(|error| {
        output::error(&error);
        Exit::Failed
    });
    exit.into()
}
