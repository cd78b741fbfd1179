//! Permission per topic, for publishing, subscribing and receiving.

use std::sync::Arc;

use fieldline_broker::{Action, BrokerOptions, Delivery, Identity};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::support::device::{Connect, Device, Message, VERSIONS, Version};
use crate::support::{DEADLINE, Running, with_policy};

#[tokio::test]
async fn a_refused_publish_is_reported_on_5_and_ends_the_connection_on_3_1_1() {
    let broker = Running::start(with_policy(|_: &Identity, action: Action<'_>| {
        !matches!(action, Action::Publish(topic) if topic.starts_with("closed/"))
    }))
    .await;
    let mut unheard = broker.link.subscribe("#", Delivery::Shared).expect("the filter is one");
    let mut listener = Device::three(broker.address, "listener").await;
    assert!(listener.subscribe("#").await);
    for version in VERSIONS {
        let mut device = Connect::new(broker.address, "device", version).open().await;
        match version {
            Version::Three => assert!(device.publish("closed/door", "").await.is_err()),
            Version::Five => assert_eq!(device.publish("closed/door", "").await, Ok(false)),
        }
    }
    let mut device = Device::three(broker.address, "device").await;
    device.publish_at_most_once("closed/door", "").await;
    device.ended().await;
    let mut device = Device::three(broker.address, "device").await;
    assert_eq!(device.publish("open/door", "").await, Ok(true));
    assert_eq!(listener.next().await, Message::new("open/door", ""));
    let heard = unheard.next().await.expect("the broker runs");
    assert_eq!(heard.message.topic, "open/door");
    broker.stop().await;
}

#[tokio::test]
async fn a_refused_subscription_is_reported_and_the_next_one_counts() {
    let broker = Running::start(with_policy(
        |_: &Identity, action: Action<'_>| !matches!(action, Action::Subscribe(filter) if filter != "open/#"),
    ))
    .await;
    for version in VERSIONS {
        let mut device = Connect::new(broker.address, "device", version).open().await;
        assert!(!device.subscribe("#").await);
        assert!(device.subscribe("open/#").await);
        assert_eq!(device.publish("closed", "").await, Ok(true));
        assert_eq!(device.publish("open/a", "").await, Ok(true));
        assert_eq!(device.next().await, Message::new("open/a", ""));
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_message_is_withheld_from_whom_may_not_receive_it() {
    let broker = Running::start(with_policy(|identity: &Identity, action: Action<'_>| {
        identity.client_id != "outsider"
            || !matches!(action, Action::Receive(topic) if topic.starts_with("secret/"))
    }))
    .await;
    let mut publisher = Device::three(broker.address, "publisher").await;
    publisher.retain("secret/retained", "1").await;
    let mut insider = Device::three(broker.address, "insider").await;
    assert!(insider.subscribe("secret/live").await);
    for version in VERSIONS {
        let mut outsider = Connect::new(broker.address, "outsider", version).open().await;
        assert!(outsider.subscribe("#").await);
        // More than the broker lets be unacknowledged at once, so each must have been acknowledged.
        for _ in 0..200 {
            assert_eq!(publisher.publish("secret/live", "2").await, Ok(true));
            assert_eq!(insider.next().await, Message::new("secret/live", "2"));
        }
        publisher.publish_at_most_once("secret/live", "3").await;
        assert_eq!(insider.next().await, Message::new("secret/live", "3"));
        assert_eq!(publisher.publish("public", "4").await, Ok(true));
        assert_eq!(outsider.next().await, Message::new("public", "4"));
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_refused_connection_is_closed_without_an_answer() {
    let broker = Running::start(with_policy(|identity: &Identity, action: Action<'_>| {
        action != Action::Connect || identity.client_id == "known"
    }))
    .await;
    for version in VERSIONS {
        let refused = Connect::new(broker.address, "unknown", version).attempt().await;
        let error = refused.err().expect("the client is refused");
        assert!(error.contains("closed by peer"), "{error}");
        Connect::new(broker.address, "known", version).open().await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_resumed_session_loses_what_it_may_no_longer_subscribe_to() {
    let directory = tempfile::tempdir().expect("a directory is made");
    let data_directory = Some(directory.path().to_owned());
    let all = with_policy(|_: &Identity, _: Action<'_>| true);
    let fewer = with_policy(|_: &Identity, action: Action<'_>| action != Action::Subscribe("a"));
    let session = |address| Connect { persistent: true, ..Connect::new(address, "device", Version::Five) };

    let broker = Running::start(BrokerOptions { data_directory: data_directory.clone(), ..all }).await;
    let mut device = session(broker.address).open().await;
    assert!(device.subscribe("a").await);
    assert!(device.subscribe("b").await);
    broker.stop().await;

    let broker = Running::start(BrokerOptions { data_directory, ..fewer }).await;
    let mut device = session(broker.address).open().await;
    assert!(device.session_present);
    assert_eq!(device.publish("a", "").await, Ok(true));
    assert_eq!(device.publish("b", "").await, Ok(true));
    assert_eq!(device.next().await, Message::new("b", ""));
    broker.stop().await;
}

#[tokio::test]
async fn a_last_will_needs_permission_too() {
    let asked = Arc::new(Notify::new());
    let policy = {
        let asked = Arc::clone(&asked);
        move |_: &Identity, action: Action<'_>| {
            let refused = action == Action::Publish("closed/will");
            if refused {
                asked.notify_one();
            }
            !refused
        }
    };
    let broker = Running::start(with_policy(policy)).await;
    let mut listener = Device::three(broker.address, "listener").await;
    assert!(listener.subscribe("#").await);
    let connect = Connect::new(broker.address, "dying", Version::Three);
    drop(Connect { will: Some(("closed/will", "gone")), ..connect }.open().await);
    timeout(DEADLINE, asked.notified()).await.expect("the policy is asked in time");
    assert_eq!(listener.publish("after", "").await, Ok(true));
    assert_eq!(listener.next().await, Message::new("after", ""));
    broker.stop().await;
}
