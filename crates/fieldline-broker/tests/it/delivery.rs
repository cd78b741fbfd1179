//! What clients say to each other, in both versions of MQTT.

use crate::support::device::{Connect, Device, Message, VERSIONS};
use crate::support::{Running, plain};

#[tokio::test]
async fn messages_of_both_qualities_reach_subscribers_of_both_versions() {
    let broker = Running::start(plain()).await;
    for publisher in VERSIONS {
        for subscriber in VERSIONS {
            let mut subscriber = Connect::new(broker.address, "subscriber", subscriber).open().await;
            assert!(subscriber.subscribe("line/+/temperature").await);
            let mut publisher = Connect::new(broker.address, "publisher", publisher).open().await;
            publisher.publish_at_most_once("line/1/temperature", "20").await;
            assert_eq!(publisher.publish("line/2/temperature", "21").await, Ok(true));
            let received = [subscriber.next().await, subscriber.next().await];
            for expected in [("line/1/temperature", "20"), ("line/2/temperature", "21")] {
                let expected = Message::new(expected.0, expected.1);
                assert!(received.contains(&expected), "{expected:?} is in {received:?}");
            }
        }
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_reserved_topic_is_seen_by_its_own_filter_and_not_by_a_bare_wildcard() {
    let broker = Running::start(plain()).await;
    let mut bare = Device::three(broker.address, "bare").await;
    assert!(bare.subscribe("#").await);
    let mut own = Device::three(broker.address, "own").await;
    assert!(own.subscribe("$aws/things/+/shadow/update").await);
    let mut publisher = Device::three(broker.address, "publisher").await;
    let topic = "$aws/things/pi/shadow/update";
    assert_eq!(publisher.publish(topic, "{}").await, Ok(true));
    assert_eq!(publisher.publish("last", "").await, Ok(true));
    assert_eq!(own.next().await, Message::new(topic, "{}"));
    assert_eq!(bare.next().await, Message::new("last", ""));
    broker.stop().await;
}

#[tokio::test]
async fn a_retained_message_greets_a_later_subscriber_until_it_is_cleared() {
    let broker = Running::start(plain()).await;
    let mut publisher = Device::three(broker.address, "publisher").await;
    publisher.retain("state", "on").await;
    for version in VERSIONS {
        let mut subscriber = Connect::new(broker.address, "greeted", version).open().await;
        assert!(subscriber.subscribe("state").await);
        assert_eq!(subscriber.next().await, Message::new("state", "on").retained());
    }
    publisher.retain("state", "").await;
    let mut late = Device::five(broker.address, "late").await;
    assert!(late.subscribe("state").await);
    assert_eq!(publisher.publish("state", "live").await, Ok(true));
    assert_eq!(late.next().await, Message::new("state", "live"));
    broker.stop().await;
}

#[tokio::test]
async fn a_returning_session_gets_what_it_missed_in_order() {
    let broker = Running::start(plain()).await;
    for version in VERSIONS {
        let absent = || Connect { persistent: true, ..Connect::new(broker.address, "absent", version) };
        let mut device = absent().open().await;
        assert!(device.subscribe("missed/#").await);
        drop(device);
        let mut publisher = Device::three(broker.address, "publisher").await;
        for number in 0..20 {
            assert_eq!(publisher.publish("missed/a", &number.to_string()).await, Ok(true));
        }
        let mut device = absent().open().await;
        assert!(device.session_present);
        for number in 0..20 {
            assert_eq!(device.next().await, Message::new("missed/a", &number.to_string()));
        }
        let fresh = Connect::new(broker.address, "absent", version).open().await;
        assert!(!fresh.session_present);
    }
    broker.stop().await;
}
