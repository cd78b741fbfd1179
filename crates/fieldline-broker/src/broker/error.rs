//! What can go wrong, one variant for each thing the caller can do about it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// Another program, or another broker of this one, has the port.
    #[error("port {} on {} is already in use", address.port(), address.ip())]
    PortInUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The system refuses the address for another reason.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate or key file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate or key file is readable but not usable.
    #[error("`{}` {reason}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as the rest of a sentence that begins with the file.
        reason: String,
    },
    /// The data directory cannot be used, for example because another broker has it open.
    #[error("cannot use the data directory `{}`: {source}", path.display())]
    DataDirectory {
        /// The directory.
        path: PathBuf,
        /// What the storage said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Stored sessions or retained messages cannot be loaded.
    #[error("cannot restore sessions and retained messages: {source}")]
    Restore {
        /// What the storage said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why a [`Link`](crate::Link) refused a call.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The broker behind the link has ended.
    #[error("the broker has stopped")]
    Stopped,
    /// Messages cannot be published to this topic.
    #[error("`{0}` is not a topic: a topic is 1 to 65535 bytes without `+`, `#` and NUL")]
    InvalidTopic(String),
    /// Nothing can be subscribed with this filter.
    #[error("`{0}` is not a topic filter: `+` stands for a whole level, `#` for all at the end")]
    InvalidFilter(String),
}
