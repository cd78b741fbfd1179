//! The outbox across reconnections: nothing that was accepted is lost, whatever the broker remembers, and a
//! message the broker will not have does not stop the others.

use fieldline_mqtt::{ConnectError, Options, Publish, PublishError, QoS, State};
use rumqttc::mqttbytes::v4::{
    Packet, PubAck, PubComp, PubRec, PubRel, SubAck, SubscribeReasonCode, UnsubAck,
};
use tokio::time::{Duration, timeout};

use crate::broker::{Broker, Peer, run, start, within};

async fn published_text(peer: &mut Peer) -> String {
    String::from_utf8(peer.published().await.payload.to_vec()).expect("text")
}

/// Publishes five messages; the broker reads three and acknowledges the second before it is gone.
async fn everything_unacknowledged_is_sent_again(session_present: bool) {
    let broker = Broker::bind().await;
    let connection = start(Options { inflight: 3, ..broker.options() });
    let mut peer = broker.welcome(false).await;
    let mut receipts = Vec::new();
    for number in 0..5 {
        receipts.push(connection.enqueue(Publish::new("a", number.to_string())).await.expect("room"));
    }
    let mut packet_ids = Vec::new();
    for _ in 0..3 {
        packet_ids.push(peer.published().await.pkid);
    }
    peer.acknowledge(packet_ids[1]).await;
    assert_eq!(published_text(&mut peer).await, "3");
    drop(peer);

    let mut peer = broker.welcome(session_present).await;
    for expected in ["0", "2", "3", "4"] {
        let publish = peer.published().await;
        assert_eq!(publish.payload, expected);
        peer.acknowledge(publish.pkid).await;
    }
    for receipt in receipts {
        within(receipt).await.expect("acknowledged");
    }
    let counters = connection.counters();
    assert_eq!((counters.acked, counters.replayed, counters.queued, counters.connects), (5, 3, 0, 2));
}

#[tokio::test]
async fn messages_survive_a_broker_that_forgot_the_session() {
    everything_unacknowledged_is_sent_again(false).await;
}

#[tokio::test]
async fn messages_survive_a_broker_that_remembers_the_session() {
    everything_unacknowledged_is_sent_again(true).await;
}

#[tokio::test]
async fn messages_accepted_while_there_is_no_broker_are_sent_once_there_is() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    for number in 0..3 {
        let publish = Publish { qos: QoS::AtMostOnce, ..Publish::new("a", number.to_string()) };
        connection.enqueue(publish).await.expect("room");
    }
    let mut peer = broker.welcome(false).await;
    for expected in ["0", "1", "2"] {
        assert_eq!(published_text(&mut peer).await, expected);
    }
}

/// A packet id that is still in use when its turn comes again once made rumqttc reconnect for ever.
#[tokio::test]
async fn acknowledgements_out_of_order_cause_no_packet_id_collision() {
    let broker = Broker::bind().await;
    let connection = start(Options { inflight: 4, ..broker.options() });
    let mut peer = broker.welcome(false).await;
    let mut receipts = Vec::new();
    for number in 0..12 {
        receipts.push(connection.enqueue(Publish::new("a", number.to_string())).await.expect("room"));
    }
    let oldest = peer.published().await;
    let mut seen = vec![oldest.payload.clone()];
    // All others are acknowledged until the id of the oldest one would be next.
    for _ in 0..4 {
        let publish = peer.published().await;
        assert_ne!(publish.pkid, oldest.pkid);
        seen.push(publish.payload);
        peer.acknowledge(publish.pkid).await;
    }
    peer.acknowledge(oldest.pkid).await;
    for _ in 5..12 {
        let publish = peer.published().await;
        seen.push(publish.payload);
        peer.acknowledge(publish.pkid).await;
    }
    assert_eq!(seen, (0..12).map(|number| number.to_string()).collect::<Vec<_>>());
    for receipt in receipts {
        within(receipt).await.expect("acknowledged");
    }
    assert_eq!(connection.counters().connects, 1);
}

#[tokio::test]
async fn an_acknowledgement_out_of_order_and_then_a_lost_session_lose_nothing() {
    let broker = Broker::bind().await;
    let connection = start(Options { inflight: 2, ..broker.options() });
    for round in 0..10 {
        let mut peer = broker.welcome(false).await;
        let first = connection.enqueue(Publish::new("a", "first")).await.expect("room");
        let second = connection.enqueue(Publish::new("a", "second")).await.expect("room");
        peer.published().await;
        let packet_id = peer.published().await.pkid;
        peer.acknowledge(packet_id).await;
        within(second).await.expect("acknowledged");
        drop(peer);
        let mut peer = broker.welcome(false).await;
        let publish = peer.published().await;
        assert_eq!(publish.payload, "first", "round {round}");
        peer.acknowledge(publish.pkid).await;
        within(first).await.expect("acknowledged");
    }
}

#[tokio::test]
async fn publishing_from_the_loop_that_receives_does_not_deadlock() {
    let broker = Broker::bind().await;
    let connection = start(Options { inflight: 2, outbox_messages: 1_000, ..broker.options() });
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    let bridge = async {
        for _ in 0..500 {
            let message = inbound.next().await.expect("a message");
            for topic in ["out/1", "out/2"] {
                connection.enqueue(Publish::new(topic, message.payload.clone())).await.expect("room");
            }
            message.token.acknowledge();
        }
    };
    let traffic = async {
        let (mut sent, mut published, mut acknowledged) = (0, 0, 0);
        while published < 1_000 || acknowledged < 500 {
            if sent < 500 && sent < acknowledged + 2 {
                sent += 1;
                peer.publish("in", "x", sent).await;
                continue;
            }
            match peer.read().await {
                Some(Packet::Publish(publish)) => {
                    published += 1;
                    peer.acknowledge(publish.pkid).await;
                }
                Some(Packet::PubAck(_)) => acknowledged += 1,
                other => panic!("{other:?}"),
            }
        }
    };
    within(futures::future::join(bridge, traffic)).await;
}

#[tokio::test]
async fn a_message_over_which_the_broker_hangs_up_is_given_up_and_the_others_arrive() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut receipts = Vec::new();
    for topic in ["good/1", "forbidden", "good/2"] {
        receipts.push(connection.enqueue(Publish::new(topic, "x")).await.expect("room"));
    }
    let serve = async {
        let mut arrived = Vec::new();
        while arrived.len() < 2 {
            let mut peer = broker.welcome(false).await;
            while let Some(Packet::Publish(publish)) = peer.read().await {
                if publish.topic == "forbidden" {
                    break;
                }
                peer.acknowledge(publish.pkid).await;
                arrived.push(publish.topic);
                if arrived.len() == 2 {
                    return (arrived, peer);
                }
            }
        }
        unreachable!("returned when both had arrived")
    };
    let (arrived, _peer) = within(serve).await;
    assert_eq!(arrived, ["good/1", "good/2"]);
    let [first, second, third]: [_; 3] = receipts.try_into().expect("three receipts");
    within(first).await.expect("acknowledged");
    within(third).await.expect("acknowledged");
    let error = within(second).await.expect_err("given up");
    assert!(error.is_permanent());
    assert!(
        matches!(
            error,
            PublishError::ClosesConnection { attempts: 5, error: ConnectError::Closed { .. }, .. }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("5 times over the message to `forbidden`"), "{error}");
}

/// A broker that hangs up with something unread resets the connection, and its SUBACK is lost with it.
#[tokio::test]
async fn a_message_is_given_up_though_the_broker_hangs_up_before_its_answer_to_a_subscription_arrives() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let _inbound = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
    let forbidden = connection.enqueue(Publish::new("forbidden", "x")).await.expect("room");
    let other = connection.enqueue(Publish::new("good", "x")).await.expect("room");
    let serve = async {
        for _ in 0..12 {
            let mut peer = broker.welcome(false).await;
            let Some(Packet::Subscribe(subscribe)) = peer.read().await else { panic!("no SUBSCRIBE") };
            if timeout(Duration::from_millis(50), peer.read()).await.is_ok() {
                continue;
            }
            let granted = vec![SubscribeReasonCode::Success(rumqttc::mqttbytes::QoS::AtLeastOnce)];
            peer.write(Packet::SubAck(SubAck::new(subscribe.pkid, granted))).await;
            let publish = peer.published().await;
            if publish.topic == "good" {
                peer.acknowledge(publish.pkid).await;
                return peer;
            }
        }
        panic!("it is still sent");
    };
    let _peer = within(serve).await;
    within(other).await.expect("acknowledged");
    let error = within(forbidden).await.expect_err("given up");
    assert!(error.is_permanent() && error.to_string().contains("`forbidden`"), "{error}");
}

/// AWS IoT hangs up on a SUBSCRIBE that the policy forbids, with publishes under way.
#[tokio::test]
async fn no_message_is_blamed_where_the_broker_hangs_up_on_a_subscription() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let _inbound = connection.subscribe("forbidden/#", QoS::AtLeastOnce, 10).expect("a valid filter");
    let receipt = connection.enqueue(Publish::new("a", "innocent")).await.expect("room");
    let mut state = connection.state();
    for round in 0..12 {
        let mut peer = broker.welcome(false).await;
        let subscribe = peer.read().await;
        assert!(matches!(subscribe, Some(Packet::Subscribe(_))), "{subscribe:?}");
        // Every other time the subscription is alone, which proves it guilty.
        if round % 2 == 0 {
            peer.published().await;
        }
    }
    let named = |state: &State| match state {
        State::Disconnected { error: ConnectError::ClosedOverSubscription { filters, .. }, .. } => {
            filters == "`forbidden/#`"
        }
        _ => false,
    };
    within(state.wait_for(named)).await.expect("a state");
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    let publish = peer.published().await;
    peer.acknowledge(publish.pkid).await;
    within(receipt).await.expect("sent once more, and acknowledged");
}

/// rumqttc ends the connection over an acknowledgement of nothing; see DECISIONS.md.
#[tokio::test]
async fn an_acknowledgement_of_nothing_costs_a_connection_and_no_message() {
    for nonsense in [
        Packet::PubAck(PubAck::new(1)),
        Packet::PubAck(PubAck::new(77)),
        Packet::PubAck(PubAck::new(0)),
        Packet::PubRec(PubRec::new(1)),
        Packet::PubComp(PubComp::new(1)),
        Packet::PubRel(PubRel::new(1)),
    ] {
        let broker = Broker::bind().await;
        let connection = start(broker.options());
        let mut receipts = Vec::new();
        for text in ["a", "b", "c"] {
            receipts.push(connection.enqueue(Publish::new("out", text)).await.expect("room"));
        }
        let mut peer = broker.welcome(false).await;
        for _ in 0..3 {
            peer.published().await;
        }
        peer.acknowledge(1).await;
        peer.write(nonsense.clone()).await;
        peer.acknowledge(2).await;
        let mut peer = broker.welcome(true).await;
        // Whether the acknowledgement behind the nonsense was read depends on who is faster.
        let mut text = published_text(&mut peer).await;
        if text == "b" {
            peer.acknowledge(1).await;
            text = published_text(&mut peer).await;
            peer.acknowledge(2).await;
        } else {
            peer.acknowledge(1).await;
        }
        assert_eq!(text, "c", "{nonsense:?}");
        for receipt in receipts {
            within(receipt).await.expect("each is acknowledged, and none is blamed");
        }
        let counters = connection.counters();
        assert_eq!((counters.connects, counters.acked, counters.failed), (2, 3, 0), "{nonsense:?}");
    }
}

#[tokio::test]
async fn an_answer_to_no_subscription_is_passed_over() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    let success = SubscribeReasonCode::Success(rumqttc::mqttbytes::QoS::AtLeastOnce);
    peer.write(Packet::SubAck(SubAck::new(77, vec![SubscribeReasonCode::Failure]))).await;
    peer.grant().await;
    peer.write(Packet::SubAck(SubAck::new(1, vec![SubscribeReasonCode::Failure]))).await;
    peer.write(Packet::SubAck(SubAck::new(0, vec![success]))).await;
    peer.write(Packet::UnsubAck(UnsubAck::new(1))).await;
    peer.publish("in", "x", 1).await;
    within(inbound.next()).await.expect("a message").token.acknowledge();
    assert_eq!(peer.acknowledged().await, 1);
    assert_eq!(connection.counters().connects, 1);
}

#[tokio::test]
async fn a_message_that_is_never_acknowledged_is_given_up() {
    let broker = Broker::bind().await;
    let connection = start(Options { operation_timeout: Duration::from_millis(20), ..broker.options() });
    let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
    let serve = async {
        for _ in 0..5 {
            let mut peer = broker.welcome(false).await;
            peer.published().await;
            assert_eq!(peer.read().await, None, "the client gives this connection up");
        }
    };
    within(serve).await;
    let error = within(receipt).await.expect_err("given up");
    assert_eq!(error, PublishError::TimedOut { attempts: 5 });
    assert!(!error.is_permanent());
}

/// The driver looked once in the time that it gives, so that a message could wait for nearly twice as long.
#[tokio::test]
async fn the_operation_time_out_is_kept_to_the_moment() {
    let broker = Broker::bind().await;
    let operation_timeout = Duration::from_secs(3);
    let connection = start(Options { operation_timeout, ..broker.options() });
    let mut state = connection.state();
    let mut peer = broker.welcome(false).await;
    within(state.wait_for(|state| matches!(state, State::Connected { .. }))).await.expect("a state");
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
    peer.published().await;
    let written = tokio::time::Instant::now();
    assert_eq!(peer.read().await, None, "the client gives this connection up");
    let waited = written.elapsed();
    assert!(waited <= operation_timeout + Duration::from_millis(100), "{waited:?}");
    drop(receipt);
}

#[tokio::test]
async fn a_message_larger_than_the_limit_is_refused_before_it_is_accepted() {
    let broker = Broker::bind().await;
    let connection = start(Options { max_packet_size: 1_000, ..broker.options() });
    let mut peer = broker.welcome(false).await;
    let error = connection.publish(Publish::new("a", vec![0; 1_000])).await.expect_err("too large");
    assert_eq!(error, PublishError::TooLarge { size: 1_008, max: 1_000 });
    let largest = connection.enqueue(Publish::new("a", vec![0; 992])).await.expect("room");
    let publish = peer.published().await;
    peer.acknowledge(publish.pkid).await;
    within(largest).await.expect("acknowledged");
    assert!(matches!(connection.publish(Publish::new("a/+", "x")).await, Err(PublishError::InvalidTopic(_))));
}

#[tokio::test]
async fn a_full_outbox_makes_the_publisher_wait() {
    let broker = Broker::bind().await;
    let connection = start(Options { outbox_messages: 2, ..broker.options() });
    let mut peer = broker.welcome(false).await;
    for text in ["0", "1"] {
        connection.enqueue(Publish::new("a", text)).await.expect("room");
    }
    let mut third = Box::pin(connection.enqueue(Publish::new("a", "2")));
    assert!(futures::poll!(&mut third).is_pending());
    let publish = peer.published().await;
    peer.acknowledge(publish.pkid).await;
    within(third).await.expect("room");
}

#[tokio::test]
async fn a_driver_that_ends_leaves_nobody_waiting() {
    let broker = Broker::bind().await;
    let (connection, driver) = fieldline_mqtt::Connection::new(broker.options()).expect("valid options");
    let task = run(driver);
    let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
    let mut inbound = connection.subscribe("a", QoS::AtLeastOnce, 1).expect("a valid filter");
    task.abort();
    assert_eq!(within(receipt).await, Err(PublishError::Closed));
    assert!(within(inbound.next()).await.is_err());
    assert_eq!(*connection.state().borrow(), State::Closed);
}
