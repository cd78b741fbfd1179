//! An MQTT client of either version, driven step by step by its test.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rumqttc::v5::mqttbytes::QoS as QoS5;
use rumqttc::v5::mqttbytes::v5::{
    LastWill as LastWill5, Packet as Packet5, PubAckReason, SubscribeReasonCode as Granted5,
};
use rumqttc::{
    LastWill, MqttOptions, Outgoing, Packet, QoS, SubscribeReasonCode, TlsConfiguration, Transport,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::time::timeout;

use super::DEADLINE;

/// Which MQTT a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    Three,
    Five,
}

pub(crate) const VERSIONS: [Version; 2] = [Version::Three, Version::Five];

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: String,
    pub(crate) retained: bool,
}

impl Message {
    pub(crate) fn new(topic: &str, payload: &str) -> Self {
        Self { topic: topic.to_owned(), payload: payload.to_owned(), retained: false }
    }

    pub(crate) fn retained(self) -> Self {
        Self { retained: true, ..self }
    }
}

/// How a client is to connect.
pub(crate) struct Connect<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) id: &'a str,
    pub(crate) version: Version,
    pub(crate) persistent: bool,
    pub(crate) will: Option<(&'a str, &'a str)>,
    pub(crate) transport: Transport,
}

impl<'a> Connect<'a> {
    pub(crate) fn new(address: SocketAddr, id: &'a str, version: Version) -> Self {
        Self { address, id, version, persistent: false, will: None, transport: Transport::Tcp }
    }

    /// Connects, or says why not.
    pub(crate) async fn attempt(self) -> Result<Device, String> {
        let (host, port) = (self.address.ip().to_string(), self.address.port());
        let wire = match self.version {
            Version::Three => {
                let mut options = MqttOptions::new(self.id, host, port);
                options.set_clean_session(!self.persistent).set_transport(self.transport);
                if let Some((topic, payload)) = self.will {
                    options.set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, false));
                }
                let (client, events) = rumqttc::AsyncClient::new(options, 10);
                Wire::Three(client, Box::new(events))
            }
            Version::Five => {
                let mut options = rumqttc::v5::MqttOptions::new(self.id, host, port);
                options.set_clean_start(!self.persistent).set_transport(self.transport);
                options.set_session_expiry_interval(self.persistent.then_some(3600));
                if let Some((topic, payload)) = self.will {
                    options.set_last_will(LastWill5::new(topic, payload, QoS5::AtLeastOnce, false, None));
                }
                let (client, events) = rumqttc::v5::AsyncClient::new(options, 10);
                Wire::Five(client, Box::new(events))
            }
        };
        let mut device = Device { wire, inbox: VecDeque::new(), session_present: false };
        loop {
            if let Event::Connected { session_present } = device.step().await? {
                device.session_present = session_present;
                return Ok(device);
            }
        }
    }

    pub(crate) async fn open(self) -> Device {
        self.attempt().await.expect("the client connects")
    }
}

/// A connected client.
pub(crate) struct Device {
    wire: Wire,
    inbox: VecDeque<Message>,
    pub(crate) session_present: bool,
}

enum Wire {
    Three(rumqttc::AsyncClient, Box<rumqttc::EventLoop>),
    Five(rumqttc::v5::AsyncClient, Box<rumqttc::v5::EventLoop>),
}

enum Event {
    Connected { session_present: bool },
    Subscribed { granted: bool },
    Sent,
    Acknowledged { accepted: bool },
    Message(Message),
    Other,
}

impl Device {
    pub(crate) async fn three(address: SocketAddr, id: &str) -> Self {
        Connect::new(address, id, Version::Three).open().await
    }

    pub(crate) async fn five(address: SocketAddr, id: &str) -> Self {
        Connect::new(address, id, Version::Five).open().await
    }

    /// Subscribes at QoS 1; whether the broker grants it.
    pub(crate) async fn subscribe(&mut self, filter: &str) -> bool {
        match &self.wire {
            Wire::Three(client, _) => client.subscribe(filter, QoS::AtLeastOnce).await.map_err(drop),
            Wire::Five(client, _) => client.subscribe(filter, QoS5::AtLeastOnce).await.map_err(drop),
        }
        .expect("the client takes the subscription");
        loop {
            match self.step().await.expect("the connection lasts") {
                Event::Subscribed { granted } => return granted,
                Event::Message(message) => self.inbox.push_back(message),
                _ => {}
            }
        }
    }

    /// Publishes at QoS 1 and waits for the answer: accepted, refused, or the connection's end.
    pub(crate) async fn publish(&mut self, topic: &str, payload: &str) -> Result<bool, String> {
        self.send(topic, payload, 1, false).await
    }

    /// Publishes at QoS 1 to be retained; an empty payload clears.
    pub(crate) async fn retain(&mut self, topic: &str, payload: &str) {
        let accepted = self.send(topic, payload, 1, true).await.expect("the connection lasts");
        assert!(accepted, "the broker takes `{topic}`");
    }

    /// Publishes at QoS 0.
    pub(crate) async fn publish_at_most_once(&mut self, topic: &str, payload: &str) {
        self.send(topic, payload, 0, false).await.expect("the connection lasts");
    }

    async fn send(&mut self, topic: &str, payload: &str, quality: u8, retain: bool) -> Result<bool, String> {
        match &self.wire {
            Wire::Three(client, _) => {
                let quality = if quality == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
                client.publish(topic, quality, retain, payload).await.map_err(drop)
            }
            Wire::Five(client, _) => {
                let quality = if quality == 0 { QoS5::AtMostOnce } else { QoS5::AtLeastOnce };
                client.publish(topic, quality, retain, payload.to_owned()).await.map_err(drop)
            }
        }
        .expect("the client takes the message");
        loop {
            match self.step().await? {
                Event::Sent if quality == 0 => return Ok(true),
                Event::Acknowledged { accepted } => return Ok(accepted),
                Event::Message(message) => self.inbox.push_back(message),
                _ => {}
            }
        }
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Message {
        if let Some(message) = self.inbox.pop_front() {
            return message;
        }
        loop {
            if let Event::Message(message) = self.step().await.expect("the connection lasts") {
                return message;
            }
        }
    }

    /// Waits for the connection to end.
    pub(crate) async fn ended(&mut self) -> String {
        loop {
            if let Err(error) = self.step().await {
                return error;
            }
        }
    }

    async fn step(&mut self) -> Result<Event, String> {
        let polled = timeout(DEADLINE, async {
            match &mut self.wire {
                Wire::Three(_, events) => events.poll().await.map(event3).map_err(|error| error.to_string()),
                Wire::Five(_, events) => events.poll().await.map(event5).map_err(|error| error.to_string()),
            }
        });
        polled.await.expect("something happens in time")
    }
}

fn event3(event: rumqttc::Event) -> Event {
    match event {
        rumqttc::Event::Outgoing(Outgoing::Publish(_)) => Event::Sent,
        rumqttc::Event::Incoming(Packet::ConnAck(packet)) => {
            Event::Connected { session_present: packet.session_present }
        }
        rumqttc::Event::Incoming(Packet::SubAck(packet)) => Event::Subscribed {
            granted: packet.return_codes == [SubscribeReasonCode::Success(QoS::AtLeastOnce)],
        },
        rumqttc::Event::Incoming(Packet::PubAck(_)) => Event::Acknowledged { accepted: true },
        rumqttc::Event::Incoming(Packet::Publish(packet)) => Event::Message(Message {
            topic: packet.topic,
            payload: String::from_utf8_lossy(&packet.payload).into_owned(),
            retained: packet.retain,
        }),
        _ => Event::Other,
    }
}

fn event5(event: rumqttc::v5::Event) -> Event {
    match event {
        rumqttc::v5::Event::Outgoing(Outgoing::Publish(_)) => Event::Sent,
        rumqttc::v5::Event::Incoming(Packet5::ConnAck(packet)) => {
            Event::Connected { session_present: packet.session_present }
        }
        rumqttc::v5::Event::Incoming(Packet5::SubAck(packet)) => {
            Event::Subscribed { granted: packet.return_codes == [Granted5::Success(QoS5::AtLeastOnce)] }
        }
        rumqttc::v5::Event::Incoming(Packet5::PubAck(packet)) => Event::Acknowledged {
            accepted: matches!(packet.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers),
        },
        rumqttc::v5::Event::Incoming(Packet5::Publish(packet)) => Event::Message(Message {
            topic: String::from_utf8_lossy(&packet.topic).into_owned(),
            payload: String::from_utf8_lossy(&packet.payload).into_owned(),
            retained: packet.retain,
        }),
        _ => Event::Other,
    }
}

/// TLS that trusts the authority in `trusted`, with the certificate of a device of `own` if given.
pub(crate) fn tls(trusted: &Path, own: Option<(&Path, &str)>) -> Transport {
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(trusted.join("ca.pem")).expect("the authority is readable");
    roots.add(authority).expect("the authority is one");
    let builder =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring implements the versions")
            .with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((directory, device)) => {
            let certificate = CertificateDer::from_pem_file(directory.join(format!("{device}.pem")))
                .expect("the certificate is readable");
            let key = PrivateKeyDer::from_pem_file(directory.join(format!("{device}.key")))
                .expect("the key is readable");
            builder.with_client_auth_cert(vec![certificate], key).expect("certificate and key fit")
        }
    };
    Transport::tls_with_config(TlsConfiguration::Rustls(Arc::new(config)))
}
