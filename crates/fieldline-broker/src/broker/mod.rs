//! The broker: admits clients at its listeners, and runs until told to stop.
//!
//! Our part is everything around the protocol: sockets, TLS, who a client is, what it may do,
//! and the link into the process. The protocol itself, sessions and their storage are a
//! library's, named only in `engine`.

pub(crate) mod options;

pub(crate) mod identity;
pub(crate) mod policy;
pub(crate) mod tls;

mod listener;

mod client;
mod guard;
mod packet;

pub(crate) mod link;
pub(crate) mod message;

mod subscribers;
mod topic;

mod engine;

pub(crate) mod error;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};

use engine::Engine;
use error::BrokerError;
use link::Link;
use listener::{Connections, Listeners};
use options::BrokerOptions;

const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(600);
/// Pause after a failed `accept`, which is nearly always "too many open files".
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// A broker that has its ports and its storage; it serves clients while [`Broker::run`] is polled.
pub struct Broker {
    listeners: Listeners,
    connections: Connections,
    engine: Arc<Engine>,
}

impl Broker {
    /// Reads the certificates, takes the ports and opens the data directory.
    ///
    /// # Errors
    /// Each way this can fail is a variant of [`BrokerError`].
    pub async fn start(options: BrokerOptions) -> Result<Self, BrokerError> {
        let listeners = Listeners::bind(&options.listeners).await?;
        let engine = Arc::new(Engine::open(&options).await?);
        // The other half is for everything else: files, other connections, and those who ask how the program is.
        let limit = options.max_connections.min(fieldline_files::descriptor_limit() / 2);
        let connections = Connections::new(limit, options.policy, Arc::clone(&engine));
        Ok(Self { listeners, connections, engine })
    }

    /// The addresses clients connect to, one for each listener of the options in their order, with
    /// the ports the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.listeners.addresses()
    }

    /// A way into the broker for this process; links stay usable until the broker ends.
    pub fn link(&self) -> Link {
        Link::new(&self.engine)
    }

    /// Serves clients until `stop` completes, then says goodbye to them and writes out what is
    /// not on disk yet. When it returns, the ports and the data directory are free again.
    ///
    /// Every connection is a task of this future: dropping it closes them all, at the price of
    /// what the last 250 ms left unwritten.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { mut listeners, mut connections, engine } = self;
        let mut maintenance = interval(MAINTENANCE_INTERVAL);
        maintenance.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                _ = maintenance.tick() => engine.forget_expired().await,
                () = connections.ended() => {}
                accepted = listeners.accept() => match accepted {
                    Ok(arrival) => connections.open(arrival),
                    Err(error) => {
                        connections.cannot_accept(&error);
                        sleep(ACCEPT_BACKOFF).await;
                    }
                },
            }
        }
        let addresses: Vec<String> = listeners.addresses().iter().map(ToString::to_string).collect();
        drop(listeners);
        engine.disconnect_all();
        connections.drain().await;
        engine.flush().await;
        tracing::info!(addresses = addresses.join(", "), "broker has stopped");
    }
}
