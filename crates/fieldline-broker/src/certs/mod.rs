//! A development PKI: one authority, server certificates and device certificates.
//!
//! Good enough for a bench or a closed network; it has no revocation and keeps the authority's key
//! in a file. `authority` is pure, `files` puts its results on disk.

pub(crate) mod authority;
pub(crate) mod error;
pub(crate) mod files;
