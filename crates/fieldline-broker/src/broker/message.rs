//! What passes between the process and its broker's clients.

use std::sync::Arc;

use bytes::Bytes;

use crate::broker::identity::Identity;

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

/// What becomes of a client's message that a [`Subscription`](crate::Subscription) has taken.
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
