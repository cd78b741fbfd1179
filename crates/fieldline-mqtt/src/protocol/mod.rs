//! The only place that knows rumqttc, and the only place that knows its two protocol versions apart.
//!
//! Each connection gets a fresh client and event loop: whatever rumqttc would carry over (its `pending`
//! queue, a packet id collision, a packet id counter beyond a limit the broker has since lowered) is gone
//! with the old one, and the outbox, which is the truth, is sent again.

mod connect_error;
mod translate;

use std::time::Duration;

use bytes::Bytes;
use rumqttc::{Outgoing, v5};
use rustls::ClientConfig;

use crate::error::{ConnectError, FilterRefusal, PublishError};
use crate::message::{Properties, Publish, QoS};
use crate::options::{Options, Version};

pub(crate) use translate::{encoded_size, window};

/// What the broker allows on this connection, from its CONNACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) session_present: bool,
    /// Packet ids run from 1 to this number and start over.
    pub(crate) packet_ids: u16,
    pub(crate) max_packet_size: Option<u32>,
    pub(crate) at_least_once: bool,
    /// Whether a publish may ask to be retained.
    pub(crate) retain: bool,
    /// How often the library shows a sign of life.
    pub(crate) keep_alive: Duration,
    /// Whether a message can name the subscriptions it was sent for.
    pub(crate) numbered_subscriptions: bool,
    /// Whether a filter may have `+` or `#`.
    pub(crate) wildcards: bool,
    /// Whether a filter may be shared.
    pub(crate) shared: bool,
}

impl Accepted {
    /// Why the broker would close the connection over a filter, from what it says that it lacks.
    pub(crate) fn refuses(&self, filter: &str) -> Option<FilterRefusal> {
        let lacks = |what| Some(FilterRefusal::NotSupported(what));
        if !self.shared && filter.starts_with("$share/") {
            return lacks("shared subscriptions");
        }
        if !self.wildcards && filter.contains(['+', '#']) {
            return lacks("wildcard subscriptions");
        }
        None
    }
}

/// A publish from the broker.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    pub(crate) duplicate: bool,
    pub(crate) packet_id: u16,
    pub(crate) properties: Properties,
    /// The size of a message of which only the beginning is kept.
    pub(crate) oversized: Option<usize>,
    /// The numbers of the subscriptions it was sent for, where known.
    pub(crate) subscriptions: Vec<usize>,
}

/// What happened on the connection.
#[derive(Debug)]
pub(crate) enum Happening {
    Accepted(Accepted),
    Arrived(Arrival),
    /// A publish was written; 0 stands for at most once.
    Written(u16),
    /// A publish was acknowledged, perhaps with a refusal.
    Settled(u16, Result<(), PublishError>),
    /// A subscription was answered, filter by filter.
    Subscribed(u16, Vec<Result<(), FilterRefusal>>),
    Unsubscribed(u16),
    Nothing,
}

/// The way in: requests for the event loop to write. None of these waits; `false` means no room for now.
pub(crate) enum Requests {
    V4(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

/// The way out: what the event loop reads and writes. Must be polled to completion, never cancelled, while
/// the connection is in use.
pub(crate) struct Events {
    source: Source,
    /// Kept back until what was read before it has been seen.
    ended: Option<ConnectError>,
    options: Options,
    accepted: bool,
}

#[expect(clippy::large_enum_variant, reason = "there is one of them per connection")]
enum Source {
    V4(rumqttc::EventLoop),
    V5(v5::EventLoop),
}

/// Prepares a connection; it is made when the events are first polled.
pub(crate) fn open(options: &Options, tls: Option<ClientConfig>) -> (Requests, Events) {
    let room = usize::from(options.inflight) * 2 + 64;
    let (requests, source) = match options.version {
        Version::V3_1_1 => {
            let (client, mut source) = rumqttc::AsyncClient::new(translate::v4(options, tls), room);
            source.network_options.set_connection_timeout(translate::whole_seconds(options.connect_timeout));
            source.network_options.set_tcp_nodelay(true);
            (Requests::V4(client), Source::V4(source))
        }
        Version::V5 => {
            let (client, source) = v5::AsyncClient::new(translate::v5(options, tls), room);
            (Requests::V5(client), Source::V5(source))
        }
    };
    (requests, Events { source, ended: None, options: options.clone(), accepted: false })
}

impl Requests {
    pub(crate) fn publish(&self, publish: &Publish) -> bool {
        let (topic, payload) = (publish.topic.as_str(), publish.payload.clone());
        match self {
            // The form that takes `Bytes` without a copy waits for room. Asked once and then dropped, it would sometimes
            // have sent: the event loop takes from those who wait, on another thread.
            Self::V4(client) => {
                client.try_publish(topic, translate::qos_v4(publish.qos), publish.retain, payload).is_ok()
            }
            Self::V5(client) => {
                let qos = translate::qos_v5(publish.qos);
                match translate::properties_v5(&publish.properties) {
                    Some(properties) => client
                        .try_publish_with_properties(topic, qos, publish.retain, payload, properties)
                        .is_ok(),
                    None => client.try_publish(topic, qos, publish.retain, payload).is_ok(),
                }
            }
        }
    }

    pub(crate) fn acknowledge(&self, packet_id: u16) -> bool {
        match self {
            Self::V4(client) => {
                let mut publish = rumqttc::Publish::from_bytes("", rumqttc::QoS::AtLeastOnce, Bytes::new());
                publish.pkid = packet_id;
                client.try_ack(&publish).is_ok()
            }
            Self::V5(client) => {
                let publish = v5::mqttbytes::v5::Publish {
                    qos: v5::mqttbytes::QoS::AtLeastOnce,
                    pkid: packet_id,
                    ..v5::mqttbytes::v5::Publish::default()
                };
                client.try_ack(&publish).is_ok()
            }
        }
    }

    /// Subscribes to all `filters` in one packet. With MQTT 5, `again` does not repeat retained messages and
    /// messages will name `number`.
    pub(crate) fn subscribe(&self, filters: &[(String, QoS)], again: bool, number: Option<usize>) -> bool {
        match self {
            Self::V4(client) => {
                let filters = filters
                    .iter()
                    .map(|(path, qos)| rumqttc::SubscribeFilter::new(path.clone(), translate::qos_v4(*qos)));
                client.try_subscribe_many(filters).is_ok()
            }
            Self::V5(client) => {
                let filters = filters.iter().map(|(path, qos)| translate::filter_v5(path, *qos, again));
                match translate::subscribe_properties(number) {
                    Some(properties) => {
                        client.try_subscribe_many_with_properties(filters, properties).is_ok()
                    }
                    None => client.try_subscribe_many(filters).is_ok(),
                }
            }
        }
    }

    pub(crate) fn unsubscribe(&self, filter: &str) -> bool {
        match self {
            Self::V4(client) => client.try_unsubscribe(filter).is_ok(),
            Self::V5(client) => client.try_unsubscribe(filter).is_ok(),
        }
    }

    pub(crate) fn disconnect(&self) -> bool {
        match self {
            Self::V4(client) => client.try_disconnect().is_ok(),
            Self::V5(client) => client.try_disconnect().is_ok(),
        }
    }
}

impl Events {
    /// The next happening. What the broker had sent before the connection ended comes before the error.
    pub(crate) async fn next(&mut self) -> Result<Happening, ConnectError> {
        loop {
            if let Some(ended) = &self.ended {
                let buffered = match &mut self.source {
                    Source::V4(source) => source.state.events.pop_front().map(v4_happening),
                    Source::V5(source) => {
                        source.state.events.pop_front().map(|event| v5_happening(event, &self.options))
                    }
                };
                return buffered.ok_or_else(|| ended.clone());
            }
            let polled = match &mut self.source {
                Source::V4(source) => source
                    .poll()
                    .await
                    .map(|event| match v4_happening(event) {
                        Happening::Accepted(accepted) => Happening::Accepted(Accepted {
                            packet_ids: source.mqtt_options.inflight(),
                            keep_alive: source.mqtt_options.keep_alive(),
                            ..accepted
                        }),
                        other => other,
                    })
                    .map_err(|error| connect_error::from_v4(error, &self.options, self.accepted)),
                Source::V5(source) => {
                    let polled = source.poll().await;
                    // A broker may say that it needs no keep-alive, which rumqttc takes for a ping per moment.
                    if source.options.keep_alive().is_zero() {
                        source.options.set_keep_alive(self.options.keep_alive);
                    }
                    polled
                        .map(|event| v5_happening(event, &self.options))
                        .map_err(|error| connect_error::from_v5(error, &self.options, self.accepted))
                }
            };
            match polled {
                Ok(happening) => {
                    self.accepted |= matches!(happening, Happening::Accepted(_));
                    return Ok(happening);
                }
                Err(error) => self.ended = Some(error),
            }
        }
    }
}

fn v4_happening(event: rumqttc::Event) -> Happening {
    use rumqttc::{Event, Packet, SubscribeReasonCode};
    match event {
        Event::Outgoing(outgoing) => outgoing_happening(&outgoing),
        Event::Incoming(Packet::ConnAck(accepted)) => Happening::Accepted(Accepted {
            session_present: accepted.session_present,
            packet_ids: 0,
            max_packet_size: None,
            at_least_once: true,
            retain: true,
            keep_alive: Duration::ZERO,
            numbered_subscriptions: false,
            wildcards: true,
            shared: true,
        }),
        Event::Incoming(Packet::Publish(publish)) => Happening::Arrived(Arrival {
            topic: publish.topic,
            payload: publish.payload,
            qos: if publish.qos == rumqttc::QoS::AtMostOnce { QoS::AtMostOnce } else { QoS::AtLeastOnce },
            retain: publish.retain,
            duplicate: publish.dup,
            packet_id: publish.pkid,
            properties: Properties::default(),
            oversized: None,
            subscriptions: Vec::new(),
        }),
        Event::Incoming(Packet::PubAck(acknowledged)) => Happening::Settled(acknowledged.pkid, Ok(())),
        Event::Incoming(Packet::SubAck(answer)) => {
            let results = answer.return_codes.into_iter().map(|code| match code {
                SubscribeReasonCode::Success(_) => Ok(()),
                SubscribeReasonCode::Failure => Err(FilterRefusal::Unexplained),
            });
            Happening::Subscribed(answer.pkid, results.collect())
        }
        Event::Incoming(Packet::UnsubAck(answer)) => Happening::Unsubscribed(answer.pkid),
        Event::Incoming(_) => Happening::Nothing,
    }
}

fn v5_happening(event: v5::Event, options: &Options) -> Happening {
    use v5::Event;
    use v5::mqttbytes::v5::{Packet, PubAckReason};
    match event {
        Event::Outgoing(outgoing) => outgoing_happening(&outgoing),
        Event::Incoming(Packet::ConnAck(accepted)) => {
            Happening::Accepted(translate::accepted_v5(&accepted, options))
        }
        Event::Incoming(Packet::Publish(publish)) => Happening::Arrived(translate::arrival_v5(publish)),
        Event::Incoming(Packet::PubAck(acknowledged)) => {
            let text = acknowledged.properties.and_then(|properties| properties.reason_string);
            let outcome = match acknowledged.reason {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
                reason => {
                    let (code, words) = translate::publish_refusal(reason);
                    Err(PublishError::Refused { code, text: text.unwrap_or_else(|| words.to_owned()) })
                }
            };
            Happening::Settled(acknowledged.pkid, outcome)
        }
        Event::Incoming(Packet::SubAck(answer)) => {
            let results = answer.return_codes.into_iter().map(translate::filter_result);
            Happening::Subscribed(answer.pkid, results.collect())
        }
        Event::Incoming(Packet::UnsubAck(answer)) => Happening::Unsubscribed(answer.pkid),
        Event::Incoming(_) => Happening::Nothing,
    }
}

fn outgoing_happening(outgoing: &Outgoing) -> Happening {
    match outgoing {
        Outgoing::Publish(packet_id) => Happening::Written(*packet_id),
        _ => Happening::Nothing,
    }
}
