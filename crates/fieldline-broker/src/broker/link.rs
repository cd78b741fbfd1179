//! The process's own way into its broker: publish to clients, and take what clients publish.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::broker::engine::Engine;
use crate::broker::error::LinkError;
use crate::broker::identity::Identity;
use crate::broker::topic;

/// Messages that wait in a subscription before the publishing client has to wait.
const SUBSCRIPTION_CAPACITY: usize = 64;

/// Delivery guarantee of MQTT; the broker serves QoS 2 to clients, the link does not use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum QualityOfService {
    /// QoS 0.
    AtMostOnce,
    /// QoS 1.
    #[default]
    AtLeastOnce,
}

/// A message on its way through the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Topic without wildcards.
    pub topic: String,
    /// Content, uninterpreted.
    pub payload: Bytes,
    /// Delivery guarantee; QoS 2 of a client shows as [`QualityOfService::AtLeastOnce`].
    pub quality: QualityOfService,
    /// Whether the broker keeps the message for later subscribers; an empty one clears what is kept.
    pub retain: bool,
    /// Where the sender wants an answer (MQTT 5).
    pub response_topic: Option<String>,
    /// What the sender wants repeated in the answer (MQTT 5).
    pub correlation: Option<Bytes>,
}

impl Message {
    /// A message that is delivered at least once and not retained.
    pub fn new(topic: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self {
            topic: topic.into(),
            payload: payload.into(),
            quality: QualityOfService::AtLeastOnce,
            retain: false,
            response_topic: None,
            correlation: None,
        }
    }

    /// The same message, kept by the broker for later subscribers.
    pub fn retained(self) -> Self {
        Self { retain: true, ..self }
    }
}

/// What becomes of a client's message that a [`Subscription`] has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Subscribed clients receive it as well, and it may be retained.
    Shared,
    /// Nobody else receives it.
    Exclusive,
}

/// A message a client has published, with who it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The client, as the policy knows it.
    pub sender: Arc<Identity>,
    /// What it published.
    pub message: Message,
}

/// A cheap handle; it does not keep the broker alive.
#[derive(Clone)]
pub struct Link {
    engine: Weak<Engine>,
}

impl Link {
    pub(super) fn new(engine: &Arc<Engine>) -> Self {
        Self { engine: Arc::downgrade(engine) }
    }

    /// Publishes to the clients; messages of one caller arrive in order. The policy is not asked
    /// about the publish, only about each delivery. Subscriptions of links do not see it.
    ///
    /// A client that does not read is waited for up to 2 s; then the message goes to its queue.
    ///
    /// # Errors
    /// If the topic is not one, or the broker has stopped.
    pub async fn publish(&self, message: Message) -> Result<(), LinkError> {
        if !topic::is_topic(&message.topic) {
            return Err(LinkError::InvalidTopic(message.topic));
        }
        self.engine()?.publish(message).await;
        Ok(())
    }

    /// Takes what clients publish under `filter` from now on. A last will is not taken, only
    /// delivered to clients: AWS IoT's services do not act on wills either.
    ///
    /// # Errors
    /// If the filter is not one, or the broker has stopped.
    pub fn subscribe(&self, filter: &str, delivery: Delivery) -> Result<Subscription, LinkError> {
        if !topic::is_filter(filter) {
            return Err(LinkError::InvalidFilter(filter.to_owned()));
        }
        let (sender, messages) = mpsc::channel(SUBSCRIPTION_CAPACITY);
        self.engine()?.subscribers().add(Subscriber { filter: filter.to_owned(), delivery, sender });
        Ok(Subscription { messages })
    }

    /// Writes out what the broker still holds in memory; afterwards even `kill -9` loses nothing
    /// that was acknowledged before the call.
    ///
    /// # Errors
    /// If the broker has stopped.
    pub async fn flush(&self) -> Result<(), LinkError> {
        self.engine()?.flush().await;
        Ok(())
    }

    fn engine(&self) -> Result<Arc<Engine>, LinkError> {
        self.engine.upgrade().ok_or(LinkError::Stopped)
    }
}

/// Messages taken from clients; dropping it ends the subscription.
pub struct Subscription {
    messages: mpsc::Receiver<Received>,
}

impl Subscription {
    /// The next message, or `None` after the broker has stopped. While nobody calls this, clients
    /// that publish under the filter wait for their acknowledgement. Cancel-safe: a message is
    /// taken only when it is returned.
    pub async fn next(&mut self) -> Option<Received> {
        self.messages.recv().await
    }
}

/// The subscriptions of all links.
#[derive(Default)]
pub(super) struct Subscribers {
    list: Mutex<Vec<Subscriber>>,
}

struct Subscriber {
    filter: String,
    delivery: Delivery,
    sender: mpsc::Sender<Received>,
}

impl Subscribers {
    fn add(&self, subscriber: Subscriber) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|existing| !existing.sender.is_closed());
        list.push(subscriber);
    }

    /// Hands the message to each matching subscription, waiting for those that are full. The
    /// result is exclusive if a subscription that wanted it so has taken it.
    pub(super) async fn offer(&self, sender: &Arc<Identity>, message: Message) -> Delivery {
        let mut delivery = Delivery::Shared;
        for (wanted, subscription) in self.matching(&message.topic) {
            let received = Received { sender: Arc::clone(sender), message: message.clone() };
            if subscription.send(received).await.is_ok() && wanted == Delivery::Exclusive {
                delivery = Delivery::Exclusive;
            }
        }
        delivery
    }

    /// Whether any subscription wants messages of this topic.
    pub(super) fn want(&self, topic: &str) -> bool {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter().any(|subscriber| topic::covers(&subscriber.filter, topic))
    }

    fn matching(&self, topic: &str) -> Vec<(Delivery, mpsc::Sender<Received>)> {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter()
            .filter(|subscriber| topic::covers(&subscriber.filter, topic))
            .map(|subscriber| (subscriber.delivery, subscriber.sender.clone()))
            .collect()
    }
}
