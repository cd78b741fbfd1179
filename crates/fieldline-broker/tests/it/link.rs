//! The process and its clients talk through the link.

use bytes::Bytes;
use fieldline_broker::{Delivery, LinkError, Message as LinkMessage, QualityOfService, Subscription};
use rumqttc::v5::mqttbytes::QoS as QoS5;
use rumqttc::v5::mqttbytes::v5::PublishProperties;
use tokio::time::timeout;

use crate::support::device::{Connect, Device, Message, VERSIONS, Version};
use crate::support::{DEADLINE, Running, plain};

async fn taken(subscription: &mut Subscription) -> (String, LinkMessage) {
    let received = timeout(DEADLINE, subscription.next()).await.expect("a message comes in time");
    let received = received.expect("the broker runs");
    (received.sender.client_id.clone(), received.message)
}

#[tokio::test]
async fn the_process_publishes_to_clients_and_hears_them() {
    let broker = Running::start(plain()).await;
    let mut requests =
        broker.link.subscribe("$aws/things/+/shadow/get", Delivery::Shared).expect("the filter is one");
    for version in VERSIONS {
        let mut device = Connect::new(broker.address, "pi", version).open().await;
        assert!(device.subscribe("$aws/things/pi/shadow/get/+").await);
        assert_eq!(device.publish("$aws/things/pi/shadow/get", "").await, Ok(true));
        let (client_id, message) = taken(&mut requests).await;
        assert_eq!(client_id, "pi");
        assert_eq!(message, LinkMessage::new("$aws/things/pi/shadow/get", ""));
        let answer = LinkMessage::new("$aws/things/pi/shadow/get/accepted", "{}");
        broker.link.publish(answer).await.expect("the broker runs");
        assert_eq!(device.next().await, Message::new("$aws/things/pi/shadow/get/accepted", "{}"));
    }
    broker.stop().await;
    assert!(requests.next().await.is_none());
}

#[tokio::test]
async fn an_exclusive_subscription_keeps_a_message_from_clients() {
    let broker = Running::start(plain()).await;
    let mut listener = Device::three(broker.address, "listener").await;
    assert!(listener.subscribe("#").await);
    let mut publisher = Device::three(broker.address, "publisher").await;
    let mut exclusive = broker.link.subscribe("a/#", Delivery::Exclusive).expect("the filter is one");
    assert_eq!(publisher.publish("a/1", "").await, Ok(true));
    assert_eq!(taken(&mut exclusive).await.1.topic, "a/1");
    drop(exclusive);
    assert_eq!(publisher.publish("a/2", "").await, Ok(true));
    assert_eq!(listener.next().await, Message::new("a/2", ""));
    broker.stop().await;
}

#[tokio::test]
async fn a_message_of_the_process_is_retained_if_asked() {
    let broker = Running::start(plain()).await;
    broker.link.publish(LinkMessage::new("state", "on").retained()).await.expect("the broker runs");
    let mut device = Device::three(broker.address, "device").await;
    assert!(device.subscribe("state").await);
    assert_eq!(device.next().await, Message::new("state", "on").retained());
    broker.stop().await;
}

#[tokio::test]
async fn a_last_will_reaches_clients_but_not_the_process() {
    let broker = Running::start(plain()).await;
    let mut taken_by_process = broker.link.subscribe("#", Delivery::Shared).expect("the filter is one");
    let mut listener = Device::three(broker.address, "listener").await;
    assert!(listener.subscribe("will").await);
    let mut dying = Connect::new(broker.address, "dying", Version::Three);
    dying.will = Some(("will", "gone"));
    drop(dying.open().await);
    assert_eq!(listener.next().await, Message::new("will", "gone"));
    assert_eq!(listener.publish("after", "").await, Ok(true));
    assert_eq!(taken(&mut taken_by_process).await.1.topic, "after");
    broker.stop().await;
}

#[tokio::test]
async fn a_request_of_mqtt_5_carries_where_and_how_to_answer() {
    let broker = Running::start(plain()).await;
    let mut requests = broker.link.subscribe("request", Delivery::Exclusive).expect("the filter is one");
    let options =
        rumqttc::v5::MqttOptions::new("device", broker.address.ip().to_string(), broker.address.port());
    let (client, mut events) = rumqttc::v5::AsyncClient::new(options, 10);
    let properties = PublishProperties {
        response_topic: Some("answer".to_owned()),
        correlation_data: Some(Bytes::from_static(b"7")),
        ..PublishProperties::default()
    };
    client
        .publish_with_properties("request", QoS5::AtMostOnce, false, "?", properties)
        .await
        .expect("the client takes the message");
    let message = tokio::select! {
        (_, message) = taken(&mut requests) => message,
        error = async { loop { if let Err(error) = events.poll().await { break error } } } => {
            panic!("the connection ended: {error}")
        }
    };
    let expected = LinkMessage {
        quality: QualityOfService::AtMostOnce,
        response_topic: Some("answer".to_owned()),
        correlation: Some(Bytes::from_static(b"7")),
        ..LinkMessage::new("request", "?")
    };
    assert_eq!(message, expected);
    broker.stop().await;
}

#[tokio::test]
async fn what_is_no_topic_and_what_is_no_filter_is_refused() {
    let broker = Running::start(plain()).await;
    let published = broker.link.publish(LinkMessage::new("a/+", "")).await;
    assert_eq!(published, Err(LinkError::InvalidTopic("a/+".to_owned())));
    let subscribed = broker.link.subscribe("a/#/b", Delivery::Shared).err();
    assert_eq!(subscribed, Some(LinkError::InvalidFilter("a/#/b".to_owned())));
    broker.stop().await;
}
