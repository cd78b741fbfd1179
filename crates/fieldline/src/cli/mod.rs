//! The commands and their options.

pub(crate) mod shadow;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::filter::Targets;

use crate::exit;
use crate::logging::{self, LogFormat};
use shadow::ShadowOptions;

/// Pipelines from sensors to brokers, described in YAML.
#[derive(Debug, Parser)]
#[command(
    name = "fieldline",
    version,
    after_help = exit::help(None)
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run pipelines until they end or are stopped; edits are taken over while they run
    Run(RunOptions),
    /// Check pipeline files without running them
    Check(CheckOptions),
    /// Run the tests in pipeline files, in virtual time
    Test(TestOptions),
    /// Draw the graph of pipelines
    Graph(GraphOptions),
    /// Tell about a topic, a component, or the code of an error; without a name, list them all
    Explain(ExplainOptions),
    /// Begin a station file from a template, or a pipeline of its own
    New(NewOptions),
    /// Make a development CA with server and device certificates
    Certs(CertsOptions),
    /// Tell what a reload would do, before it is done
    Plan(PlanOptions),
    /// Show how a running program is doing
    Status(AskOptions),
    /// Make a running program read its files again
    Reload(ReloadOptions),
    /// Put the events of a dead letter file in again, after the fix
    Replay(ReplayOptions),
    /// Get, update, delete or watch a device shadow, over MQTT or REST
    Shadow(ShadowOptions),
    /// Print the JSON Schema of pipeline files, for editors, or the OpenAPI document of the admin listener
    Schema(SchemaOptions),
    /// Print what a shell needs to complete commands
    Completions(CompletionsOptions),
}

/// How output is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
}

/// What is compiled.
#[derive(Clone, Debug, Args)]
pub(crate) struct Paths {
    /// Pipeline files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Folder with one file for each secret, readable only by its owner; systemd's credentials by default
    #[arg(long, value_name = "FOLDER")]
    pub(crate) secrets: Option<PathBuf>,
}

/// Options of `run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = exit::help(Some("run")))]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// Where buffers, dead letters and state are kept; systemd's state folder or `fieldline-data` by default
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where metrics and health are served to this machine; 127.0.0.1:9464 by default, if that port is free
    #[arg(long, value_name = "ADDRESS", conflicts_with = "no_admin")]
    pub(crate) admin: Option<SocketAddr>,
    /// Serve neither metrics nor health
    #[arg(long)]
    pub(crate) no_admin: bool,
    /// Do not watch the files
    #[arg(long)]
    pub(crate) no_watch: bool,
    /// Where a file has errors at the start, run it as it was when it last had none. What has run for a minute is kept
    /// for that in the data folder
    #[arg(long)]
    pub(crate) last_good: bool,
    /// Seconds to drain before what is left is cut off. A second Ctrl-C or SIGTERM ends it at once, with exit code 130 or 143;
    /// where something hangs, the program ends soon after, with exit code 3
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) grace: u64,
    /// Seconds between two saves of what transforms remember over a restart, while it changes
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) save_every: u64,
    /// What to log, such as `debug` or `info,fieldline_mqtt=debug`
    #[arg(long, value_name = "FILTER", default_value = "info", value_parser = logging::filter)]
    pub(crate) log: Targets,
    /// How to log; by default text on a terminal, with priorities in the journal of systemd, JSON elsewhere
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(crate) log_format: Option<LogFormat>,
}

/// Options of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// How to print what is wrong
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Print what each pipeline becomes with templates, fragments and params put in; secrets are `***`
    #[arg(long, conflicts_with = "format")]
    pub(crate) resolved: bool,
}

/// How the outcome of tests is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestFormat {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
    /// For build servers: JUnit's XML
    Junit,
}

/// Options of `test`.
#[derive(Debug, Args)]
pub(crate) struct TestOptions {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// Write golden files anew instead of comparing them
    #[arg(long)]
    pub(crate) update: bool,
    /// Only cases whose `pipeline: name` contains this
    #[arg(long, value_name = "NAME")]
    pub(crate) filter: Option<String>,
    /// Tell which nodes and ports no case has reached
    #[arg(long)]
    pub(crate) coverage: bool,
    /// How the outcome is written
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TestFormat,
}

/// Options of `graph`.
#[derive(Debug, Args)]
pub(crate) struct GraphOptions {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// The language of the drawing
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Drawing,
}

/// The language of a drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Drawing {
    /// For Markdown pages
    #[default]
    Mermaid,
    /// For Graphviz
    Dot,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainOptions {
    /// A topic, a component or a code, such as `scripts`, `mqtt` or `unknown-input`; a kind before it, as in `sink mqtt`
    #[arg(value_name = "NAME", num_args = 0..=2)]
    pub(crate) what: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Options of `new`.
#[derive(Debug, Args)]
pub(crate) struct NewOptions {
    /// The template whose params are set; without it, a small pipeline of its own is written
    #[arg(long, value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,
    /// The file to write; one that exists is left alone
    #[arg(long, value_name = "FILE")]
    pub(crate) into: PathBuf,
    /// The value of a param; on a terminal, those left out are asked for
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment, requires = "template")]
    pub(crate) set: Vec<(String, String)>,
}

fn assignment(text: &str) -> anyhow::Result<(String, String)> {
    let (name, value) = text.split_once('=').context("write `name=value`")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Options of `schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaOptions {
    /// The OpenAPI document instead
    #[arg(long)]
    pub(crate) openapi: bool,
    /// The file to write, instead of printing it
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsOptions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

/// Options of `certs`.
#[derive(Debug, Args)]
pub(crate) struct CertsOptions {
    /// Folder the files are put into
    #[arg(long, value_name = "FOLDER", default_value = "certs")]
    pub(crate) into: PathBuf,
    /// Names of devices, each with a certificate of its own
    #[arg(long = "device", value_name = "NAME", default_value = "device")]
    pub(crate) devices: Vec<String>,
    /// Add the devices to the CA that is in the folder already
    #[arg(long, conflicts_with = "server_names")]
    pub(crate) add: bool,
    /// Further host names and addresses of the server, beside those of this machine
    #[arg(long = "server", value_name = "NAME")]
    pub(crate) server_names: Vec<String>,
    /// For how many days the certificates are valid
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    pub(crate) days: u32,
}

/// Options of `plan`.
#[derive(Debug, Args)]
#[command(after_help = exit::help(Some("plan")))]
pub(crate) struct PlanOptions {
    /// The files or folders as they would be; needed with --from and --since
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Compare with these files instead of with a running program
    #[arg(long, value_name = "PATH", conflicts_with = "since")]
    pub(crate) from: Option<PathBuf>,
    /// Compare with the files as they were in this revision of git
    #[arg(long, value_name = "REVISION")]
    pub(crate) since: Option<String>,
    /// The admin address of the running program
    #[arg(long, value_name = "ADDRESS", default_value_t = DEFAULT_ADMIN)]
    pub(crate) admin: SocketAddr,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Options of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayOptions {
    /// The dead letter file, such as fieldline-data/dead-letter/drying.jsonl
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Put in again also what was put in by an earlier replay
    #[arg(long)]
    pub(crate) again: bool,
    /// The admin address of the running program
    #[arg(long, value_name = "ADDRESS", default_value_t = DEFAULT_ADMIN)]
    pub(crate) admin: SocketAddr,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Options of `reload`.
#[derive(Debug, Args)]
#[command(after_help = exit::help(Some("reload")))]
pub(crate) struct ReloadOptions {
    #[command(flatten)]
    pub(crate) ask: AskOptions,
    /// Apply the files even if events that wait for a sink get lost
    #[arg(long, conflicts_with = "carry_over")]
    pub(crate) accept_loss: bool,
    /// Apply the files and send events that wait for a sink where the new files send theirs
    #[arg(long)]
    pub(crate) carry_over: bool,
}

/// Options of commands that ask a running program.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct AskOptions {
    /// The admin address of the running program
    #[arg(long, value_name = "ADDRESS", default_value_t = DEFAULT_ADMIN)]
    pub(crate) admin: SocketAddr,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Where metrics and health are served if nothing else is said.
pub(crate) const DEFAULT_ADMIN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9464);
