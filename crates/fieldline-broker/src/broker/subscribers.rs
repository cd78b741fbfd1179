//! [`Subscribers`]: which messages of clients this process has asked for. Filled by links, asked by the engine.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::broker::identity::Identity;
use crate::broker::message::{Delivery, Message, Received};
use crate::broker::topic;

/// The subscriptions of all links.
#[derive(Default)]
pub(super) struct Subscribers {
    list: Mutex<Vec<Subscriber>>,
}

/// One subscription, as the publishing side sees it.
pub(super) struct Subscriber {
    /// The topics it wants.
    pub(super) filter: String,
    /// Whether others get its messages too.
    pub(super) delivery: Delivery,
    /// Where its messages go.
    pub(super) sender: mpsc::Sender<Received>,
}

impl Subscribers {
    /// Adds a subscription, and forgets those that have been dropped.
    pub(super) fn add(&self, subscriber: Subscriber) {
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
