//! Hands over to the MQTT library whatever may be sent: subscriptions, then acknowledgements, then publishes.
//! Never waits: what finds no room is handed over at the next occasion, and every event is one.

use tokio::time::Instant;

use crate::error::PublishError;
use crate::message::QoS;
use crate::protocol;
use crate::session::subscriptions::{Request, subscription_number};
use crate::session::{Inner, Link};

impl Inner {
    /// See the module.
    pub(crate) fn pump(&mut self, now: Instant) {
        let Some(mut link) = self.link.take() else { return };
        self.hand_over_subscriptions(&mut link, now);
        while let Some(packet_id) = self.lanes.acknowledgements.ready() {
            if !link.requests.acknowledge(packet_id) {
                break;
            }
            self.lanes.acknowledgements.sent();
        }
        let was_held = self.pace.due().is_some();
        self.hand_over_publishes(&mut link, now);
        if !was_held && self.pace.due().is_some() {
            self.wake.notify_one();
        }
        self.link = Some(link);
    }

    fn hand_over_subscriptions(&mut self, link: &mut Link, now: Instant) {
        if self.subscriptions.next().is_some() {
            let refused = self.subscriptions.take_refused(|filter| link.accepted.refuses(filter));
            for (filter, refusal) in refused {
                self.stand(&filter, Err(refusal));
            }
        }
        let Some(request) = self.subscriptions.next() else { return };
        let packet_id = link.next_packet_id;
        if self.outbox.uses(packet_id) {
            return;
        }
        let handed_over = match request {
            Request::Subscribe { filters, again } => {
                let number = match filters.as_slice() {
                    [(filter, _)] if link.accepted.numbered_subscriptions => {
                        Some(subscription_number(filter))
                    }
                    _ => None,
                };
                link.requests.subscribe(filters, *again, number)
            }
            Request::Unsubscribe(filter) => link.requests.unsubscribe(filter),
        };
        if handed_over {
            link.count_packet_id();
            self.subscriptions.sent(packet_id, now);
        }
    }

    fn hand_over_publishes(&mut self, link: &mut Link, now: Instant) {
        self.pace.release();
        if self.parting.is_some() || self.subscribes_first && !self.subscriptions.are_answered() {
            return;
        }
        let window = protocol::window(link.accepted.packet_ids);
        let max_packet_size = link.accepted.max_packet_size.map_or(usize::MAX, |size| size as usize);
        let reserved = self.subscriptions.under_way().map(|(packet_id, _)| packet_id);
        // A subscription that waits for its packet id must not be overtaken for ever.
        let subscription_waits = self.subscriptions.next().is_some();
        loop {
            let packet_id = link.next_packet_id;
            let id_in_use = reserved == Some(packet_id) || self.outbox.uses(packet_id);
            let Some((publish, size)) = self.outbox.next_to_send(window) else { break };
            if size > max_packet_size {
                self.counters.failed += 1;
                self.outbox.reject_next(PublishError::TooLarge { size, max: max_packet_size });
                continue;
            }
            let at_least_once = publish.qos == QoS::AtLeastOnce;
            if at_least_once && !link.accepted.at_least_once {
                let text = "the broker supports only QoS 0".to_owned();
                self.counters.failed += 1;
                self.outbox.reject_next(PublishError::Refused { code: 0x9b, text });
                continue;
            }
            if publish.retain && !link.accepted.retain {
                let text = "the broker keeps no retained messages".to_owned();
                self.counters.failed += 1;
                self.outbox.reject_next(PublishError::Refused { code: 0x9a, text });
                continue;
            }
            if at_least_once && (subscription_waits || id_in_use)
                || !self.pace.admits(now)
                || !link.requests.publish(publish)
            {
                break;
            }
            self.pace.sent(now);
            let foreseen = if at_least_once { packet_id } else { 0 };
            if at_least_once {
                link.count_packet_id();
            }
            if self.outbox.handed_over(foreseen) {
                self.counters.replayed += 1;
            }
        }
    }
}

impl Link {
    /// Counts as rumqttc does.
    fn count_packet_id(&mut self) {
        self.next_packet_id = self.next_packet_id % self.accepted.packet_ids + 1;
    }
}
