//! [`BrokerOptions`]: where a broker listens, who decides what its clients may do, and how much it keeps.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::broker::policy::Policy;
use crate::broker::tls::ServerTls;

/// An address to listen on, and how clients prove there who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The address; port 0 lets the system choose.
    pub address: SocketAddr,
    /// Certificates for mutual TLS; without them the listener speaks plain TCP.
    pub tls: Option<ServerTls>,
}

impl Listener {
    /// Plain TCP: nobody proves anything.
    pub fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// TLS, for clients with a certificate of the authority named in `tls`.
    pub fn secured(address: SocketAddr, tls: ServerTls) -> Self {
        Self { address, tls: Some(tls) }
    }
}

/// How a [`Broker`](crate::Broker) is to be started.
#[derive(Clone)]
pub struct BrokerOptions {
    /// Where it listens. Without a listener, only links reach the broker.
    pub listeners: Vec<Listener>,
    /// Decides what each client may do, whichever listener it came to.
    pub policy: Arc<dyn Policy>,
    /// Directory for retained messages and sessions; without it they live in memory only.
    ///
    /// Retained messages, sessions and their subscriptions are on disk before they are
    /// acknowledged. Messages queued for an absent client follow within 250 ms, or with
    /// [`Link::flush`](crate::Link::flush); one that is fetched sooner never costs a write.
    pub data_directory: Option<PathBuf>,
    /// Connections served at once, over all listeners, as far as half of the descriptors of the process allow; one more is
    /// closed as soon as it is accepted.
    pub max_connections: usize,
    /// Largest MQTT packet taken from a client, in bytes.
    pub max_packet: usize,
    /// How long the session of an absent client is kept.
    pub session_expiry: Duration,
}

impl BrokerOptions {
    /// Nothing on disk, 1,000 connections, packets up to 1 MiB, and sessions kept for seven days.
    pub fn new(listeners: Vec<Listener>, policy: Arc<dyn Policy>) -> Self {
        Self {
            listeners,
            policy,
            data_directory: None,
            max_connections: 1_000,
            max_packet: 1024 * 1024,
            session_expiry: Duration::from_secs(7 * 24 * 3600),
        }
    }
}
