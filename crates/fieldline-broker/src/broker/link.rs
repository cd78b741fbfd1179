//! The process's own way into its broker: publish to clients, and take what clients publish.

use std::sync::{Arc, Weak};

use tokio::sync::mpsc;

use crate::broker::engine::Engine;
use crate::broker::error::LinkError;
use crate::broker::message::{Delivery, Message, Received};
use crate::broker::subscribers::Subscriber;
use crate::broker::topic;

/// Messages that wait in a subscription before the publishing client has to wait.
const SUBSCRIPTION_CAPACITY: usize = 64;

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
