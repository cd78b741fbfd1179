//! What goes out and what comes in: a publish, a received message and the properties both may carry.

use std::time::Duration;

use bytes::Bytes;

use crate::acknowledge::AckToken;

/// The quality of service. Exactly once is left out on purpose: at least once and a message id do the same
/// end to end, across restarts too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum QoS {
    /// Sent once and forgotten (0).
    AtMostOnce,
    /// Sent until the broker has acknowledged it (1).
    #[default]
    AtLeastOnce,
}

/// What MQTT 5 carries beside the payload; not transmitted over 3.1.1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Properties {
    /// The MIME type of the payload.
    pub content_type: Option<String>,
    /// Where an answer should be published.
    pub response_topic: Option<String>,
    /// What the answer should carry so that it can be matched with its request.
    pub correlation_data: Option<Bytes>,
    /// After how long the broker should discard the message; sent in whole seconds, rounded up.
    pub expiry: Option<Duration>,
    /// Names and values of the user's own, in order; a name may occur more than once.
    pub user: Vec<(String, String)>,
}

impl Properties {
    /// Whether there is nothing to transmit.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A message to be published.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Publish {
    /// The topic, without wildcards.
    pub topic: String,
    /// The message itself.
    pub payload: Bytes,
    /// How hard to try.
    pub qos: QoS,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
    /// What else MQTT 5 carries.
    pub properties: Properties,
}

impl Publish {
    /// A message at least once, not retained, without properties.
    pub fn new(topic: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self { topic: topic.into(), payload: payload.into(), ..Self::default() }
    }
}

/// A message that arrived.
#[derive(Debug)]
pub struct Message {
    /// The topic it was published to.
    pub topic: String,
    /// The message itself.
    pub payload: Bytes,
    /// How it was delivered to us.
    pub qos: QoS,
    /// Whether the broker had kept it from before we subscribed.
    pub retain: bool,
    /// Whether the broker may have delivered it before.
    pub duplicate: bool,
    /// What else MQTT 5 carried.
    pub properties: Properties,
    /// Its size in bytes where that is more than the maximum packet size; then `payload` is only its beginning, up to that
    /// size.
    pub oversized: Option<usize>,
    /// To be used once the message needs no redelivery any more.
    pub token: AckToken,
}
