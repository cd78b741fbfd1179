//! Options of `fieldline shadow`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use fieldline_shadow::client;

use crate::exit;

/// Options of `shadow`.
#[derive(Debug, Args)]
#[command(after_help = exit::help(Some("shadow")))]
pub(crate) struct ShadowOptions {
    #[command(subcommand)]
    pub(crate) action: Action,
}

/// What is done with a shadow.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Print the document
    Get {
        #[command(flatten)]
        asking: Asking,
    },
    /// Change the document and print what was accepted
    Update {
        #[command(flatten)]
        asking: Asking,
        /// Such as `{"state":{"desired":{"mode":"eco"}}}`, or `@FILE` with it; standard input without it
        #[arg(value_name = "DOCUMENT")]
        document: Option<String>,
    },
    /// Delete the shadow
    Delete {
        #[command(flatten)]
        asking: Asking,
    },
    /// Print the document and then each change, one JSON text a line; over MQTT only
    Watch {
        #[command(flatten)]
        asking: Asking,
        /// Which changes
        #[arg(long, value_enum, default_value_t)]
        what: Watched,
        /// Stop after so many lines
        #[arg(long, value_name = "LINES")]
        count: Option<usize>,
    },
}

/// Which changes are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Watched {
    /// The document before and after each update
    #[default]
    Documents,
    /// What is desired and not reported
    Delta,
    /// What is desired
    Desired,
}

impl From<Watched> for client::Watch {
    fn from(watched: Watched) -> Self {
        match watched {
            Watched::Documents => client::Watch::Documents,
            Watched::Delta => client::Watch::Delta,
            Watched::Desired => client::Watch::Desired,
        }
    }
}

/// Which shadow, and where.
#[derive(Debug, Args)]
pub(crate) struct Asking {
    /// The thing
    #[arg(value_name = "THING")]
    pub(crate) thing: String,
    /// The shadow's name; the classic shadow without it
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Where the service is and who asks.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// `mqtt://HOST:1883`, `mqtts://HOST:8883`, or `https://HOST:8443` for REST
    #[arg(long, value_name = "URL", required_unless_present = "pipeline")]
    pub(crate) url: Option<String>,
    /// The certificates of the authorities that may have signed the server's (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The certificate of who asks (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// A pipeline file with an `mqtt` connection; what is not given here is taken from that
    #[arg(long, value_name = "FILE")]
    pub(crate) pipeline: Option<PathBuf>,
    /// Which connection, if the file has several
    #[arg(long, value_name = "NAME", requires = "pipeline")]
    pub(crate) connection: Option<String>,
    /// Folder with the secrets of the pipeline file
    #[arg(long, value_name = "FOLDER", requires = "pipeline")]
    pub(crate) secrets: Option<PathBuf>,
    /// Under which name the broker knows who asks, if it cares; never that of a program that runs
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// How long an answer may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) timeout: u64,
}
