//! What can go wrong, one variant for each thing the caller can do about it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use rustls::pki_types::pem;
use rustls::server::VerifierBuilderError;

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
    #[error("`{}` {problem}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        problem: CertificateProblem,
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

/// What is wrong with a certificate or key file, as the rest of a sentence that begins with the file.
#[derive(Debug, thiserror::Error)]
pub enum CertificateProblem {
    /// There is no certificate in it.
    #[error("holds no certificate in PEM")]
    NoCertificate,
    /// There is no private key in it.
    #[error("holds no private key in PEM")]
    NoKey,
    /// It begins like PEM and does not go on so.
    #[error("is not PEM: {0}")]
    NotPem(#[source] pem::Error),
    /// A certificate in it cannot be that of an authority.
    #[error("holds a certificate that is no authority: {0}")]
    NotAnAuthority(#[source] rustls::Error),
    /// Clients cannot be verified with its authorities.
    #[error("holds no authorities of clients: {0}")]
    NoAuthorities(#[source] VerifierBuilderError),
    /// It is the key of another certificate.
    #[error("is not the key of the certificate in `{}`", certificate.display())]
    ForeignKey {
        /// The file with the certificate.
        certificate: PathBuf,
    },
    /// TLS does not take the certificate or its key.
    #[error("cannot be used: {0}")]
    Unusable(#[source] rustls::Error),
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
