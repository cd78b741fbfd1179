//! Our options, messages and codes in rumqttc's words, for both protocol versions.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::v5 as packets;
use rumqttc::{TlsConfiguration, Transport, v5};
use rustls::ClientConfig;

use crate::error::FilterRefusal;
use crate::message::{Properties, Publish, QoS};
use crate::options::{Options, Version};
use crate::protocol::{Accepted, Arrival};

/// MQTT 3.1.1 has no way to tell the broker our limit, and a packet over rumqttc's limit ends the connection
/// for ever, as the broker sends it again. So packets up to this size are read; of those over our own limit the
/// beginning goes to the subscribers.
const INCOMING_CEILING: usize = 16 * 1024 * 1024;

/// The largest packet that can be read, in bytes.
pub(crate) fn incoming_ceiling(options: &Options) -> usize {
    INCOMING_CEILING.max(options.max_packet_size as usize)
}

/// How many publishes may be unacknowledged when packet ids run from 1 to `packet_ids`. One id is left over,
/// as rumqttc writes nothing more, not even acknowledgements, once all of its ids are in use.
pub(crate) fn window(packet_ids: u16) -> usize {
    usize::from(packet_ids.saturating_sub(1).max(1))
}

pub(crate) fn v4(options: &Options, tls: Option<ClientConfig>) -> rumqttc::MqttOptions {
    let address = &options.address;
    let mut into = rumqttc::MqttOptions::new(&options.client_id, &address.host, address.port);
    into.set_keep_alive(options.keep_alive)
        .set_clean_session(options.clean_session)
        .set_max_packet_size(incoming_ceiling(options), options.max_packet_size as usize)
        .set_inflight(options.inflight + 1)
        .set_manual_acks(true)
        .set_transport(transport(tls));
    if let Some(credentials) = &options.credentials {
        into.set_credentials(&credentials.user, &credentials.password);
    }
    if let Some(will) = &options.will {
        let (qos, payload) = (qos_v4(will.qos), will.payload.clone());
        into.set_last_will(rumqttc::LastWill::new(&will.topic, payload, qos, will.retain));
    }
    into
}

pub(crate) fn v5(options: &Options, tls: Option<ClientConfig>) -> v5::MqttOptions {
    let address = &options.address;
    let mut into = v5::MqttOptions::new(&options.client_id, &address.host, address.port);
    let expiry = if options.clean_session { 0 } else { seconds_u32(options.session_expiry) };
    let mut network = into.network_options();
    network.set_tcp_nodelay(true);
    into.set_keep_alive(options.keep_alive)
        .set_clean_start(options.clean_session)
        .set_session_expiry_interval(Some(expiry))
        .set_max_packet_size(Some(options.max_packet_size))
        .set_receive_maximum(Some(options.inflight))
        .set_outgoing_inflight_upper_limit(options.inflight + 1)
        .set_connection_timeout(whole_seconds(options.connect_timeout))
        .set_manual_acks(true)
        .set_transport(transport(tls))
        .set_network_options(network);
    if let Some(credentials) = &options.credentials {
        into.set_credentials(&credentials.user, &credentials.password);
    }
    if let Some(will) = &options.will {
        into.set_last_will(will_v5(will));
    }
    into
}

pub(crate) fn accepted_v5(accepted: &packets::ConnAck, options: &Options) -> Accepted {
    let properties = accepted.properties.as_ref();
    let receive_maximum = properties.and_then(|properties| properties.receive_max).unwrap_or(u16::MAX);
    Accepted {
        session_present: accepted.session_present,
        packet_ids: receive_maximum.clamp(1, options.inflight + 1),
        max_packet_size: properties.and_then(|properties| properties.max_packet_size),
        at_least_once: properties.and_then(|properties| properties.max_qos) != Some(0),
        retain: properties.and_then(|properties| properties.retain_available) != Some(0),
        keep_alive: properties
            .and_then(|properties| properties.server_keep_alive)
            .filter(|seconds| *seconds > 0)
            .map_or(options.keep_alive, |seconds| Duration::from_secs(seconds.into())),
        numbered_subscriptions: properties
            .and_then(|properties| properties.subscription_identifiers_available)
            != Some(0),
        wildcards: properties.and_then(|properties| properties.wildcard_subscription_available) != Some(0),
        shared: properties.and_then(|properties| properties.shared_subscription_available) != Some(0),
    }
}

pub(crate) fn qos_v4(qos: QoS) -> rumqttc::QoS {
    match qos {
        QoS::AtMostOnce => rumqttc::QoS::AtMostOnce,
        QoS::AtLeastOnce => rumqttc::QoS::AtLeastOnce,
    }
}

pub(crate) fn qos_v5(qos: QoS) -> v5::mqttbytes::QoS {
    match qos {
        QoS::AtMostOnce => v5::mqttbytes::QoS::AtMostOnce,
        QoS::AtLeastOnce => v5::mqttbytes::QoS::AtLeastOnce,
    }
}

pub(crate) fn filter_v5(path: &str, qos: QoS, again: bool) -> packets::Filter {
    let mut filter = packets::Filter::new(path, qos_v5(qos));
    filter.retain_forward_rule = if again {
        packets::RetainForwardRule::OnNewSubscribe
    } else {
        packets::RetainForwardRule::OnEverySubscribe
    };
    filter
}

pub(crate) fn properties_v5(properties: &Properties) -> Option<packets::PublishProperties> {
    if properties.is_empty() {
        return None;
    }
    Some(packets::PublishProperties {
        content_type: properties.content_type.clone(),
        response_topic: properties.response_topic.clone(),
        correlation_data: properties.correlation_data.clone(),
        message_expiry_interval: properties.expiry.map(seconds_u32),
        user_properties: properties.user.clone(),
        ..packets::PublishProperties::default()
    })
}

pub(crate) fn subscribe_properties(number: Option<usize>) -> Option<packets::SubscribeProperties> {
    number.map(|number| packets::SubscribeProperties { id: Some(number), user_properties: Vec::new() })
}

pub(crate) fn arrival_v5(publish: packets::Publish) -> Arrival {
    let mut properties = publish.properties.unwrap_or_default();
    Arrival {
        topic: String::from_utf8_lossy(&publish.topic).into_owned(),
        payload: publish.payload,
        qos: if publish.qos == v5::mqttbytes::QoS::AtMostOnce { QoS::AtMostOnce } else { QoS::AtLeastOnce },
        retain: publish.retain,
        duplicate: publish.dup,
        packet_id: publish.pkid,
        oversized: None,
        subscriptions: std::mem::take(&mut properties.subscription_identifiers),
        properties: Properties {
            content_type: properties.content_type,
            response_topic: properties.response_topic,
            correlation_data: properties.correlation_data,
            expiry: properties.message_expiry_interval.map(|seconds| Duration::from_secs(seconds.into())),
            user: properties.user_properties,
        },
    }
}

/// The code and the words of a PUBACK that is a refusal (MQTT 5, table 3-4).
pub(crate) fn publish_refusal(reason: packets::PubAckReason) -> (u8, &'static str) {
    use packets::PubAckReason as Reason;
    match reason {
        Reason::Success => (0x00, "success"),
        Reason::NoMatchingSubscribers => (0x10, "no matching subscribers"),
        Reason::UnspecifiedError => (0x80, "unspecified error"),
        Reason::ImplementationSpecificError => (0x83, "implementation specific error"),
        Reason::NotAuthorized => (0x87, "not authorised"),
        Reason::TopicNameInvalid => (0x90, "topic name invalid"),
        Reason::PacketIdentifierInUse => (0x91, "packet identifier in use"),
        Reason::QuotaExceeded => (0x97, "quota exceeded"),
        Reason::PayloadFormatInvalid => (0x99, "payload format invalid"),
    }
}

/// What a broker that speaks MQTT 5 says to a filter (its table 3-8).
pub(crate) fn filter_result(code: packets::SubscribeReasonCode) -> Result<(), FilterRefusal> {
    use packets::SubscribeReasonCode as Code;
    Err(match code {
        Code::Success(_) => return Ok(()),
        Code::NotAuthorized => FilterRefusal::NotAuthorized,
        Code::TopicFilterInvalid => FilterRefusal::Invalid,
        Code::QuotaExceeded => FilterRefusal::QuotaExceeded,
        Code::SharedSubscriptionsNotSupported => FilterRefusal::NotSupported("shared subscriptions"),
        Code::SubscriptionIdNotSupported => FilterRefusal::NotSupported("subscription id"),
        Code::WildcardSubscriptionsNotSupported => FilterRefusal::NotSupported("wildcard subscriptions"),
        Code::PkidInUse => FilterRefusal::Other("pkid in use"),
        Code::ImplementationSpecific => FilterRefusal::Other("implementation specific"),
        Code::Unspecified | Code::Failure => FilterRefusal::Other("unspecified"),
    })
}

/// The name of one of rumqttc's codes as words: `NotAuthorized` becomes `not authorized`.
pub(crate) fn words(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}

/// rumqttc counts its time-out in seconds; ours is exact and ends first.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + 1
}

fn transport(tls: Option<ClientConfig>) -> Transport {
    tls.map_or(Transport::Tcp, |config| {
        Transport::tls_with_config(TlsConfiguration::Rustls(Arc::new(config)))
    })
}

fn will_v5(will: &Publish) -> packets::LastWill {
    let properties = properties_v5(&will.properties).map(|properties| packets::LastWillProperties {
        delay_interval: None,
        payload_format_indicator: None,
        message_expiry_interval: properties.message_expiry_interval,
        content_type: properties.content_type,
        response_topic: properties.response_topic,
        correlation_data: properties.correlation_data,
        user_properties: properties.user_properties,
    });
    packets::LastWill {
        topic: Bytes::from(will.topic.clone()),
        message: will.payload.clone(),
        qos: qos_v5(will.qos),
        retain: will.retain,
        properties,
    }
}

/// Whole seconds, rounded up.
fn seconds_u32(duration: Duration) -> u32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// The bytes `publish` takes on the wire. rumqttc counts a packet id only if there is one.
pub(crate) fn encoded_size(publish: &Publish, options: &Options) -> usize {
    let packet_id = u16::from(publish.qos == QoS::AtLeastOnce);
    match options.version {
        Version::V3_1_1 => {
            let (qos, payload) = (qos_v4(publish.qos), publish.payload.clone());
            let mut packet = rumqttc::Publish::from_bytes(&publish.topic, qos, payload);
            packet.pkid = packet_id;
            packet.size()
        }
        Version::V5 => {
            let (qos, payload) = (qos_v5(publish.qos), publish.payload.clone());
            let properties = properties_v5(&publish.properties);
            let mut packet = packets::Publish::new(&publish.topic, qos, payload, properties);
            packet.pkid = packet_id;
            packet.size()
        }
    }
}
