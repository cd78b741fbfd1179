//! Against a real mosquitto: nothing is lost when it is killed, redelivery, mutual TLS.

use std::collections::BTreeSet;

use fieldline_mqtt::tls::TlsOptions;
use fieldline_mqtt::{Address, ConnectError, Connection, Options, Publish, QoS, State, Version};
use tokio::time::Duration;

use crate::broker::{options, start, within};
use crate::certificates::{Authority, tls};
use crate::mosquitto::Mosquitto;

const VERSIONS: [Version; 2] = [Version::V3_1_1, Version::V5];

/// Subscriber and publisher share a connection, so that the subscription always comes before the replay.
/// mosquitto forwards a message before it acknowledges it, unless the receive maximum is used up (MQTT 5):
/// then it acknowledges first and keeps the message in its memory, where killing it loses the message. So
/// more may be in flight here than there are messages, and what is lost would be our fault.
#[tokio::test]
async fn nothing_is_lost_when_the_broker_is_killed_again_and_again() {
    for version in VERSIONS {
        let Some(mut broker) = Mosquitto::start("", &[]).await else { return };
        let connection = start(Options { version, inflight: 2_100, ..options(broker.port) });
        let mut inbound = connection.subscribe("numbers", QoS::AtLeastOnce, 2_100).expect("a valid filter");
        within(inbound.subscribed()).await.expect("granted");
        let publish = async {
            let mut receipts = Vec::new();
            for number in 0..2_000 {
                let publish = Publish::new("numbers", number.to_string());
                receipts.push(connection.enqueue(publish).await.expect("room"));
                if [500, 1_000, 1_500].contains(&number) {
                    let before = connection.counters().connects;
                    broker.crash_and_restart().await;
                    while connection.counters().connects == before {
                        tokio::task::yield_now().await;
                    }
                }
            }
            for receipt in receipts {
                receipt.await.expect("acknowledged");
            }
        };
        let receive = async {
            let mut missing: BTreeSet<u32> = (0..2_000).collect();
            while !missing.is_empty() {
                let message = inbound.next().await.expect("a message");
                let text = std::str::from_utf8(&message.payload).expect("text");
                missing.remove(&text.parse().expect("a number"));
                message.token.acknowledge();
            }
        };
        within(futures::future::join(publish, receive)).await;
        let counters = connection.counters();
        assert_eq!((counters.acked, counters.failed, counters.queued), (2_000, 0, 0));
        assert_eq!(counters.connects, 4, "each crash ended a connection that had been made");
    }
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_after_a_reconnection() {
    for version in VERSIONS {
        let Some(broker) = Mosquitto::start("", &[]).await else { return };
        let options = Options { version, ..options(broker.port) };
        let connection = start(options.clone());
        let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
        within(inbound.subscribed()).await.expect("granted");
        for number in 0..6 {
            within(connection.publish(Publish::new("in", number.to_string()))).await.expect("acknowledged");
        }
        let mut kept = Vec::new();
        for number in 0..6 {
            let message = within(inbound.next()).await.expect("a message");
            if number < 3 { message.token.acknowledge() } else { kept.push(message) }
        }
        // Written in order, so once this is acknowledged the acknowledgements have arrived.
        within(connection.publish(Publish::new("elsewhere", ""))).await.expect("acknowledged");
        // The new connection waits so long for the three that are kept.
        let operation_timeout = Duration::from_millis(100);
        connection.reconnect_with(Options { operation_timeout, ..options }).expect("valid options");
        for expected in ["3", "4", "5"] {
            let message = within(inbound.next()).await.expect("a message");
            assert_eq!((message.payload.as_ref(), message.duplicate), (expected.as_bytes(), true));
            message.token.acknowledge();
        }
        assert_eq!(connection.counters().received, 9);
    }
}

/// The start of a program whose topics were edited while it was stopped.
#[tokio::test]
async fn what_an_earlier_run_subscribed_to_is_neither_waited_for_nor_sent_again() {
    let Some(broker) = Mosquitto::start("max_queued_messages 0", &[]).await else { return };
    let publisher = start(Options { client_id: "publisher".into(), ..options(broker.port) });
    for (round, version) in VERSIONS.into_iter().enumerate() {
        let client_id = format!("station-{round}");
        // Longer than the test may take.
        let operation_timeout = Duration::from_secs(60);
        let options = Options { version, client_id, operation_timeout, ..options(broker.port) };
        let earlier = start(options.clone());
        let mut both = earlier.subscribe_all(&["fast", "keep"], QoS::AtLeastOnce, 10).expect("valid filters");
        within(both.subscribed()).await.expect("granted");
        let remembered = earlier.filters().borrow().clone();
        within(earlier.close(Duration::from_secs(5))).await;
        for number in 0..30 {
            for _ in 0..100 {
                within(publisher.publish(Publish::new("fast", "x"))).await.expect("acknowledged");
            }
            let keep = Publish::new("keep", number.to_string());
            within(publisher.publish(keep)).await.expect("acknowledged");
        }

        let (connection, driver) = Connection::new(options).expect("valid options");
        connection.remember(remembered);
        let expected = connection.expect(&["keep"]);
        let _task = crate::broker::run(driver);
        let mut state = connection.state();
        within(state.wait_for(|state| matches!(state, State::Connected { .. }))).await.expect("a state");
        let mut inbound = connection.subscribe("keep", QoS::AtLeastOnce, 10).expect("a valid filter");
        drop(expected);
        for number in 0..30 {
            let message = within(inbound.next()).await.expect("a message");
            assert_eq!(message.payload, number.to_string());
            message.token.acknowledge();
        }
        let mut filters = connection.filters();
        within(filters.wait_for(|filters| filters.len() == 1)).await.expect("`fast` is taken back");
        assert_eq!(connection.counters().unclaimed, 3_000);
        within(publisher.publish(Publish::new("fast", "x"))).await.expect("acknowledged");
        within(publisher.publish(Publish::new("keep", "last"))).await.expect("acknowledged");
        let message = within(inbound.next()).await.expect("a message");
        assert_eq!(message.payload, "last");
        message.token.acknowledge();
        assert_eq!(connection.counters().unclaimed, 3_000, "mosquitto sends it no more");
        within(connection.close(Duration::from_secs(5))).await;
    }
}

#[tokio::test]
async fn overlapping_subscribers_each_get_a_message_once() {
    for version in VERSIONS {
        let Some(broker) = Mosquitto::start("", &[]).await else { return };
        let connection = start(Options { version, ..options(broker.port) });
        let mut inbounds = Vec::new();
        for filters in [&["in/+"][..], &["in/a"], &["#"], &["in/+", "+/a"]] {
            let inbound = connection.subscribe_all(filters, QoS::AtLeastOnce, 10);
            let mut inbound = inbound.expect("valid filters");
            within(inbound.subscribed()).await.expect("granted");
            inbounds.push(inbound);
        }
        for text in ["first", "second"] {
            within(connection.publish(Publish::new("in/a", text))).await.expect("acknowledged");
        }
        for inbound in &mut inbounds {
            for expected in ["first", "second"] {
                let message = within(inbound.next()).await.expect("a message");
                assert_eq!(message.payload, expected, "{version:?}");
                message.token.acknowledge();
            }
        }
    }
}

/// The broker sends what it retains for each filter that it is asked for, and with 3.1.1 each time.
#[tokio::test]
async fn a_retained_message_comes_once_to_each_of_overlapping_subscribers() {
    for version in VERSIONS {
        let Some(broker) = Mosquitto::start("", &[]).await else { return };
        let other = start(Options { client_id: "other".to_owned(), ..options(broker.port) });
        let kept = Publish { retain: true, ..Publish::new("in/a", "kept") };
        within(other.publish(kept)).await.expect("acknowledged");
        let (connection, driver) =
            Connection::new(Options { version, ..options(broker.port) }).expect("valid options");
        let subscribe = |filters: &[&str]| {
            connection.subscribe_all(filters, QoS::AtLeastOnce, 10).expect("valid filters")
        };
        let mut inbounds = vec![subscribe(&["in/#"]), subscribe(&["in/a"]), subscribe(&["in/+", "+/a"])];
        crate::broker::run(driver);
        for inbound in &mut inbounds {
            within(inbound.subscribed()).await.expect("granted");
        }
        inbounds.push(subscribe(&["in/a"]));
        within(inbounds[3].subscribed()).await.expect("granted");
        for round in 0..4 {
            if round > 0 {
                let before = connection.counters().connects;
                connection.reconnect_with(Options { version, ..options(broker.port) }).expect("valid");
                while connection.counters().connects == before {
                    tokio::task::yield_now().await;
                }
            }
            let end = format!("end of round {round}");
            within(connection.publish(Publish::new("in/a", end.clone()))).await.expect("acknowledged");
            for inbound in &mut inbounds {
                let mut seen = Vec::new();
                while seen.last() != Some(&end) {
                    let message = within(inbound.next()).await.expect("a message");
                    seen.push(String::from_utf8(message.payload.to_vec()).expect("text"));
                    message.token.acknowledge();
                }
                let expected: &[&str] = if round == 0 { &["kept", &end] } else { &[&end] };
                assert_eq!(seen, expected, "{version:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_will_is_published_when_the_client_vanishes() {
    let Some(broker) = Mosquitto::start("", &[]).await else { return };
    let watcher = start(Options { client_id: "watcher".to_owned(), ..options(broker.port) });
    let mut inbound = watcher.subscribe("status/#", QoS::AtLeastOnce, 10).expect("a valid filter");
    within(inbound.subscribed()).await.expect("granted");
    for version in VERSIONS {
        let will = Some(Publish::new("status/device", "gone"));
        let (connection, driver) =
            Connection::new(Options { version, will, ..options(broker.port) }).expect("valid options");
        let task = crate::broker::run(driver);
        within(connection.publish(Publish::new("status/device", "here"))).await.expect("acknowledged");
        task.abort();
        for expected in ["here", "gone"] {
            let message = within(inbound.next()).await.expect("a message");
            assert_eq!(message.payload, expected);
            message.token.acknowledge();
        }
    }
}

fn encrypted(port: u16, version: Version, tls: TlsOptions) -> Options {
    let address = Address::parse(&format!("mqtts://127.0.0.1:{port}")).expect("a valid URL");
    Options { address, version, tls: Some(tls), ..options(port) }
}

async fn failure(options: Options) -> ConnectError {
    let connection = start(options);
    let mut state = connection.state();
    let failed = within(state.wait_for(|state| matches!(state, State::Disconnected { .. }))).await;
    match failed.expect("a state").clone() {
        State::Disconnected { error, .. } => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_travels_over_mutual_tls() {
    let authority = Authority::new("ours");
    let Some(broker) = Mosquitto::start_tls(&authority, &authority.server()).await else { return };
    for version in VERSIONS {
        let connection = start(encrypted(broker.port, version, tls(&authority, Some(&authority.client()))));
        within(connection.publish(Publish::new("a", "x"))).await.expect("acknowledged");
        within(connection.close(Duration::from_secs(5))).await;
    }
}

#[tokio::test]
async fn whoever_is_not_trusted_is_refused_and_told_why() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let Some(broker) = Mosquitto::start_tls(&ours, &ours.server()).await else { return };
    for version in VERSIONS {
        let options = |tls| encrypted(broker.port, version, tls);
        let error = failure(options(tls(&theirs, Some(&ours.client())))).await;
        assert!(matches!(error, ConnectError::UnknownAuthority { .. }), "{error}");
        // TLS 1.3 lets the client finish first; whether it reads the alert or finds the connection closed
        // depends on who is faster.
        let error = failure(options(tls(&ours, Some(&theirs.client())))).await;
        assert!(
            matches!(
                error,
                ConnectError::ClientCertificateRefused { .. } | ConnectError::ClosedBeforeAccepted { .. }
            ),
            "{error}"
        );
        let error = failure(options(tls(&ours, None))).await;
        assert!(
            matches!(
                error,
                ConnectError::ClientCertificateRequired | ConnectError::ClosedBeforeAccepted { .. }
            ),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_broker_with_a_certificate_for_another_host_is_not_trusted() {
    let authority = Authority::new("ours");
    let elsewhere = authority.issue(&["elsewhere.example"], |_| {});
    let Some(broker) = Mosquitto::start_tls(&authority, &elsewhere).await else { return };
    let error =
        failure(encrypted(broker.port, Version::V3_1_1, tls(&authority, Some(&authority.client())))).await;
    assert!(matches!(error, ConnectError::WrongHostName { .. }), "{error}");
}
