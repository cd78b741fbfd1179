//! Receiving: queues that overflow, tokens that come late or never, messages that are too large, refusals.

use fieldline_mqtt::{ConnectError, Connection, Options, Publish, QoS, State, SubscribeError};
use rumqttc::mqttbytes::v4::{Packet, SubAck, SubscribeReasonCode, UnsubAck};
use tokio::time::Duration;

use crate::broker::{Broker, start, within};

/// Waits until so many connections were accepted.
async fn connected(connection: &Connection, times: u64) {
    while connection.counters().connects < times {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_acknowledgement_from_before_a_reconnection_is_not_sent() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    peer.publish("in", "old", 5).await;
    let old = within(inbound.next()).await.expect("a message");
    drop(peer);
    let mut peer = broker.welcome(true).await;
    peer.publish("in", "again", 5).await;
    peer.publish("in", "next", 6).await;
    let again = within(inbound.next()).await.expect("a message");
    let next = within(inbound.next()).await.expect("a message");
    old.token.acknowledge();
    next.token.acknowledge();
    again.token.acknowledge();
    assert_eq!(peer.acknowledged().await, 5);
    assert_eq!(peer.acknowledged().await, 6);
}

#[tokio::test]
async fn what_was_queued_before_a_resumed_session_is_not_received_twice() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
    for session_present in [true, false] {
        let mut peer = broker.welcome(false).await;
        peer.grant().await;
        peer.publish("in", "queued", 1).await;
        peer.publish("other", "", 0).await;
        // The publish below is answered only after the message above was read.
        let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
        let publish = peer.published().await;
        peer.acknowledge(publish.pkid).await;
        within(receipt).await.expect("acknowledged");
        drop(peer);

        let mut peer = broker.welcome(session_present).await;
        if session_present {
            connected(&connection, 2).await;
        } else {
            peer.grant().await;
        }
        peer.publish("in", "after", 2).await;
        let mut received = Vec::new();
        while received.last().is_none_or(|payload| payload != "after") {
            let message = within(inbound.next()).await.expect("a message");
            received.push(message.payload.clone());
            message.token.acknowledge();
        }
        // A session that was lost redelivers nothing, so then the queue is all there is.
        assert_eq!(received.len(), if session_present { 1 } else { 2 });
        assert_eq!(peer.acknowledged().await, 2);
    }
}

#[tokio::test]
async fn what_was_queued_in_a_lost_session_survives_the_next_resumption() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    peer.publish("in", "kept", 1).await;
    while connection.counters().received == 0 {
        tokio::task::yield_now().await;
    }
    drop(peer);
    broker.welcome(false).await.grant().await;
    let mut peer = broker.welcome(true).await;
    peer.publish("in", "new", 1).await;
    for expected in ["kept", "new"] {
        let message = within(inbound.next()).await.expect("a message");
        assert_eq!(message.payload, expected);
        message.token.acknowledge();
    }
    assert_eq!(peer.acknowledged().await, 1);
}

#[tokio::test]
async fn a_lane_full_of_an_old_session_causes_no_reconnection_before_it_is_half_empty() {
    let broker = Broker::bind().await;
    let connection = start(Options { inflight: 2, ..broker.options() });
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 2).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    peer.publish("in", "0", 1).await;
    peer.publish("in", "1", 2).await;
    while connection.counters().received < 2 {
        tokio::task::yield_now().await;
    }
    drop(peer);
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    peer.publish("in", "2", 1).await;
    while connection.counters().held == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..3 {
        let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
        let publish = peer.published().await;
        peer.acknowledge(publish.pkid).await;
        within(receipt).await.expect("acknowledged on this connection");
    }
    assert_eq!(within(inbound.next()).await.expect("a message").payload, "0");
    assert_eq!(peer.read().await, Some(Packet::Disconnect));
    let mut peer = broker.welcome(true).await;
    peer.publish("in", "2", 1).await;
    for expected in ["1", "2"] {
        assert_eq!(within(inbound.next()).await.expect("a message").payload, expected);
    }
}

#[tokio::test]
async fn a_message_at_most_once_gives_way_to_one_at_least_once() {
    let broker = Broker::bind().await;
    let connection = start(Options { inflight: 2, ..broker.options() });
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 2).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    for (text, packet_id) in [("0", 0), ("1", 0), ("2", 1), ("3", 2), ("4", 3)] {
        peer.publish("in", text, packet_id).await;
    }
    while connection.counters().held == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((connection.counters().dropped_qos0, connection.counters().held), (2, 1));
    for expected in ["2", "3"] {
        let message = within(inbound.next()).await.expect("a message");
        assert_eq!(message.payload, expected);
        message.token.acknowledge();
    }
    assert_eq!((peer.acknowledged().await, peer.acknowledged().await), (1, 2));
    assert_eq!(peer.read().await, Some(Packet::Disconnect));
}

/// Issue 5: the broker was told, and sent nothing in between.
#[tokio::test]
async fn who_subscribes_in_the_place_of_another_misses_nothing() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let inbound = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    drop(inbound);
    peer.publish("in", "between", 1).await;
    while connection.counters().received == 0 {
        tokio::task::yield_now().await;
    }
    let mut successor = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
    assert_eq!(peer.grant().await, ["in"], "and no UNSUBSCRIBE before");
    let message = within(successor.next()).await.expect("a message");
    assert_eq!(message.payload, "between");
    message.token.acknowledge();
    assert_eq!(peer.acknowledged().await, 1);
}

/// MQTT 3.1.1 has no receive maximum: a broker may send more than a lane can take.
#[tokio::test]
async fn a_broker_that_sends_more_than_fits_is_asked_again_and_nothing_is_lost() {
    let broker = Broker::bind().await;
    let connection = start(Options { inflight: 2, ..broker.options() });
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 2).expect("a valid filter");
    let serve = async {
        let mut unacknowledged: Vec<u16> = (1..=7).collect();
        let mut connections = 0;
        while !unacknowledged.is_empty() {
            let mut peer = broker.welcome(connections > 0).await;
            if connections == 0 {
                peer.grant().await;
            }
            connections += 1;
            for packet_id in &unacknowledged {
                peer.publish("in", &packet_id.to_string(), *packet_id).await;
            }
            while !unacknowledged.is_empty() {
                match peer.read().await {
                    Some(Packet::PubAck(acknowledged)) => {
                        assert_eq!(acknowledged.pkid, unacknowledged.remove(0), "in order");
                    }
                    Some(Packet::Disconnect) | None => break,
                    other => panic!("{other:?}"),
                }
            }
        }
        connections
    };
    let receive = async {
        let mut received = Vec::new();
        // Waits until something had to be held, so that the test does not depend on who is faster.
        while connection.counters().held == 0 {
            tokio::task::yield_now().await;
        }
        while received.len() < 7 {
            let message = inbound.next().await.expect("a message");
            received.push(String::from_utf8(message.payload.to_vec()).expect("text"));
            message.token.acknowledge();
        }
        received
    };
    let (connections, received) = within(futures::future::join(serve, receive)).await;
    assert_eq!(received, ["1", "2", "3", "4", "5", "6", "7"]);
    assert!(connections > 1);
}

#[tokio::test]
async fn without_a_session_to_resume_a_full_lane_grows() {
    let broker = Broker::bind().await;
    let connection = start(Options { inflight: 2, clean_session: true, ..broker.options() });
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 2).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    for packet_id in 1..=20 {
        peer.publish("in", "x", packet_id).await;
    }
    for packet_id in 1..=20 {
        within(inbound.next()).await.expect("a message").token.acknowledge();
        assert_eq!(peer.acknowledged().await, packet_id);
    }
    assert_eq!(connection.counters().connects, 1);
}

#[tokio::test]
async fn a_slow_subscriber_stops_neither_the_others_nor_the_keep_alive() {
    let broker = Broker::bind().await;
    let connection = start(Options { inflight: 1, keep_alive: Duration::from_secs(10), ..broker.options() });
    let mut slow = connection.subscribe("slow", QoS::AtMostOnce, 2).expect("a valid filter");
    let mut quick = connection.subscribe("quick", QoS::AtLeastOnce, 2).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    for number in 0..5 {
        peer.publish("slow", &number.to_string(), 0).await;
    }
    peer.publish("quick", "x", 1).await;
    within(quick.next()).await.expect("a message").token.acknowledge();
    assert_eq!(peer.acknowledged().await, 1);
    assert_eq!(connection.counters().dropped_qos0, 3);
    for expected in ["0", "1"] {
        assert_eq!(within(slow.next()).await.expect("a message").payload, expected);
    }
    tokio::time::pause();
    assert_eq!(peer.read().await, Some(Packet::PingReq));
}

#[tokio::test]
async fn a_token_that_is_dropped_makes_the_broker_deliver_again() {
    let broker = Broker::bind().await;
    let connection = start(Options { operation_timeout: Duration::from_millis(20), ..broker.options() });
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    peer.publish("in", "x", 1).await;
    drop(within(inbound.next()).await.expect("a message"));
    assert_eq!(peer.read().await, Some(Packet::Disconnect));
    let mut peer = broker.welcome(true).await;
    peer.publish("in", "x", 1).await;
    within(inbound.next()).await.expect("a message").token.acknowledge();
    assert_eq!(peer.acknowledged().await, 1);
    assert_eq!(connection.counters().abandoned, 1);
}

#[tokio::test]
async fn a_message_that_comes_before_an_expected_subscriber_waits_for_it() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let expected = connection.expect(&["in"]);
    let mut peer = broker.welcome(true).await;
    peer.publish("in", "early", 1).await;
    let mut received = connection.counters().received;
    while received == 0 {
        tokio::task::yield_now().await;
        received = connection.counters().received;
    }
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 1).expect("a valid filter");
    drop(expected);
    let message = within(inbound.next()).await.expect("a message");
    assert_eq!(message.payload, "early");
    message.token.acknowledge();
    peer.grant().await;
    assert_eq!(peer.acknowledged().await, 1);
}

#[tokio::test]
async fn a_message_nobody_wants_is_acknowledged_once_nobody_is_expected_and_counted() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let expected = connection.expect(&["left-over"]);
    let mut peer = broker.welcome(true).await;
    peer.publish("left-over", "x", 9).await;
    while connection.counters().received == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(connection.counters().unclaimed, 0);
    drop(expected);
    assert_eq!(peer.acknowledged().await, 9);
    assert_eq!(connection.counters().unclaimed, 1);
}

#[tokio::test]
async fn a_message_that_nobody_claims_in_time_is_acknowledged() {
    let broker = Broker::bind().await;
    let connection = start(Options { operation_timeout: Duration::from_millis(20), ..broker.options() });
    let _expected = connection.expect(&["left-over"]);
    let mut peer = broker.welcome(true).await;
    peer.publish("left-over", "x", 9).await;
    assert_eq!(peer.acknowledged().await, 9);
}

/// A session of an earlier run with a filter more: its messages filled the broker's window for the time-out.
#[tokio::test]
async fn messages_of_a_forgotten_filter_do_not_hold_up_the_others() {
    let broker = Broker::bind().await;
    let operation_timeout = Duration::from_secs(1000);
    let connection = start(Options { operation_timeout, ..broker.options() });
    let mut inbound = connection.subscribe("keep", QoS::AtLeastOnce, 10).expect("a valid filter");
    let mut peer = broker.welcome(true).await;
    for packet_id in 1..=20 {
        peer.publish("fast", "x", packet_id).await;
    }
    peer.grant().await;
    for packet_id in 1..=20 {
        assert_eq!(peer.acknowledged().await, packet_id);
    }
    peer.publish("keep", "x", 21).await;
    within(inbound.next()).await.expect("a message").token.acknowledge();
    assert_eq!(peer.acknowledged().await, 21);
    assert_eq!(connection.counters().unclaimed, 20);
}

#[tokio::test]
async fn the_broker_is_told_to_forget_what_only_an_earlier_run_subscribed_to() {
    let broker = Broker::bind().await;
    let (connection, driver) = Connection::new(broker.options()).expect("valid options");
    connection.remember(["gone", "keep", "later"].map(str::to_owned));
    let _keep = connection.subscribe("keep", QoS::AtLeastOnce, 10).expect("a valid filter");
    let expected = connection.expect(&["later"]);
    crate::broker::run(driver);
    let mut filters = connection.filters();
    let known = |filters: &[&str]| filters.iter().map(|filter| (*filter).to_owned()).collect();
    assert_eq!(*filters.borrow_and_update(), known(&["gone", "keep", "later"]));

    // Asked again where the connection ends before the answer.
    for round in 0..2 {
        let mut peer = broker.welcome(true).await;
        if round == 0 {
            assert_eq!(peer.grant().await, ["keep"]);
        }
        let Some(Packet::Unsubscribe(unsubscribe)) = peer.read().await else { panic!("no UNSUBSCRIBE") };
        assert_eq!(unsubscribe.topics, ["gone"]);
    }
    let mut peer = broker.welcome(true).await;
    let Some(Packet::Unsubscribe(unsubscribe)) = peer.read().await else { panic!("no UNSUBSCRIBE") };
    peer.write(Packet::UnsubAck(UnsubAck::new(unsubscribe.pkid))).await;
    within(filters.wait_for(|filters| *filters == known(&["keep", "later"]))).await.expect("it is told");
    let _later = connection.subscribe("later", QoS::AtLeastOnce, 10).expect("a valid filter");
    drop(expected);
    assert_eq!(peer.grant().await, ["later"]);
    drop(peer);

    let mut peer = broker.welcome(false).await;
    assert_eq!(peer.grant().await, ["keep", "later"], "a new session has nothing to forget");
}

/// rumqttc ends the connection over a packet beyond its limit, and the broker sends it again, for ever.
#[tokio::test]
async fn of_a_message_that_is_too_large_comes_the_beginning() {
    let broker = Broker::bind().await;
    let connection = start(Options { max_packet_size: 20 * 1024, ..broker.options() });
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 10).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    let fits = 20 * 1024 - "in".len();
    // A character of two bytes lies over the limit.
    let large = format!("x{}", "°".repeat(10 * 1024));
    for (payload, packet_id) in [(&*"x".repeat(fits), 1), (&large, 2), (&large, 0), ("small", 3)] {
        peer.publish("in", payload, packet_id).await;
    }
    for (length, oversized) in [
        (fits, None),
        (20 * 1024 - 1, Some(large.len() + 2)),
        (20 * 1024 - 1, Some(large.len() + 2)),
        (5, None),
    ] {
        let message = within(inbound.next()).await.expect("a message");
        assert_eq!((message.payload.len(), message.oversized), (length, oversized));
        assert!(std::str::from_utf8(&message.payload).is_ok());
        message.token.acknowledge();
    }
    for expected in [1, 2, 3] {
        assert_eq!(peer.acknowledged().await, expected);
    }
    let counters = connection.counters();
    assert_eq!((counters.oversized, counters.connects), (2, 1));
}

#[tokio::test]
async fn a_packet_beyond_all_limits_is_reported_as_the_reason_and_waited_out() {
    let broker = Broker::bind().await;
    let connection = start(Options { backoff_maximum: Duration::from_secs(500), ..broker.options() });
    let mut peer = broker.welcome(false).await;
    peer.write_bytes(&[0x32, 0xff, 0xff, 0xff, 0x7f]).await;
    let mut state = connection.state();
    let failed = within(state.wait_for(|state| matches!(state, State::Disconnected { .. }))).await;
    let State::Disconnected { error, retry_in } = failed.expect("a state").clone() else {
        panic!("waited for it")
    };
    assert_eq!(error, ConnectError::PacketTooLarge { size: 268_435_455, max: 16 * 1024 * 1024 });
    assert!(error.is_permanent());
    assert!(retry_in >= Duration::from_secs(250), "{retry_in:?}: no loop");
}

#[tokio::test]
async fn a_refused_subscription_is_reported_and_tried_again_on_the_next_connection() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut inbound = connection.subscribe("secret", QoS::AtLeastOnce, 1).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    let Some(Packet::Subscribe(subscribe)) = peer.read().await else { panic!("no SUBSCRIBE") };
    peer.write(Packet::SubAck(SubAck::new(subscribe.pkid, vec![SubscribeReasonCode::Failure]))).await;
    let refused = within(inbound.next()).await.expect_err("refused");
    assert!(matches!(&refused, SubscribeError::Refused { filter, .. } if filter == "secret"), "{refused}");
    assert!(within(inbound.subscribed()).await.is_err());
    drop(peer);
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    peer.publish("secret", "x", 1).await;
    assert_eq!(within(inbound.next()).await.expect("a message").payload, "x");
}

#[tokio::test]
async fn a_refused_subscription_is_tried_again_on_the_same_connection() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut inbound = connection.subscribe("busy", QoS::AtLeastOnce, 1).expect("a valid filter");
    let _other = connection.subscribe("fine", QoS::AtLeastOnce, 1).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    let mut refused = Some(vec![
        SubscribeReasonCode::Failure,
        SubscribeReasonCode::Success(rumqttc::mqttbytes::QoS::AtLeastOnce),
    ]);
    for _ in 0..3 {
        let Some(Packet::Subscribe(subscribe)) = peer.read().await else { panic!("no SUBSCRIBE") };
        assert_eq!(subscribe.filters[0].path, "busy");
        let codes = refused.take().unwrap_or_else(|| vec![SubscribeReasonCode::Failure]);
        assert_eq!(subscribe.filters.len(), codes.len(), "only what was refused is asked for again");
        peer.write(Packet::SubAck(SubAck::new(subscribe.pkid, codes))).await;
        assert!(within(inbound.next()).await.is_err(), "told each time");
        assert!(futures::poll!(Box::pin(inbound.available())).is_pending());
    }
    assert_eq!(peer.grant().await, ["busy"]);
    within(inbound.available()).await;
    peer.publish("busy", "x", 1).await;
    assert_eq!(within(inbound.next()).await.expect("a message").payload, "x");
    assert_eq!(connection.counters().connects, 1);
}

#[tokio::test]
async fn who_goes_on_with_some_filters_is_told_of_the_refused_ones_until_all_are_granted() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut inbound =
        connection.subscribe_all(&["busy", "fine"], QoS::AtLeastOnce, 10).expect("valid filters");
    let mut peer = broker.welcome(false).await;
    let success = SubscribeReasonCode::Success(rumqttc::mqttbytes::QoS::AtLeastOnce);
    let mut codes = vec![SubscribeReasonCode::Failure, success];
    for _ in 0..2 {
        let Some(Packet::Subscribe(subscribe)) = peer.read().await else { panic!("no SUBSCRIBE") };
        peer.write(Packet::SubAck(SubAck::new(subscribe.pkid, std::mem::take(&mut codes)))).await;
        codes.push(SubscribeReasonCode::Failure);
        assert!(within(inbound.next_of_some()).await.expect("some are granted").is_none());
        assert!(inbound.refusal().is_some_and(|refusal| refusal.to_string().contains("busy")));
        peer.publish("fine", "x", 0).await;
        let message = within(inbound.next_of_some()).await.expect("some are granted");
        assert_eq!(message.expect("a message").topic, "fine");
    }
    assert_eq!(peer.grant().await, ["busy"]);
    assert!(within(inbound.next_of_some()).await.expect("all are granted").is_none());
    assert!(inbound.refusal().is_none());
}

#[tokio::test]
async fn a_subscription_that_is_not_answered_ends_the_connection() {
    let broker = Broker::bind().await;
    let connection = start(Options { operation_timeout: Duration::from_millis(20), ..broker.options() });
    let _inbound = connection.subscribe("in", QoS::AtLeastOnce, 1).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    assert!(matches!(peer.read().await, Some(Packet::Subscribe(_))));
    assert_eq!(peer.read().await, None);
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
}

#[tokio::test]
async fn receiving_is_cancel_safe() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut inbound = connection.subscribe("in", QoS::AtLeastOnce, 100).expect("a valid filter");
    let mut peer = broker.welcome(false).await;
    peer.grant().await;
    for packet_id in 1..=50 {
        peer.publish("in", &packet_id.to_string(), packet_id).await;
    }
    let receive = async {
        let mut received = Vec::new();
        while received.len() < 50 {
            tokio::select! {
                biased;
                message = inbound.next() => {
                    let message = message.expect("a message");
                    received.push(message.payload.clone());
                    message.token.acknowledge();
                }
                () = tokio::task::yield_now() => {}
            }
        }
        received
    };
    let received = within(receive).await;
    assert_eq!(received, (1..=50).map(|number| number.to_string()).collect::<Vec<_>>());
}
