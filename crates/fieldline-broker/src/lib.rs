//! An MQTT broker inside the process, and a development PKI for it and its clients.
//!
//! This crate knows nothing of pipelines. A [`Broker`] listens where its
//! [`BrokerOptions`] say, asks a [`Policy`] about every topic, and gives the process a [`Link`] of its own; [`create_pki`] issues the certificates.
//! Without the feature `broker` only the certificates are left.

#[cfg(feature = "broker")]
mod broker;
mod certs;

#[cfg(feature = "broker")]
pub use broker::Broker;
#[cfg(feature = "broker")]
pub use broker::error::{BrokerError, CertificateProblem, LinkError};
#[cfg(feature = "broker")]
pub use broker::identity::{CertificateIdentity, Identity};
#[cfg(feature = "broker")]
pub use broker::link::{Link, Subscription};
#[cfg(feature = "broker")]
pub use broker::message::{Delivery, Message, QualityOfService, Received};
#[cfg(feature = "broker")]
pub use broker::options::{BrokerOptions, Listener};
#[cfg(feature = "broker")]
pub use broker::policy::{Action, AllowLoopback, Policy};
#[cfg(feature = "broker")]
pub use broker::tls::ServerTls;
pub use certs::authority::{Authority, CertificatePair, Validity};
pub use certs::error::CertificateError;
pub use certs::files::{PkiFiles, add_device, create_pki};
