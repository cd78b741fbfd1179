//! Starting, stopping, and not being able to.

use std::time::Duration;

use fieldline_broker::{Broker, BrokerError, BrokerOptions, LinkError, Message as LinkMessage};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::device::{Connect, Device, Message, VERSIONS, Version};
use crate::support::{Running, pki, plain, plain_at, secured};

async fn refusal(options: BrokerOptions) -> BrokerError {
    Broker::start(options).await.err().expect("the broker does not start")
}

#[tokio::test]
async fn two_brokers_share_a_machine_and_nothing_else() {
    let one = Running::start(plain()).await;
    let two = Running::start(plain()).await;
    assert_ne!(one.address, two.address);
    let mut listener = Device::three(one.address, "device").await;
    assert!(listener.subscribe("#").await);
    let mut other = Device::three(two.address, "device").await;
    assert_eq!(other.publish("elsewhere", "").await, Ok(true));
    let mut same = Device::three(one.address, "same").await;
    assert_eq!(same.publish("here", "").await, Ok(true));
    assert_eq!(listener.next().await, Message::new("here", ""));
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let broker = Running::start(plain()).await;
    let error = refusal(plain_at(broker.address)).await;
    assert_eq!(error.to_string(), format!("port {} on 127.0.0.1 is already in use", broker.address.port()));
    broker.stop().await;
}

#[tokio::test]
async fn an_address_of_another_machine_is_named() {
    let address = "192.0.2.1:0".parse().expect("the address is well-formed");
    let error = refusal(plain_at(address)).await;
    assert!(error.to_string().starts_with("cannot listen on 192.0.2.1:0: "), "{error}");
}

#[tokio::test]
async fn a_stopped_broker_has_said_goodbye_and_given_back_port_and_directory() {
    let directory = tempfile::tempdir().expect("a directory is made");
    let data_directory = Some(directory.path().to_owned());
    let broker = Running::start(BrokerOptions { data_directory, ..plain() }).await;
    let (address, link) = (broker.address, broker.link.clone());
    for version in VERSIONS {
        let id = format!("{version:?}");
        let mut device = Connect { persistent: true, ..Connect::new(address, &id, version) }.open().await;
        assert!(device.subscribe("#").await);
    }
    let mut device = Device::three(address, "publisher").await;
    device.retain("state", "on").await;
    broker.stop().await;
    device.ended().await;
    assert_eq!(link.publish(LinkMessage::new("late", "")).await, Err(LinkError::Stopped));

    let data_directory = Some(directory.path().to_owned());
    let broker = Running::start(BrokerOptions { data_directory, ..plain_at(address) }).await;
    for version in VERSIONS {
        let id = format!("{version:?}");
        let mut device = Connect { persistent: true, ..Connect::new(address, &id, version) }.open().await;
        assert!(device.session_present);
        assert_eq!(device.next().await, Message::new("state", "on"));
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_client_that_says_nothing_does_not_delay_the_stop() {
    let ours = pki(&[]);
    for options in [plain(), secured(ours.path())] {
        let broker = Running::start(options).await;
        let mut silent = TcpStream::connect(broker.address).await.expect("the broker accepts");
        timeout(Duration::from_secs(3), broker.stop()).await.expect("the broker stops at once");
        let read = silent.read(&mut [0]).await;
        assert!(matches!(read, Ok(0) | Err(_)), "the connection is closed: {read:?}");
    }
}

#[tokio::test]
async fn a_data_directory_serves_one_broker_at_a_time() {
    let directory = tempfile::tempdir().expect("a directory is made");
    let options = BrokerOptions { data_directory: Some(directory.path().to_owned()), ..plain() };
    let broker = Running::start(options.clone()).await;
    let error = refusal(options).await.to_string();
    let path = directory.path().display();
    assert!(error.starts_with(&format!("cannot use the data directory `{path}`: ")), "{error}");
    assert!(error.contains("already in use by another broker"), "{error}");
    broker.stop().await;
}

#[tokio::test]
async fn a_full_broker_turns_the_next_client_away() {
    let broker = Running::start(BrokerOptions { max_connections: 1, ..plain() }).await;
    let first = Device::three(broker.address, "first").await;
    let second = Connect::new(broker.address, "second", Version::Three).attempt().await;
    assert!(second.is_err());
    drop(first);
    broker.stop().await;
}

#[tokio::test]
async fn a_packet_beyond_the_limit_ends_the_connection() {
    let broker = Running::start(BrokerOptions { max_packet: 1024, ..plain() }).await;
    let mut device = Device::three(broker.address, "device").await;
    assert_eq!(device.publish("small", &"x".repeat(900)).await, Ok(true));
    assert!(device.publish("large", &"x".repeat(1100)).await.is_err());
    broker.stop().await;
}
