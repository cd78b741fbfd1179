//! Connecting, publishing, subscribing and acknowledging on MQTT 3.1.1, when nothing goes wrong.

use fieldline_mqtt::{Options, Publish, QoS, State};
use rumqttc::mqttbytes::v4::Packet;
use tokio::time::Duration;

use crate::broker::{Broker, start, within};

#[tokio::test]
async fn a_publish_at_least_once_ends_with_its_acknowledgement() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut peer = broker.welcome(false).await;
    let mut receipt = connection.enqueue(Publish::new("a/b", "hello")).await.expect("room");
    let publish = peer.published().await;
    assert_eq!((publish.topic.as_str(), publish.payload.as_ref()), ("a/b", "hello".as_bytes()));
    assert!(futures::poll!(&mut receipt).is_pending(), "the broker has not acknowledged it");
    assert_eq!(connection.counters().inflight, 1);
    peer.acknowledge(publish.pkid).await;
    within(receipt).await.expect("acknowledged");
    let counters = connection.counters();
    assert_eq!((counters.published, counters.acked, counters.queued, counters.inflight), (1, 1, 0, 0));
}

#[tokio::test]
async fn a_publish_at_most_once_ends_when_it_is_written() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut peer = broker.welcome(false).await;
    within(connection.publish(Publish { qos: QoS::AtMostOnce, retain: true, ..Publish::new("a", "x") }))
        .await
        .expect("written");
    let publish = peer.published().await;
    assert!(publish.retain && publish.pkid == 0);
}

#[tokio::test]
async fn many_publishes_are_under_way_at_once_and_in_order() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut peer = broker.welcome(false).await;
    let mut receipts = Vec::new();
    for number in 0..150 {
        receipts.push(connection.enqueue(Publish::new("a", number.to_string())).await.expect("room"));
    }
    let mut packet_ids = Vec::new();
    for number in 0..100 {
        let publish = peer.published().await;
        assert_eq!(publish.payload, number.to_string());
        packet_ids.push(publish.pkid);
    }
    assert_eq!(connection.counters().inflight, 100, "the in-flight limit");
    for packet_id in packet_ids {
        peer.acknowledge(packet_id).await;
    }
    for number in 100..150 {
        let publish = peer.published().await;
        assert_eq!(publish.payload, number.to_string());
        peer.acknowledge(publish.pkid).await;
    }
    for receipt in receipts {
        within(receipt).await.expect("acknowledged");
    }
}

#[tokio::test]
async fn a_message_is_acknowledged_when_its_token_is_used_and_in_order_of_arrival() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut inbound = connection.subscribe("in/+", QoS::AtLeastOnce, 10).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    assert_eq!(peer.grant().await, ["in/+"]);
    within(inbound.subscribed()).await.expect("granted");
    for packet_id in [11, 12, 13] {
        peer.publish("in/a", &packet_id.to_string(), packet_id).await;
    }
    let mut tokens = Vec::new();
    for expected in ["11", "12", "13"] {
        let message = within(inbound.next()).await.expect("a message");
        assert_eq!(message.payload, expected);
        tokens.push(message.token);
    }
    let [first, second, third]: [_; 3] = tokens.try_into().expect("three tokens");
    third.acknowledge();
    second.acknowledge();
    first.acknowledge();
    for expected in [11, 12, 13] {
        assert_eq!(peer.acknowledged().await, expected);
    }
}

#[tokio::test]
async fn a_message_goes_to_each_matching_subscriber_and_is_acknowledged_once_all_are_done() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut narrow = connection.subscribe("in/a", QoS::AtLeastOnce, 10).expect("a valid filter");
    let mut wide = connection.subscribe("#", QoS::AtLeastOnce, 10).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    assert_eq!(peer.grant().await, ["#", "in/a"]);
    peer.publish("in/a", "both", 1).await;
    peer.publish("other", "one", 2).await;
    let both = within(wide.next()).await.expect("a message");
    within(wide.next()).await.expect("a message").token.acknowledge();
    both.token.acknowledge();
    within(narrow.next()).await.expect("a message").token.acknowledge();
    assert_eq!(peer.acknowledged().await, 1);
    assert_eq!(peer.acknowledged().await, 2);
}

#[tokio::test]
async fn dropping_a_subscriber_unsubscribes_when_nobody_has_taken_its_place_for_the_operation_time_out() {
    let broker = Broker::bind().await;
    let connection = start(Options { operation_timeout: Duration::from_millis(50), ..broker.options() });
    let mut peer = broker.welcome(false).await;
    within(connection.state().wait_for(|state| matches!(state, State::Connected { .. })))
        .await
        .expect("a state");
    let first = connection.subscribe("a", QoS::AtLeastOnce, 1).expect("a valid filter");
    let second = connection.subscribe("a", QoS::AtLeastOnce, 1).expect("a valid filter");
    peer.grant().await;
    peer.grant().await;
    drop(first);
    drop(second);
    match peer.read().await {
        Some(Packet::Unsubscribe(unsubscribe)) => assert_eq!(unsubscribe.topics, ["a"]),
        other => panic!("{other:?} instead of UNSUBSCRIBE"),
    }
}

#[tokio::test]
async fn closing_sends_what_waits_and_says_goodbye() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut peer = broker.welcome(false).await;
    let receipt = connection.enqueue(Publish::new("a", "last")).await.expect("room");
    let publish = peer.published().await;
    let closing = connection.close(Duration::from_secs(10));
    let goodbye = async {
        peer.acknowledge(publish.pkid).await;
        assert_eq!(peer.read().await, Some(Packet::Disconnect));
    };
    within(futures::future::join(closing, goodbye)).await;
    within(receipt).await.expect("acknowledged");
    assert_eq!(*connection.state().borrow(), State::Closed);
    assert!(connection.publish(Publish::new("a", "late")).await.is_err());
}

#[expect(clippy::disallowed_methods, reason = "a test has no supervisor")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_twice_while_the_queue_to_the_event_loop_is_full() {
    const COUNT: u32 = 20_000;
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut peer = broker.welcome(false).await;
    // The client fills the queue, while the event loop empties it on another thread.
    let client = tokio::spawn(async move {
        for number in 0..COUNT {
            let publish = Publish { qos: QoS::AtMostOnce, ..Publish::new("a", number.to_string()) };
            let _receipt = connection.enqueue(publish).await.expect("room");
        }
        connection
    });
    for number in 0..COUNT {
        assert_eq!(peer.published().await.payload, number.to_string());
    }
    client.await.expect("it does not panic");
}
