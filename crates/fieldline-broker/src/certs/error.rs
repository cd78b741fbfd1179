//! What can go wrong when certificates are issued or written.

use std::io;
use std::path::PathBuf;

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file is already there, and nothing has been written over it.
    #[error("`{}` exists already and is not overwritten", .0.display())]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The authority's certificate or key cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The given certificate and key are not an authority's.
    #[error("not the certificate and key of an authority: {0}")]
    NotAnAuthority(String),
    /// A device cannot be called so.
    #[error("`{0}` is not a device name: 1 to 128 of a-z A-Z 0-9 : _ - and neither `ca` nor `server`")]
    InvalidDevice(String),
    /// A server cannot be reached by this name.
    #[error("`{0}` is neither an IP address nor a DNS name")]
    InvalidServerName(String),
    /// The certificate would end outside the years that can be written.
    #[error("{0} days are too long")]
    TooLong(u32),
    /// The system has no randomness, or a name is too long to encode.
    #[error("cannot issue the certificate: {0}")]
    Issue(String),
}
