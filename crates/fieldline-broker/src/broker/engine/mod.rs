//! The protocol, its sessions and their storage: `mqtt5`, named in this folder only.
//!
//! The library's own listener is not used: its authorisation hook does not see who a connection
//! belongs to, while its connection handler takes a stream, and a hook of its own per connection.

mod authorize;
mod events;
mod transport;

use std::future::{Future, pending};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use mqtt5::QoS;
use mqtt5::broker::client_handler::ClientHandler;
use mqtt5::broker::resource_monitor::{ResourceLimits, ResourceMonitor};
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::client_queue::QueueLimits;
use mqtt5::broker::sys_topics::BrokerStats;
use mqtt5::broker::transport::BrokerTransport;
use mqtt5::broker::{BrokerConfig, DynamicStorage, FileBackend, MemoryBackend, StorageBackend};
use mqtt5::packet::publish::PublishPacket;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::broadcast;

use crate::broker::client::Client;
use crate::broker::error::BrokerError;
use crate::broker::guard::GuardedStream;
use crate::broker::message::{Message, QualityOfService};
use crate::broker::options::BrokerOptions;
use crate::broker::subscribers::Subscribers;
use authorize::Authorizer;
use events::Events;

/// What an absent client's session may pile up; the oldest messages go first.
const QUEUE_LIMITS: QueueLimits = QueueLimits { max_messages: 10_000, max_bytes: 16 * 1024 * 1024 };

/// State shared by all connections of a broker.
pub(super) struct Engine {
    config: BrokerConfig,
    router: Arc<MessageRouter>,
    storage: Arc<DynamicStorage>,
    statistics: Arc<BrokerStats>,
    resources: Arc<ResourceMonitor>,
    goodbye: broadcast::Sender<()>,
    subscribers: Arc<Subscribers>,
}

impl Engine {
    /// Opens the storage and restores sessions, subscriptions and retained messages.
    pub(super) async fn open(options: &BrokerOptions) -> Result<Self, BrokerError> {
        let storage = Arc::new(open_storage(options.data_directory.as_deref()).await?);
        let router = Arc::new(MessageRouter::with_storage(Arc::clone(&storage)));
        let config = BrokerConfig::new()
            .with_max_packet_size(options.max_packet)
            .with_session_expiry(options.session_expiry);
        let expiry = u32::try_from(options.session_expiry.as_secs()).unwrap_or(u32::MAX);
        router.recover_sessions(expiry).await.map_err(cannot_restore)?;
        storage.cleanup_expired().await.map_err(cannot_restore)?;
        router.initialize().await.map_err(cannot_restore)?;
        Ok(Self {
            config,
            router,
            storage,
            statistics: Arc::new(BrokerStats::new()),
            resources: Arc::new(ResourceMonitor::new(without_limits())),
            goodbye: broadcast::Sender::new(1),
            subscribers: Arc::default(),
        })
    }

    /// Serves one connection until either side ends it.
    pub(super) async fn serve<S>(
        &self,
        stream: GuardedStream<S>,
        client: Arc<Client>,
        goodbye: impl Future<Output = ()>,
    ) where
        S: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
    {
        let peer = client.peer();
        let stranger = Arc::clone(&client);
        let events = Events::new(Arc::clone(&client), Arc::clone(&self.subscribers));
        let config = BrokerConfig { event_handler: Some(Arc::new(events)), ..self.config.clone() };
        let handler = ClientHandler::new(
            BrokerTransport::WebSocket(Box::new(stream)),
            peer,
            Arc::new(config),
            Arc::clone(&self.router),
            Arc::new(Authorizer::new(client)),
            Some(Arc::clone(&self.storage)),
            Arc::clone(&self.statistics),
            Arc::clone(&self.resources),
            self.goodbye.subscribe(),
        );
        // The library hears a goodbye only if it comes once the client has been let in.
        let turned_away = async {
            goodbye.await;
            if stranger.identity().is_some() {
                pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = turned_away => {}
            result = handler.run() => {
                if let Err(error) = result {
                    tracing::debug!(%peer, %error, "connection ended");
                }
            }
        }
    }

    /// Completes when the broker says goodbye after this call.
    pub(super) fn goodbye(&self) -> impl Future<Output = ()> + use<> {
        let mut receiver = self.goodbye.subscribe();
        async move {
            // An error means that the broker is gone, which is a goodbye too.
            let _ = receiver.recv().await;
        }
    }

    /// Delivers a message of this process.
    pub(super) async fn publish(&self, message: Message) {
        let quality = match message.quality {
            QualityOfService::AtMostOnce => QoS::AtMostOnce,
            QualityOfService::AtLeastOnce => QoS::AtLeastOnce,
        };
        let mut packet =
            PublishPacket::new(message.topic, message.payload, quality).with_retain(message.retain);
        if let Some(topic) = message.response_topic {
            packet = packet.with_response_topic(topic);
        }
        if let Some(data) = message.correlation {
            packet = packet.with_correlation_data(Bytes::into(data));
        }
        self.router.route_message(&packet, None).await;
    }

    /// The subscriptions of this process.
    pub(super) fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }

    /// Drops sessions and messages whose time is over.
    pub(super) async fn forget_expired(&self) {
        if let Err(error) = self.storage.cleanup_expired().await {
            tracing::warn!(%error, "broker cannot remove expired sessions");
        }
        self.router.sweep_sessions().await;
        self.resources.cleanup_expired_windows().await;
    }

    /// Tells every connection to end.
    pub(super) fn disconnect_all(&self) {
        // Fails only when there is no connection to tell.
        let _ = self.goodbye.send(());
    }

    /// Waits until what is queued has been written.
    pub(super) async fn flush(&self) {
        if let Err(error) = self.storage.shutdown().await {
            tracing::error!(%error, "broker cannot write its queues");
        }
    }
}

async fn open_storage(directory: Option<&Path>) -> Result<DynamicStorage, BrokerError> {
    let Some(directory) = directory else {
        return Ok(DynamicStorage::Memory(MemoryBackend::with_queue_limits(QUEUE_LIMITS)));
    };
    FileBackend::with_queue_limits(directory, QUEUE_LIMITS)
        .await
        .map(DynamicStorage::File)
        .map_err(|error| BrokerError::DataDirectory { path: directory.to_owned(), source: Box::new(error) })
}

/// Connections are counted where they are accepted; rates are the policy's business.
fn without_limits() -> ResourceLimits {
    ResourceLimits {
        max_connections: usize::MAX,
        max_connections_per_ip: usize::MAX,
        max_message_rate_per_client: 0,
        max_bandwidth_per_client: 0,
        max_connection_rate: u32::MAX,
        ..ResourceLimits::default()
    }
}

fn cannot_restore(error: mqtt5::MqttError) -> BrokerError {
    BrokerError::Restore { source: Box::new(error) }
}
