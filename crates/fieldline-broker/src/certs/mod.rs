//! A development PKI: one authority, server certificates and device certificates.
//!
//! Good enough for a bench or a closed network; it has no revocation and keeps the authority's key
//! in a file. [`Authority`] is pure, [`files`] puts its results on disk.

pub mod authority;
pub mod error;
pub mod files;

pub use authority::{Authority, Pair, Validity};
pub use error::CertificateError;
pub use files::{PkiFiles, add_device, create};
