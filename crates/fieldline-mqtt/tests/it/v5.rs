//! What only MQTT 5 has: reasons, limits of the broker's, properties.

use bytes::{Bytes, BytesMut};
use fieldline_mqtt::{
    ConnectError, FilterRefusal, Options, Properties, Publish, PublishError, QoS, Refusal, State,
    SubscribeError, Version,
};
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnAckProperties, Connect, ConnectReturnCode, Disconnect, DisconnectProperties,
    DisconnectReasonCode, Packet, PubAck, PubAckReason, RetainForwardRule, SubAck, Subscribe,
    SubscribeReasonCode,
};
use rumqttc::v5::mqttbytes::{Error, v5::Publish as Published};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, Instant, timeout};

use crate::broker::{options, start, within};

struct Broker {
    listener: TcpListener,
}

struct Peer {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Broker {
    async fn bind() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a free port") }
    }

    fn options(&self) -> Options {
        let port = self.listener.local_addr().expect("bound").port();
        Options { version: Version::V5, ..options(port) }
    }

    /// Accepts the next connection with `code` and `properties`.
    async fn answer(&self, code: ConnectReturnCode, properties: ConnAckProperties) -> (Peer, Connect) {
        let (stream, _address) = within(self.listener.accept()).await.expect("a connection");
        stream.set_nodelay(true).expect("a TCP socket");
        let mut peer = Peer { stream, buffer: BytesMut::new() };
        let Some(Packet::Connect(connect, _will, _login)) = peer.read().await else { panic!("no CONNECT") };
        peer.write(Packet::ConnAck(ConnAck { session_present: false, code, properties: Some(properties) }))
            .await;
        (peer, connect)
    }

    async fn welcome(&self, properties: ConnAckProperties) -> Peer {
        self.answer(ConnectReturnCode::Success, properties).await.0
    }
}

impl Peer {
    async fn read(&mut self) -> Option<Packet> {
        within(async {
            loop {
                match Packet::read(&mut self.buffer, None) {
                    Ok(packet) => return Some(packet),
                    Err(Error::InsufficientBytes(_)) => {}
                    Err(error) => panic!("the client sent nonsense: {error}"),
                }
                match self.stream.read_buf(&mut self.buffer).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        })
        .await
    }

    async fn write(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, None).expect("a valid packet");
        self.stream.write_all(&bytes).await.expect("the client is there");
    }

    async fn published(&mut self) -> Published {
        match self.read().await {
            Some(Packet::Publish(publish)) => publish,
            other => panic!("{other:?} instead of PUBLISH"),
        }
    }

    async fn subscribed(&mut self, code: SubscribeReasonCode) -> Subscribe {
        match self.read().await {
            Some(Packet::Subscribe(subscribe)) => {
                let return_codes = vec![code; subscribe.filters.len()];
                self.write(Packet::SubAck(SubAck { pkid: subscribe.pkid, return_codes, properties: None }))
                    .await;
                subscribe
            }
            other => panic!("{other:?} instead of SUBSCRIBE"),
        }
    }

    async fn acknowledge(&mut self, packet_id: u16, reason: PubAckReason) {
        let mut acknowledgement = PubAck::new(packet_id, None);
        acknowledgement.reason = reason;
        self.write(Packet::PubAck(acknowledgement)).await;
    }
}

/// The properties of a CONNACK that says nothing.
fn plain() -> ConnAckProperties {
    ConnAckProperties {
        session_expiry_interval: None,
        receive_max: None,
        max_qos: None,
        retain_available: None,
        max_packet_size: None,
        assigned_client_identifier: None,
        topic_alias_max: None,
        reason_string: None,
        wildcard_subscription_available: None,
        subscription_identifiers_available: None,
        shared_subscription_available: None,
        server_keep_alive: None,
        response_information: None,
        server_reference: None,
        authentication_method: None,
        authentication_data: None,
        user_properties: Vec::new(),
    }
}

/// The words are needed: rumqttc writes a DISCONNECT without properties as one without a code too.
fn told(reason_code: DisconnectReasonCode, words: &str) -> Packet {
    let properties = DisconnectProperties {
        session_expiry_interval: None,
        reason_string: Some(words.to_owned()),
        user_properties: Vec::new(),
        server_reference: None,
    };
    Packet::Disconnect(Disconnect { reason_code, properties: Some(properties) })
}

fn success() -> SubscribeReasonCode {
    SubscribeReasonCode::Success(rumqttc::v5::mqttbytes::QoS::AtLeastOnce)
}

#[tokio::test]
async fn our_limits_are_told_to_the_broker() {
    let broker = Broker::bind().await;
    let expiry = Duration::from_secs(77);
    let _connection = start(Options { inflight: 12, session_expiry: expiry, ..broker.options() });
    let (_peer, connect) = broker.answer(ConnectReturnCode::Success, plain()).await;
    assert!(!connect.clean_start);
    let properties = connect.properties.expect("properties");
    assert_eq!(properties.receive_maximum, Some(12));
    assert_eq!(properties.max_packet_size, Some(1024 * 1024));
    assert_eq!(properties.session_expiry_interval, Some(77));
}

#[tokio::test]
async fn a_refusal_says_whether_the_same_publish_may_be_taken_later() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut peer = broker.welcome(plain()).await;
    let refusals = [
        (PubAckReason::UnspecifiedError, 0x80, false),
        (PubAckReason::ImplementationSpecificError, 0x83, false),
        (PubAckReason::NotAuthorized, 0x87, true),
        (PubAckReason::TopicNameInvalid, 0x90, true),
        (PubAckReason::PacketIdentifierInUse, 0x91, false),
        (PubAckReason::QuotaExceeded, 0x97, false),
        (PubAckReason::PayloadFormatInvalid, 0x99, true),
    ];
    for (reason, code, is_permanent) in refusals {
        let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
        let publish = peer.published().await;
        peer.acknowledge(publish.pkid, reason).await;
        let error = within(receipt).await.expect_err("refused");
        assert!(matches!(error, PublishError::Refused { code: of, .. } if of == code), "{error}");
        assert_eq!(error.is_permanent(), is_permanent, "{error}");
    }
    let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
    let publish = peer.published().await;
    peer.acknowledge(publish.pkid, PubAckReason::NoMatchingSubscribers).await;
    within(receipt).await.expect("nobody listens, which is fine");
    assert_eq!((connection.counters().failed, connection.counters().acked), (7, 1));
}

#[tokio::test]
async fn properties_travel_in_both_directions() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut inbound = connection.subscribe("a", QoS::AtMostOnce, 1).expect("a valid filter");
    let mut peer = broker.welcome(plain()).await;
    peer.subscribed(success()).await;
    let properties = Properties {
        content_type: Some("application/json".to_owned()),
        response_topic: Some("answers".to_owned()),
        correlation_data: Some(Bytes::from_static(b"7")),
        expiry: Some(Duration::from_millis(1_500)),
        user: vec![("id".to_owned(), "1".to_owned()), ("id".to_owned(), "2".to_owned())],
    };
    let publish = Publish { properties: properties.clone(), qos: QoS::AtMostOnce, ..Publish::new("a", "x") };
    within(connection.publish(publish)).await.expect("written");
    let published = peer.published().await;
    peer.write(Packet::Publish(published)).await;
    let message = within(inbound.next()).await.expect("a message");
    let expected = Properties { expiry: Some(Duration::from_secs(2)), ..properties };
    assert_eq!(message.properties, expected);
}

#[tokio::test]
async fn a_publish_larger_than_the_broker_takes_is_refused_and_the_others_are_sent() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let large = connection.enqueue(Publish::new("a", vec![0; 200])).await.expect("room");
    let small = connection.enqueue(Publish::new("a", "small")).await.expect("room");
    let mut peer = broker.welcome(ConnAckProperties { max_packet_size: Some(100), ..plain() }).await;
    let publish = peer.published().await;
    assert_eq!(publish.payload, "small");
    peer.acknowledge(publish.pkid, PubAckReason::Success).await;
    within(small).await.expect("acknowledged");
    assert!(matches!(within(large).await, Err(PublishError::TooLarge { max: 100, .. })));
    assert_eq!(connection.counters().connects, 1);
}

#[tokio::test]
async fn a_broker_that_knows_no_acknowledgements_is_not_sent_what_needs_one() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let _peer = broker.welcome(ConnAckProperties { max_qos: Some(0), ..plain() }).await;
    let error = within(connection.publish(Publish::new("a", "x"))).await.expect_err("refused");
    assert!(matches!(error, PublishError::Refused { code: 0x9b, .. }), "{error}");
}

/// MQTT 5, section 3.2.2.3.5: the broker would close the connection over it, each time.
#[tokio::test]
async fn a_broker_that_keeps_nothing_is_not_sent_what_should_be_retained() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce] {
        let retained = Publish { retain: true, qos, ..Publish::new("a", "kept") };
        let retained = connection.enqueue(retained).await.expect("room");
        let other = connection.enqueue(Publish::new("a", "passing")).await.expect("room");
        let mut peer = broker.welcome(ConnAckProperties { retain_available: Some(0), ..plain() }).await;
        let publish = peer.published().await;
        assert_eq!(publish.payload, "passing");
        peer.acknowledge(publish.pkid, PubAckReason::Success).await;
        within(other).await.expect("acknowledged");
        let error = within(retained).await.expect_err("refused");
        assert!(matches!(error, PublishError::Refused { code: 0x9a, .. }) && error.is_permanent(), "{error}");
    }
}

/// A limit that a later connection lowers makes rumqttc's packet ids run out of their table for ever.
#[tokio::test]
async fn the_brokers_receive_maximum_holds_even_when_it_shrinks() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut receipts = Vec::new();
    for number in 0..60 {
        receipts.push(connection.enqueue(Publish::new("a", number.to_string())).await.expect("room"));
    }
    let mut expected = 0;
    for (receive_maximum, window) in [(40, 39), (3, 2), (2, 1), (1, 1)] {
        let mut peer =
            broker.welcome(ConnAckProperties { receive_max: Some(receive_maximum), ..plain() }).await;
        for _ in 0..10 {
            let publish = peer.published().await;
            assert_eq!(publish.payload, expected.to_string());
            assert!(connection.counters().inflight <= window);
            expected += 1;
            peer.acknowledge(publish.pkid, PubAckReason::Success).await;
        }
        // Whatever was in flight when the connection ended comes again, so wait for the acknowledgements.
        while connection.counters().acked < expected {
            tokio::task::yield_now().await;
        }
    }
    let mut peer = broker.welcome(plain()).await;
    for _ in 40..60 {
        let publish = peer.published().await;
        peer.acknowledge(publish.pkid, PubAckReason::Success).await;
    }
    for receipt in receipts {
        within(receipt).await.expect("acknowledged");
    }
}

/// rumqttc's writes have no time limit on MQTT 5, and while it waits in one it sends no pings.
#[tokio::test]
async fn a_broker_that_stops_reading_is_noticed() {
    let broker = Broker::bind().await;
    let long = Duration::from_secs(3_600);
    let outbox_bytes = 100 * 1024 * 1024;
    let options = Options { backoff_initial: long, backoff_maximum: long, outbox_bytes, ..broker.options() };
    let connection = start(options);
    let _peer = broker.welcome(plain()).await;
    let mut state = connection.state();
    within(state.wait_for(|state| matches!(state, State::Connected { .. }))).await.expect("a state");
    for _ in 0..60 {
        let large = Publish { qos: QoS::AtMostOnce, ..Publish::new("a", vec![0; 1_000_000]) };
        connection.enqueue(large).await.expect("room");
    }
    tokio::time::pause();
    let disconnected = state.wait_for(|state| matches!(state, State::Disconnected { .. }));
    let failed =
        timeout(Duration::from_secs(70), disconnected).await.expect("in time").expect("a state").clone();
    assert!(matches!(failed, State::Disconnected { error: ConnectError::KeepAlive, .. }), "{failed:?}");
    assert!(connection.counters().queued > 0);
}

#[tokio::test]
async fn a_refused_subscription_carries_its_reason() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut inbound = connection.subscribe("secret", QoS::AtLeastOnce, 1).expect("a valid filter");
    let mut peer = broker.welcome(plain()).await;
    peer.subscribed(SubscribeReasonCode::NotAuthorized).await;
    let error = within(inbound.subscribed()).await.expect_err("refused");
    let expected =
        SubscribeError::Refused { filter: "secret".to_owned(), refusal: FilterRefusal::NotAuthorized };
    assert_eq!(error, expected);
    assert_eq!(error.to_string(), "the broker refused the subscription to `secret`: not authorized");
}

#[tokio::test]
async fn a_broker_that_cannot_number_subscriptions_gets_none_with_a_number() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let _a = connection.subscribe("a", QoS::AtLeastOnce, 1).expect("a valid filter");
    let _b = connection.subscribe("b", QoS::AtMostOnce, 1).expect("a valid filter");
    let mut peer =
        broker.welcome(ConnAckProperties { subscription_identifiers_available: Some(0), ..plain() }).await;
    let subscribe = peer.subscribed(success()).await;
    assert_eq!(subscribe.properties, None);
    let asked: Vec<(&str, bool)> = subscribe
        .filters
        .iter()
        .map(|filter| (filter.path.as_str(), filter.qos == rumqttc::v5::mqttbytes::QoS::AtLeastOnce))
        .collect();
    assert_eq!(asked, [("a", true), ("b", false)]);
}

/// MQTT 5, sections 3.2.2.3.11 and 3.2.2.3.13: the broker would close the connection over it, each time.
#[tokio::test]
async fn a_broker_is_not_asked_for_filters_of_a_kind_that_it_lacks() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let filters = ["a/#", "$share/group/b", "+/c"];
    let mut inbounds =
        filters.map(|filter| connection.subscribe(filter, QoS::AtLeastOnce, 1).expect("a valid filter"));
    let mut plain_one = connection.subscribe("d", QoS::AtLeastOnce, 1).expect("a valid filter");
    let lacking = ConnAckProperties {
        wildcard_subscription_available: Some(0),
        shared_subscription_available: Some(0),
        ..plain()
    };
    let mut peer = broker.welcome(lacking).await;
    assert_eq!(peer.subscribed(success()).await.filters[0].path, "d", "and nothing before");
    within(plain_one.subscribed()).await.expect("granted");
    for (inbound, what) in inbounds.iter_mut().zip(["wildcard", "shared", "wildcard"]) {
        let error = within(inbound.subscribed()).await.expect_err("refused").to_string();
        assert!(error.contains(&format!("{what} subscriptions not supported")), "{error}");
    }
    let mut late = connection.subscribe("e/+", QoS::AtLeastOnce, 1).expect("a valid filter");
    assert!(within(late.subscribed()).await.is_err());
    assert_eq!(connection.counters().connects, 1);
}

#[tokio::test]
async fn retained_messages_are_asked_for_once_and_not_on_every_connection() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let _inbound = connection.subscribe("a", QoS::AtLeastOnce, 1).expect("a valid filter");
    for rule in [RetainForwardRule::OnEverySubscribe, RetainForwardRule::OnNewSubscribe] {
        let mut peer = broker.welcome(plain()).await;
        assert_eq!(peer.subscribed(success()).await.filters[0].retain_forward_rule, rule);
    }
}

/// rumqttc cannot read a DISCONNECT that has a code and nothing else, which is how mosquitto sends it.
#[tokio::test]
async fn a_disconnect_with_nothing_but_a_code_ends_the_connection_when_the_broker_closes_it() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut state = connection.state();
    let mut peer = broker.welcome(plain()).await;
    peer.write(Packet::Disconnect(Disconnect::new(DisconnectReasonCode::SessionTakenOver))).await;
    drop(peer);
    let failed = within(state.wait_for(|state| matches!(state, State::Disconnected { .. }))).await;
    let failed = failed.expect("a state").clone();
    assert!(matches!(failed, State::Disconnected { error: ConnectError::Closed { .. }, .. }), "{failed:?}");
}

#[tokio::test]
async fn the_reason_of_a_disconnect_and_of_a_refusal_is_told() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut state = connection.state();
    let mut peer = broker.welcome(plain()).await;
    peer.write(told(DisconnectReasonCode::SessionTakenOver, "by device-2")).await;
    let expected = ConnectError::TakenOver { reason: "session taken over: by device-2".to_owned() };
    assert!(expected.hint().is_some_and(|hint| hint.contains("client id of its own")));
    let told =
        state.wait_for(|state| matches!(state, State::Disconnected { error, .. } if *error == expected));
    within(told).await.expect("a state");
    broker.answer(ConnectReturnCode::Banned, plain()).await;
    let expected = ConnectError::NotAccepted(Refusal::Banned);
    let told =
        state.wait_for(|state| matches!(state, State::Disconnected { error, .. } if *error == expected));
    within(told).await.expect("a state");
}

#[tokio::test]
async fn no_message_is_blamed_for_a_session_that_the_broker_ends() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let receipt = connection.enqueue(Publish::new("a", "innocent")).await.expect("room");
    for reason_code in [
        DisconnectReasonCode::SessionTakenOver,
        DisconnectReasonCode::ServerShuttingDown,
        DisconnectReasonCode::ServerBusy,
        DisconnectReasonCode::AdministrativeAction,
        DisconnectReasonCode::QuotaExceeded,
        DisconnectReasonCode::MessageRateTooHigh,
    ] {
        let mut peer = broker.welcome(plain()).await;
        peer.published().await;
        peer.write(told(reason_code, "test")).await;
    }
    let mut peer = broker.welcome(plain()).await;
    let publish = peer.published().await;
    peer.acknowledge(publish.pkid, PubAckReason::Success).await;
    within(receipt).await.expect("sent once more, and acknowledged");
}

/// A keep-alive of zero from the broker once made rumqttc send pings without pause.
#[tokio::test]
async fn a_broker_that_needs_no_keep_alive_is_not_flooded_with_pings() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut peer = broker.welcome(ConnAckProperties { server_keep_alive: Some(0), ..plain() }).await;
    let mut pings = 0;
    for _ in 0..50 {
        let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
        let publish = loop {
            match peer.read().await {
                Some(Packet::Publish(publish)) => break publish,
                Some(Packet::PingReq(_)) => {
                    pings += 1;
                    peer.write(Packet::PingResp(rumqttc::v5::mqttbytes::v5::PingResp)).await;
                }
                other => panic!("{other:?}"),
            }
        };
        peer.acknowledge(publish.pkid, PubAckReason::Success).await;
        within(receipt).await.expect("acknowledged");
    }
    assert!(pings <= 1, "{pings} pings");
}

#[tokio::test(start_paused = true)]
async fn messages_leave_more_slowly_once_the_broker_says_that_there_are_too_many() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut state = connection.state();
    let mut receipts = Vec::new();
    for number in 0..80 {
        receipts.push(connection.enqueue(Publish::new("a", number.to_string())).await.expect("room"));
    }
    let mut peer = broker.welcome(plain()).await;
    let mut packet_ids = Vec::new();
    for _ in 0..80 {
        packet_ids.push(peer.published().await.pkid);
    }
    for packet_id in packet_ids.drain(..20) {
        peer.acknowledge(packet_id, PubAckReason::Success).await;
    }
    while connection.counters().acked < 20 {
        tokio::task::yield_now().await;
    }
    peer.write(told(DisconnectReasonCode::MessageRateTooHigh, "slower")).await;
    let expected = ConnectError::TooMuch { reason: "message rate too high: slower".to_owned() };
    assert!(expected.hint().is_some_and(|hint| hint.contains("`max_rate`")));
    let told =
        state.wait_for(|state| matches!(state, State::Disconnected { error, .. } if *error == expected));
    within(told).await.expect("a state");
    let mut peer = broker.welcome(plain()).await;
    let began = Instant::now();
    for _ in 0..60 {
        let packet_id = peer.published().await.pkid;
        peer.acknowledge(packet_id, PubAckReason::Success).await;
    }
    assert!((900..1100).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    for receipt in receipts {
        within(receipt).await.expect("acknowledged");
    }
}
