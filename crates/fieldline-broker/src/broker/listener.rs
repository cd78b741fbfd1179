//! Where clients come in: the listeners of a broker, and one task for each connection they accept.
//!
//! [`Connections::open`] is the only place of this crate that starts tasks. They belong to the future
//! of [`Broker::run`](super::Broker::run): dropping it aborts them all.

use std::future::{Future, pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::broker::client::Client;
use crate::broker::engine::Engine;
use crate::broker::error::BrokerError;
use crate::broker::guard::GuardedStream;
use crate::broker::options::Listener;
use crate::broker::policy::Policy;
use crate::broker::tls;

const TLS_HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
const LEAVE_LIMIT: Duration = Duration::from_secs(5);

/// The listeners of a broker, each with its port.
pub(super) struct Listeners {
    sockets: Vec<Socket>,
    addresses: Vec<SocketAddr>,
    /// The one that is asked first, so that a busy listener does not starve the others.
    next: usize,
}

struct Socket {
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
}

/// A connection that was accepted, before its TLS handshake.
pub(super) struct Arrival {
    socket: TcpStream,
    peer: SocketAddr,
    acceptor: Option<TlsAcceptor>,
}

impl Listeners {
    /// Reads all certificates, then takes all ports.
    pub(super) async fn bind(wanted: &[Listener]) -> Result<Self, BrokerError> {
        let mut acceptors = Vec::with_capacity(wanted.len());
        for Listener { tls, .. } in wanted {
            acceptors.push(match tls {
                Some(tls) => Some(tls::acceptor(tls).await?),
                None => None,
            });
        }
        let (mut sockets, mut addresses) = (Vec::new(), Vec::new());
        for (Listener { address, .. }, acceptor) in wanted.iter().zip(acceptors) {
            let refused = |error| listen_error(*address, error);
            let listener = TcpListener::bind(address).await.map_err(refused)?;
            let address = listener.local_addr().map_err(refused)?;
            tracing::info!(%address, tls = acceptor.is_some(), "broker listens");
            addresses.push(address);
            sockets.push(Socket { listener, acceptor });
        }
        Ok(Self { sockets, addresses, next: 0 })
    }

    /// The addresses with the ports the system chose, in the order of the options.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The next connection, whichever listener it comes to. Cancel-safe: a connection is accepted
    /// only when it is returned.
    pub(super) async fn accept(&mut self) -> io::Result<Arrival> {
        poll_fn(|context| {
            for offset in 0..self.sockets.len() {
                let index = (self.next + offset) % self.sockets.len();
                let Socket { listener, acceptor } = &self.sockets[index];
                if let Poll::Ready(accepted) = listener.poll_accept(context) {
                    self.next = index + 1;
                    return Poll::Ready(accepted.map(|(socket, peer)| Arrival {
                        socket,
                        peer,
                        acceptor: acceptor.clone(),
                    }));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// The connections that are served.
pub(super) struct Connections {
    tasks: JoinSet<()>,
    limit: usize,
    /// How many were refused since this was told.
    refused: u64,
    policy: Arc<dyn Policy>,
    engine: Arc<Engine>,
}

impl Connections {
    /// No connection yet, and `limit` at most.
    pub(super) fn new(limit: usize, policy: Arc<dyn Policy>, engine: Arc<Engine>) -> Self {
        Self { tasks: JoinSet::new(), limit, refused: 0, policy, engine }
    }

    /// Serves a client in a task of its own; closes its connection if there are enough. That is told once, until a quarter
    /// of the room is free again.
    pub(super) fn open(&mut self, arrival: Arrival) {
        if self.tasks.len() >= self.limit {
            if self.refused == 0 {
                tracing::warn!(peer = %arrival.peer, limit = self.limit, "broker is full, connections are closed");
            }
            self.refused += 1;
            return;
        }
        if self.refused > 0 && self.tasks.len() < self.limit - self.limit / 4 {
            tracing::info!(refused = self.refused, "broker takes connections again");
            self.refused = 0;
        }
        let (policy, engine) = (Arc::clone(&self.policy), Arc::clone(&self.engine));
        // Subscribed to here, so that a goodbye reaches a task that has not run yet.
        let goodbye = self.engine.goodbye();
        self.tasks.spawn(serve(arrival, policy, engine, goodbye));
    }

    /// Notes that the system gives no connection; told once, as a broker that is full.
    pub(super) fn cannot_accept(&mut self, error: &io::Error) {
        if self.refused == 0 {
            tracing::warn!(%error, "broker cannot accept connections, trying again");
        }
        self.refused += 1;
    }

    /// Waits for the end of a connection; for ever while there is none. Cancel-safe.
    pub(super) async fn ended(&mut self) {
        match self.tasks.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                tracing::error!(%error, "a connection of the broker panicked, its client was cut off");
            }
            Some(_) => {}
            None => pending().await,
        }
    }

    /// Waits for the clients to leave, who have been told to, and cuts off those who do not.
    pub(super) async fn drain(mut self) {
        let all_left = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(LEAVE_LIMIT, all_left).await.is_err() {
            tracing::warn!(open = self.tasks.len(), "clients did not leave in time, connections cut");
            self.tasks.shutdown().await;
        }
    }
}

/// One client, from the TLS handshake to its last packet.
async fn serve(
    Arrival { socket, peer, acceptor }: Arrival,
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
