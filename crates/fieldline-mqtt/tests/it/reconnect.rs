//! Reconnecting: when, how often, and what the state says meanwhile.

use fieldline_mqtt::{ConnectError, Connection, Options, Publish, QoS, Refusal, State};
use rumqttc::mqttbytes::v4::{ConnAck, ConnectReturnCode, Packet};
use tokio::time::{Duration, timeout};

use crate::broker::{Broker, options, start, within};

/// Waits for the state after the next failure.
async fn failure(connection: &Connection) -> (ConnectError, Duration) {
    let mut state = connection.state();
    let failed = within(state.wait_for(|state| matches!(state, State::Disconnected { .. }))).await;
    match failed.expect("a state").clone() {
        State::Disconnected { error, retry_in } => (error, retry_in),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_attempt_waits_twice_as_long_as_the_one_before() {
    let broker = Broker::bind().await;
    let connection = start(Options {
        backoff_initial: Duration::from_millis(8),
        backoff_maximum: Duration::from_millis(32),
        ..broker.options()
    });
    let mut state = connection.state();
    for step in [8, 16, 32, 32] {
        drop(broker.accept().await);
        let failed = within(state.wait_for(|state| matches!(state, State::Disconnected { .. }))).await;
        let State::Disconnected { error, retry_in } = failed.expect("a state").clone() else {
            panic!("waited for it")
        };
        assert!(matches!(error, ConnectError::ClosedBeforeAccepted { .. }), "{error}");
        let step = Duration::from_millis(step);
        assert!(retry_in >= step / 2 && retry_in < step, "{retry_in:?} of {step:?}");
        within(state.wait_for(|state| *state == State::Connecting)).await.expect("a state");
    }
}

#[tokio::test]
async fn a_broker_that_refuses_is_named_and_asked_again() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
    for (code, refusal) in [
        (ConnectReturnCode::BadUserNamePassword, Refusal::Credentials),
        (ConnectReturnCode::NotAuthorized, Refusal::NotAuthorized),
        (ConnectReturnCode::ServiceUnavailable, Refusal::Unavailable),
        (ConnectReturnCode::BadClientId, Refusal::ClientId),
        (ConnectReturnCode::RefusedProtocolVersion, Refusal::Version),
    ] {
        let mut state = connection.state();
        let mut peer = broker.accept().await;
        peer.connect().await;
        peer.write(Packet::ConnAck(ConnAck::new(code, false))).await;
        let expected = ConnectError::NotAccepted(refusal);
        let named =
            state.wait_for(|state| matches!(state, State::Disconnected { error, .. } if *error == expected));
        within(named).await.expect("a state");
        assert!(expected.hint().is_some());
    }
    let mut peer = broker.welcome(false).await;
    let publish = peer.published().await;
    peer.acknowledge(publish.pkid).await;
    within(receipt).await.expect("the message waited");
}

#[tokio::test]
async fn a_port_nobody_listens_on_refuses() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("bound").port()
    };
    let (error, _) = failure(&start(options(port))).await;
    assert_eq!(error, ConnectError::Refused { address: format!("127.0.0.1:{port}") });
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_named() {
    let mut options = options(1883);
    options.address.host = "no-such-host.invalid".to_owned();
    let (error, _) = failure(&start(options)).await;
    assert!(matches!(&error, ConnectError::Dns { host, .. } if host == "no-such-host.invalid"), "{error}");
}

#[tokio::test]
async fn a_broker_that_says_nothing_is_given_up_after_the_connect_timeout() {
    let broker = Broker::bind().await;
    let after = Duration::from_millis(30);
    let connection = start(Options { connect_timeout: after, ..broker.options() });
    let _peer = broker.accept().await;
    assert_eq!(failure(&connection).await.0, ConnectError::TimedOut { after });
}

#[tokio::test]
async fn a_half_open_connection_is_noticed_by_the_keep_alive() {
    let broker = Broker::bind().await;
    let connection = start(Options {
        backoff_initial: Duration::from_secs(32),
        backoff_maximum: Duration::from_secs(32),
        ..broker.options()
    });
    let _silent = broker.welcome(false).await;
    let mut state = connection.state();
    within(state.wait_for(|state| matches!(state, State::Connected { .. }))).await.expect("a state");
    // From here on only timers move, and their time passes at once.
    tokio::time::pause();
    let disconnected = state.wait_for(|state| matches!(state, State::Disconnected { .. }));
    let failed =
        timeout(Duration::from_secs(70), disconnected).await.expect("in time").expect("a state").clone();
    assert!(matches!(failed, State::Disconnected { error: ConnectError::KeepAlive, .. }), "{failed:?}");
}

/// Large messages to a broker that does not read fill the socket; rumqttc then waits in its write.
#[tokio::test]
async fn a_broker_that_stops_reading_is_noticed() {
    let broker = Broker::bind().await;
    let long = Duration::from_secs(3_600);
    let outbox_bytes = 100 * 1024 * 1024;
    let options = Options { backoff_initial: long, backoff_maximum: long, outbox_bytes, ..broker.options() };
    let connection = start(options);
    let _peer = broker.welcome(false).await;
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
async fn the_end_of_the_program_closes_the_connection() {
    let broker = Broker::bind().await;
    let (connection, driver) = Connection::new(broker.options()).expect("valid options");
    let (shut_down, shutdown) = tokio::sync::oneshot::channel::<()>();
    let run = driver.run(async {
        let _sent = shutdown.await;
    });
    let script = async {
        let mut peer = broker.welcome(false).await;
        let receipt = connection.enqueue(Publish::new("a", "last")).await.expect("room");
        let publish = peer.published().await;
        shut_down.send(()).expect("the driver runs");
        peer.acknowledge(publish.pkid).await;
        assert_eq!(peer.read().await, Some(Packet::Disconnect));
        receipt.await.expect("acknowledged");
    };
    within(futures::future::join(run, script)).await;
    assert_eq!(*connection.state().borrow(), State::Closed);
}

/// A retained will leaves `offline` for ever where nothing follows it.
#[tokio::test]
async fn a_birth_message_goes_ahead_on_every_connection_and_the_will_is_the_last_word() {
    let broker = Broker::bind().await;
    let said = |text: &'static str| Some(Publish { retain: true, ..Publish::new("status", text) });
    let options = Options { birth: said("online"), will: said("offline"), ..broker.options() };
    let connection = start(options);
    let _waits = connection.enqueue(Publish::new("a", "first")).await.expect("room");
    for _ in 0..2 {
        let mut peer = broker.welcome(true).await;
        let birth = peer.published().await;
        assert_eq!(
            (birth.topic.as_str(), birth.retain, &birth.payload[..]),
            ("status", true, &b"online"[..])
        );
        assert_eq!(peer.published().await.payload, "first");
    }
    let mut peer = broker.welcome(true).await;
    for expected in ["online", "first"] {
        let publish = peer.published().await;
        assert_eq!(publish.payload, expected);
        peer.acknowledge(publish.pkid).await;
    }
    let ended = async {
        let last = peer.published().await;
        assert_eq!((last.retain, &last.payload[..]), (true, &b"offline"[..]));
        peer.acknowledge(last.pkid).await;
        assert_eq!(peer.read().await, Some(Packet::Disconnect));
    };
    within(futures::future::join(connection.close(Duration::from_secs(5)), ended)).await;
}

#[tokio::test]
async fn without_a_broker_the_end_does_not_wait_for_what_nobody_waits_for() {
    let broker = Broker::bind().await;
    let nobody = Options { operation_timeout: Duration::from_secs(3_600), ..broker.options() };
    drop(broker);
    let (connection, driver) = Connection::new(nobody).expect("valid options");
    let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
    drop(receipt);
    within(driver.run(async {})).await;
    assert_eq!(*connection.state().borrow(), State::Closed);
}

#[tokio::test]
async fn subscriptions_are_made_again_unless_the_session_has_them() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let filters: Vec<String> = (0..10).map(|number| format!("in/{number}")).collect();
    let mut inbounds = Vec::new();
    for filter in &filters {
        inbounds.push(connection.subscribe(filter, QoS::AtLeastOnce, 1).expect("a valid filter"));
    }
    for session_present in [false, true, false] {
        let mut peer = broker.welcome(session_present).await;
        if !session_present {
            let mut granted = peer.grant().await;
            assert_eq!(granted.len(), 8, "AWS refuses more in one packet");
            granted.extend(peer.grant().await);
            assert_eq!(granted, filters);
        }
        peer.publish("in/3", "x", 1).await;
        within(inbounds[3].next()).await.expect("a message").token.acknowledge();
        assert_eq!(peer.acknowledged().await, 1);
    }
}

#[tokio::test]
async fn other_options_are_used_on_a_new_connection_and_outbox_and_subscribers_stay() {
    let (old, new) = (Broker::bind().await, Broker::bind().await);
    let connection = start(old.options());
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 1).expect("a valid filter");
    let mut peer = old.welcome(false).await;
    peer.grant().await;
    let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
    peer.published().await;
    // How long the old broker may take to acknowledge.
    let operation_timeout = Duration::from_millis(100);
    connection.reconnect_with(Options { operation_timeout, ..new.options() }).expect("valid options");
    assert_eq!(peer.read().await, Some(Packet::Disconnect));

    let mut peer = new.welcome(false).await;
    peer.grant().await;
    let publish = peer.published().await;
    peer.acknowledge(publish.pkid).await;
    within(receipt).await.expect("acknowledged by the new broker");
    peer.publish("in", "new", 1).await;
    assert_eq!(within(inbound.next()).await.expect("a message").payload, "new");
}

/// Issue 5: it was published a second time.
#[tokio::test]
async fn what_is_on_its_way_is_acknowledged_before_a_new_connection_and_not_sent_again() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut peer = broker.welcome(false).await;
    let first = connection.enqueue(Publish::new("a", "first")).await.expect("room");
    let publish = peer.published().await;
    connection.reconnect_with(broker.options()).expect("valid options");
    let second = connection.enqueue(Publish::new("a", "second")).await.expect("room");
    peer.acknowledge(publish.pkid).await;
    loop {
        match peer.read().await {
            Some(Packet::Disconnect) => break,
            // The driver had not seen that it was to end.
            Some(Packet::Publish(publish)) => peer.acknowledge(publish.pkid).await,
            other => panic!("{other:?}"),
        }
    }
    within(first).await.expect("acknowledged on the old connection");
    let mut peer = broker.welcome(true).await;
    let _third = connection.enqueue(Publish::new("a", "third")).await.expect("room");
    loop {
        let publish = peer.published().await;
        assert_ne!(publish.payload, "first");
        peer.acknowledge(publish.pkid).await;
        if publish.payload == "third" {
            break;
        }
    }
    within(second).await.expect("acknowledged");
}

#[tokio::test]
async fn what_was_received_is_acknowledged_before_a_new_connection_and_not_received_again() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    peer.publish("in", "first", 1).await;
    let first = within(inbound.next()).await.expect("a message");
    connection.reconnect_with(broker.options()).expect("valid options");
    peer.publish("in", "second", 2).await;
    while connection.counters().held == 0 {
        tokio::task::yield_now().await;
    }
    first.token.acknowledge();
    assert_eq!(peer.acknowledged().await, 1);
    assert_eq!(peer.read().await, Some(Packet::Disconnect));
    let mut peer = broker.welcome(true).await;
    peer.publish("in", "second", 2).await;
    assert_eq!(within(inbound.next()).await.expect("a message").payload, "second");
}

#[tokio::test]
async fn other_options_end_a_wait_for_the_next_attempt() {
    let broker = Broker::bind().await;
    let long = Duration::from_secs(1_000);
    let mut bad = broker.options();
    bad.address.host = "no-such-host.invalid".to_owned();
    let connection = start(Options { backoff_initial: long, backoff_maximum: long, ..bad });
    failure(&connection).await;
    connection.reconnect_with(broker.options()).expect("valid options");
    broker.welcome(false).await;
}

#[tokio::test]
async fn closing_without_a_broker_ends_at_its_deadline() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
    let _silent = broker.accept().await;
    within(connection.close(Duration::from_millis(20))).await;
    assert!(within(receipt).await.is_err());
}

#[tokio::test]
async fn acknowledgements_arrive_though_the_broker_goes_on_sending_over_the_goodbye() {
    let broker = Broker::bind().await;
    let (connection, driver) = Connection::new(broker.options()).expect("valid options");
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
    let (shut_down, shutdown) = tokio::sync::oneshot::channel::<()>();
    let run = driver.run(async {
        let _sent = shutdown.await;
    });
    let script = async {
        let mut peer = broker.welcome(false).await;
        peer.grant().await;
        let mut tokens = Vec::new();
        for packet_id in 1..=8 {
            peer.publish("in", "taken", packet_id).await;
            tokens.push(inbound.next().await.expect("a message").token);
        }
        tokens.into_iter().for_each(|token| token.acknowledge());
        shut_down.send(()).expect("the driver runs");
        // More than the client can have read when it says goodbye: closed then, its socket would be reset, and the
        // acknowledgements that this side has not read yet would go with it.
        for packet_id in 9..=60 {
            peer.publish("in", &"unread".repeat(1000), packet_id).await;
        }
        for packet_id in 1..=8 {
            assert_eq!(peer.acknowledged().await, packet_id);
        }
        assert_eq!(peer.read().await, Some(Packet::Disconnect));
    };
    within(futures::future::join(run, script)).await;
}

#[tokio::test]
async fn a_broker_that_does_not_close_after_the_goodbye_is_not_waited_for_long() {
    let broker = Broker::bind().await;
    let (connection, driver) = Connection::new(broker.options()).expect("valid options");
    let _inbound = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
    let (shut_down, shutdown) = tokio::sync::oneshot::channel::<()>();
    let run = driver.run(async {
        let _sent = shutdown.await;
    });
    let script = async {
        let mut peer = broker.welcome(false).await;
        // It subscribes once it knows that it is connected; before that it has nobody to say goodbye to.
        peer.grant().await;
        shut_down.send(()).expect("the driver runs");
        assert_eq!(peer.read().await, Some(Packet::Disconnect));
        peer
    };
    let ((), mut peer) = within(futures::future::join(run, script)).await;
    assert_eq!(peer.read().await, None, "the client has closed");
}
