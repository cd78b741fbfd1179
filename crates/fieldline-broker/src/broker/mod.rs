//! The broker: listens on one address, admits clients, and runs until told to stop.
//!
//! Our part is everything around the protocol: sockets, TLS, who a client is, what it may do,
//! and the link into the process. The protocol itself, sessions and their storage are a
//! library's, named only in `engine`.

mod client;
mod engine;
pub(crate) mod error;
mod guard;
pub(crate) mod identity;
pub(crate) mod link;
pub(crate) mod message;
mod packet;
pub(crate) mod policy;
mod subscribers;
pub(crate) mod tls;
mod topic;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use client::Client;
use engine::Engine;
use error::BrokerError;
use guard::GuardedStream;
use link::Link;
use policy::{AllowLoopback, Policy};
use tls::ServerTls;

const TLS_HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(600);
/// Pause after a failed `accept`, which is nearly always "too many open files".
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// How a [`Broker`] is to be started.
#[derive(Clone)]
pub struct BrokerOptions {
    /// Address to listen on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Certificates for mutual TLS; without them the listener speaks plain TCP.
    pub tls: Option<ServerTls>,
    /// Directory for retained messages and sessions; without it they live in memory only.
    ///
    /// Retained messages, sessions and their subscriptions are on disk before they are
    /// acknowledged. Messages queued for an absent client follow within 250 ms, or with
    /// [`Link::flush`]; one that is fetched sooner never costs a write.
    pub data_directory: Option<PathBuf>,
    /// Decides what each client may do.
    pub policy: Arc<dyn Policy>,
    /// Connections served at once; one more is closed as soon as it is accepted.
    pub max_connections: usize,
    /// Largest MQTT packet taken from a client, in bytes.
    pub max_packet: usize,
    /// How long the session of an absent client is kept.
    pub session_expiry: Duration,
}

impl BrokerOptions {
    /// Plain TCP on `listen`, nothing on disk, loopback clients only, 1,000 connections, packets
    /// up to 1 MiB, and sessions kept for seven days.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            tls: None,
            data_directory: None,
            policy: Arc::new(AllowLoopback),
            max_connections: 1_000,
            max_packet: 1024 * 1024,
            session_expiry: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// A broker that has its port and its storage; it serves clients while [`Broker::run`] is polled.
pub struct Broker {
    listener: TcpListener,
    address: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    policy: Arc<dyn Policy>,
    max_connections: usize,
    engine: Arc<Engine>,
}

impl Broker {
    /// Reads the certificates, takes the port and opens the data directory.
    ///
    /// # Errors
    /// Each way this can fail is a variant of [`BrokerError`].
    pub async fn start(options: BrokerOptions) -> Result<Self, BrokerError> {
        let acceptor = match &options.tls {
            Some(tls) => Some(tls::acceptor(tls).await?),
            None => None,
        };
        let listener =
            TcpListener::bind(options.listen).await.map_err(|error| listen_error(options.listen, error))?;
        let address = listener.local_addr().map_err(|error| listen_error(options.listen, error))?;
        let engine = Arc::new(Engine::open(&options).await?);
        tracing::info!(%address, tls = acceptor.is_some(), "broker listens");
        Ok(Self {
            listener,
            address,
            acceptor,
            policy: options.policy,
            max_connections: options.max_connections,
            engine,
        })
    }

    /// The address clients connect to, with the port the system chose.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A way into the broker for this process; links stay usable until the broker ends.
    pub fn link(&self) -> Link {
        Link::new(&self.engine)
    }

    /// Serves clients until `stop` completes, then says goodbye to them and writes out what is
    /// not on disk yet. When it returns, the port and the data directory are free again.
    ///
    /// Every connection is a task of this future: dropping it closes them all, at the price of
    /// what the last 250 ms left unwritten.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        let mut maintenance = interval(MAINTENANCE_INTERVAL);
        maintenance.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                _ = maintenance.tick() => self.engine.forget_expired().await,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, peer)) if connections.len() < self.max_connections => {
                        connections.spawn(serve(
                            socket,
                            peer,
                            self.acceptor.clone(),
                            Arc::clone(&self.policy),
                            Arc::clone(&self.engine),
                            self.engine.goodbye(),
                        ));
                    }
                    Ok((_, peer)) => {
                        tracing::warn!(%peer, limit = self.max_connections, "broker is full, connection closed");
                    }
                    Err(error) => {
                        tracing::warn!(%error, "broker cannot accept a connection, trying again");
                        sleep(ACCEPT_BACKOFF).await;
                    }
                },
            }
        }
        drop(self.listener);
        self.engine.disconnect_all();
        let drained =
            timeout(SHUTDOWN_LIMIT, async { while connections.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tracing::warn!(open = connections.len(), "clients did not leave in time, connections cut");
            connections.shutdown().await;
        }
        self.engine.flush().await;
        tracing::info!(address = %self.address, "broker has stopped");
    }
}

/// One client, from the TLS handshake to its last packet.
async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    policy: Arc<dyn Policy>,
    engine: Arc<Engine>,
    goodbye: impl Future<Output = ()>,
) {
    tokio::pin!(goodbye);
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot disable Nagle's algorithm");
    }
    let Some(acceptor) = acceptor else {
        let client = Arc::new(Client::new(policy, peer, None));
        return engine.serve(GuardedStream::new(socket, Arc::clone(&client)), client, goodbye).await;
    };
    let handshake = tokio::select! {
        handshake = timeout(TLS_HANDSHAKE_LIMIT, acceptor.accept(socket)) => handshake,
        () = &mut goodbye => return,
    };
    match handshake {
        Ok(Ok(socket)) => {
            let certificate = tls::peer_identity(&socket);
            let client = Arc::new(Client::new(policy, peer, certificate));
            engine.serve(GuardedStream::new(socket, Arc::clone(&client)), client, goodbye).await;
        }
        Ok(Err(error)) => tracing::warn!(%peer, %error, "TLS handshake refused"),
        Err(_) => tracing::warn!(%peer, "TLS handshake did not finish in time"),
    }
}

fn listen_error(address: SocketAddr, error: io::Error) -> BrokerError {
    if error.kind() == io::ErrorKind::AddrInUse {
        return BrokerError::PortInUse { address };
    }
    BrokerError::Listen { address, source: error }
}
