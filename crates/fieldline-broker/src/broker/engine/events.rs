//! The library's event hook for one connection: offers each publish to the links of the process.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use mqtt5::QoS;
use mqtt5::broker::{BrokerEventHandler, ClientPublishEvent, PublishAction};

use crate::broker::client::Client;
use crate::broker::message::{Delivery, Message, QualityOfService};
use crate::broker::subscribers::Subscribers;

/// Called after the policy has allowed the publish and before it is acknowledged.
pub(super) struct Events {
    client: Arc<Client>,
    subscribers: Arc<Subscribers>,
}

impl Events {
    pub(super) fn new(client: Arc<Client>, subscribers: Arc<Subscribers>) -> Self {
        Self { client, subscribers }
    }
}

impl BrokerEventHandler for Events {
    fn on_client_publish<'a>(
        &'a self,
        event: ClientPublishEvent,
    ) -> Pin<Box<dyn Future<Output = PublishAction> + Send + 'a>> {
        let Some(sender) = self.client.identity().filter(|_| self.subscribers.want(&event.topic)) else {
            return Box::pin(ready(PublishAction::Continue));
        };
        Box::pin(async move {
            match self.subscribers.offer(sender, message(event)).await {
                Delivery::Shared => PublishAction::Continue,
                Delivery::Exclusive => PublishAction::Handled,
            }
        })
    }
}

fn message(event: ClientPublishEvent) -> Message {
    Message {
        topic: event.topic.as_ref().to_owned(),
        payload: event.payload,
        quality: match event.qos {
            QoS::AtMostOnce => QualityOfService::AtMostOnce,
            QoS::AtLeastOnce | QoS::ExactlyOnce => QualityOfService::AtLeastOnce,
        },
        retain: event.retain,
        response_topic: event.response_topic.map(|topic| topic.as_ref().to_owned()),
        correlation: event.correlation_data,
    }
}
