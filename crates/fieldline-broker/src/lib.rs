//! An MQTT broker inside the process, and a development PKI for it and its clients.
//!
//! This crate knows nothing of pipelines. [`broker`] listens, asks a [`Policy`] about every
//! topic, and gives the process a [`Link`] of its own; [`certs`] issues the certificates.

pub mod broker;
pub mod certs;

pub use broker::error::{BrokerError, LinkError};
pub use broker::identity::{CertificateIdentity, Identity};
pub use broker::link::{Delivery, Link, Message, QualityOfService, Received, Subscription};
pub use broker::policy::{Action, AllowLoopback, Policy};
pub use broker::{Broker, BrokerOptions, ServerTls};
